//! Money and sizes. A decimal from the first byte to the last: sums and products are exact or an error, quotients
//! carry 18 places, half to even. The text keeps the source's own scale (`"28.0"` stays `"28.0"`).

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An exact decimal of at most 28 significant digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

/// Why a text or a result is not an [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountError {
    /// Not `-?digits(.digits)?`.
    NotDecimal,
    /// More digits than an exact result can hold.
    TooManyDigits,
    DivisionByZero,
}

/// Places of a quotient.
const QUOTIENT_PLACES: u32 = 18;
const MAX_SCALE: u32 = 28;
const MAX_MANTISSA: u128 = (1 << 96) - 1;

impl Amount {
    pub const ZERO: Self = Self(Decimal::ZERO);

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// -1, 0 or 1.
    pub fn sign(self) -> i32 {
        self.0.cmp(&Decimal::ZERO) as i32
    }

    #[must_use]
    pub fn negated(self) -> Self {
        Self(-self.0)
    }

    #[must_use]
    pub fn magnitude(self) -> Self {
        Self(self.0.abs())
    }

    /// The same value without trailing zeros.
    #[must_use]
    pub fn shortest(self) -> Self {
        Self(self.0.normalize())
    }

    /// The largest whole number that is no more than this.
    #[must_use]
    pub fn floor(self) -> Self {
        Self(self.0.floor())
    }

    /// As the exchange counts money: in millionths, half to even. With all places of a quotient the next product
    /// would be too long.
    #[must_use]
    pub fn in_millionths(self) -> Self {
        Self(self.0.round_dp(6))
    }

    /// `10^exponent`, where a decimal holds it.
    pub fn power_of_ten(exponent: i32) -> Result<Self, AmountError> {
        let magnitude = exponent.unsigned_abs();
        if exponent < 0 {
            return from_parts(1, magnitude);
        }
        from_parts(10_i128.checked_pow(magnitude).ok_or(AmountError::TooManyDigits)?, 0)
    }

    /// Of two that may not be known: then the sum is not known either, as when it does not fit.
    pub fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one?.plus(other?).ok()
    }

    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        let (a, b) = (self.0, other.0);
        if let Some((a, b)) = aligned(a, b) {
            return a.checked_add(b).ok_or(AmountError::TooManyDigits).and_then(|sum| exact(sum, a_scale(self, other)));
        }
        let (a, b) = (a.normalize(), b.normalize());
        let (a, b) = aligned(a, b).ok_or(AmountError::TooManyDigits)?;
        a.checked_add(b).ok_or(AmountError::TooManyDigits).and_then(|sum| exact(sum, a.scale().max(b.scale())))
    }

    pub fn minus(self, other: Self) -> Result<Self, AmountError> {
        self.plus(other.negated())
    }

    pub fn times(self, other: Self) -> Result<Self, AmountError> {
        let (a, b) = (self.0.normalize(), other.0.normalize());
        let mut mantissa = a.mantissa().checked_mul(b.mantissa()).ok_or(AmountError::TooManyDigits)?;
        let mut scale = a.scale() + b.scale();
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        if mantissa == 0 {
            scale = 0;
        }
        from_parts(mantissa, scale)
    }

    /// The quotient to 18 places, half to even.
    pub fn over(self, other: Self) -> Result<Self, AmountError> {
        if other.is_zero() {
            return Err(AmountError::DivisionByZero);
        }
        let negative = self.0.is_sign_negative() != other.0.is_sign_negative();
        let (numerator, denominator) = (self.0.mantissa().unsigned_abs(), other.0.mantissa().unsigned_abs());
        let shift = i64::from(QUOTIENT_PLACES) + i64::from(other.0.scale()) - i64::from(self.0.scale());
        let quotient = rounded_quotient(numerator, denominator, shift)?;
        let mantissa = i128::try_from(quotient).map_err(|_| AmountError::TooManyDigits)?;
        from_parts(if negative { -mantissa } else { mantissa }, QUOTIENT_PLACES).map(Self::shortest)
    }

    /// Writes the text into `buffer` and returns the part that was filled.
    fn write(self, buffer: &mut [u8; TEXT_BYTES]) -> &str {
        let scale = self.0.scale() as usize;
        let mut at = TEXT_BYTES;
        let mut digits = 0;
        let mantissa = self.0.mantissa();
        let mut rest = mantissa.unsigned_abs();
        while rest > 0 || digits <= scale {
            if digits == scale && scale > 0 {
                at -= 1;
                buffer[at] = b'.';
            }
            let digit = if let Ok(small) = u64::try_from(rest) {
                rest = u128::from(small / 10);
                (small % 10) as u8
            } else {
                let digit = (rest % 10) as u8;
                rest /= 10;
                digit
            };
            at -= 1;
            buffer[at] = b'0' + digit;
            digits += 1;
        }
        if mantissa < 0 {
            at -= 1;
            buffer[at] = b'-';
        }
        core::str::from_utf8(&buffer[at..]).unwrap_or_default()
    }
}

/// Sign, 29 digits and a point, with room to spare.
const TEXT_BYTES: usize = 48;

fn a_scale(a: Amount, b: Amount) -> u32 {
    a.0.scale().max(b.0.scale())
}

/// Both at the larger scale, or nothing when one of them does not fit there.
fn aligned(mut a: Decimal, mut b: Decimal) -> Option<(Decimal, Decimal)> {
    let scale = a.scale().max(b.scale());
    a.rescale(scale);
    b.rescale(scale);
    (a.scale() == scale && b.scale() == scale).then_some((a, b))
}

/// The library rounds a result that does not fit and lowers its scale: that is the sign of an inexact one.
fn exact(result: Decimal, scale: u32) -> Result<Amount, AmountError> {
    if result.scale() == scale { Ok(Amount(result)) } else { Err(AmountError::TooManyDigits) }
}

fn from_parts(mantissa: i128, scale: u32) -> Result<Amount, AmountError> {
    if scale > MAX_SCALE || mantissa.unsigned_abs() > MAX_MANTISSA {
        return Err(AmountError::TooManyDigits);
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).map(Amount).map_err(|_| AmountError::TooManyDigits)
}

/// `numerator * 10^shift / denominator`, half to even, digit by digit so that nothing is rounded twice.
fn rounded_quotient(numerator: u128, denominator: u128, shift: i64) -> Result<u128, AmountError> {
    let mut denominator = denominator;
    for _ in shift..0 {
        match denominator.checked_mul(10) {
            Some(larger) => denominator = larger,
            // The numerator is below 2^96: far less than half of this denominator.
            None => return Ok(0),
        }
    }
    let (mut quotient, mut rest) = (numerator / denominator, numerator % denominator);
    for _ in 0..shift {
        rest *= 10;
        quotient = quotient
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(rest / denominator))
            .ok_or(AmountError::TooManyDigits)?;
        rest %= denominator;
    }
    let up = match rest.cmp(&(denominator - rest)) {
        Ordering::Less => 0,
        Ordering::Equal => quotient % 2,
        Ordering::Greater => 1,
    };
    Ok(quotient + up)
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let mut mantissa: u128 = 0;
        let (mut scale, mut point, mut before_point) = (0, false, 0);
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    // 10 * 2^96 is far below 2^128: no overflow before the check.
                    mantissa = mantissa * 10 + u128::from(byte - b'0');
                    if mantissa > MAX_MANTISSA {
                        return Err(AmountError::TooManyDigits);
                    }
                    if point {
                        scale += 1;
                    } else {
                        before_point += 1;
                    }
                }
                b'.' if !point => point = true,
                _ => return Err(AmountError::NotDecimal),
            }
        }
        if before_point == 0 || (point && scale == 0) {
            return Err(AmountError::NotDecimal);
        }
        let mantissa = mantissa as i128;
        from_parts(if negative { -mantissa } else { mantissa }, scale)
    }
}

impl From<i64> for Amount {
    fn from(whole: i64) -> Self {
        Self(Decimal::from(whole))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(&mut [0; TEXT_BYTES]))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDecimal => "not a decimal number",
            Self::TooManyDigits => "more than 28 significant digits",
            Self::DivisionByZero => "division by zero",
        })
    }
}

impl core::error::Error for AmountError {}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write(&mut [0; TEXT_BYTES]))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountVisitor;
        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number in a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(AmountVisitor).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().expect(text)
    }

    #[test]
    fn the_text_keeps_the_source_s_own_scale() {
        for text in ["28.0", "0.0", "-0.00376", "1", "605822.2557999999", "79228162514264337593543950335"] {
            assert_eq!(amount(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for text in ["", "-", ".5", "5.", "1e5", "+1", "1_000", "1,0", "NaN", " 1", "0x10", "1.2.3"] {
            assert_eq!(text.parse::<Amount>(), Err(AmountError::NotDecimal), "{text:?}");
        }
        assert_eq!("79228162514264337593543950336".parse::<Amount>(), Err(AmountError::TooManyDigits));
        assert_eq!("0.00000000000000000000000000001".parse::<Amount>(), Err(AmountError::TooManyDigits));
    }

    #[test]
    fn a_product_is_exact_or_an_error() {
        assert_eq!(amount("1.25").times(amount("0.8")), Ok(amount("1")));
        let long = amount("1.000000000000001");
        assert_eq!(long.times(long), Err(AmountError::TooManyDigits), "30 places");
        assert_eq!(
            amount("12345678901234567890").times(amount("98765432109876543210")),
            Err(AmountError::TooManyDigits)
        );
    }

    #[test]
    fn a_sum_is_exact_or_an_error() {
        assert_eq!(amount("0.1").plus(amount("0.2")), Ok(amount("0.3")));
        assert_eq!(amount("10000000000000000000").plus(amount("0.0000000001")), Err(AmountError::TooManyDigits));
        assert_eq!(amount("79228162514264337593543950335").plus(amount("1")), Err(AmountError::TooManyDigits));
    }

    #[test]
    fn a_quotient_has_18_places_half_to_even() {
        let quotient = |a, b| amount(a).over(amount(b)).map(|q| q.to_string());
        assert_eq!(quotient("1", "3").as_deref(), Ok("0.333333333333333333"));
        assert_eq!(quotient("2", "3").as_deref(), Ok("0.666666666666666667"));
        assert_eq!(quotient("1", "2000000000000000000").as_deref(), Ok("0"), "half of the last place, even below");
        assert_eq!(quotient("3", "2000000000000000000").as_deref(), Ok("0.000000000000000002"));
        assert_eq!(quotient("-3", "2").as_deref(), Ok("-1.5"));
        // 28 digits first and 18 later would round this one twice, upwards.
        assert_eq!(quotient("0.0000000000000000014999999999", "1").as_deref(), Ok("0.000000000000000001"));
        assert_eq!(quotient("1", "0"), Err(AmountError::DivisionByZero));
    }

    proptest! {
        #[test]
        fn any_text_that_parses_prints_itself(text in "-?[1-9][0-9]{0,12}\\.[0-9]{1,12}") {
            prop_assert_eq!(amount(&text).to_string(), text);
        }

        #[test]
        fn sums_and_products_equal_those_of_integers(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000_000i64..1_000_000_000_000, scale in 0u32..7) {
            let at = |mantissa: i128, scale: u32| Amount(Decimal::from_i128_with_scale(mantissa, scale));
            let (x, y) = (at(a.into(), scale), at(b.into(), scale));
            prop_assert_eq!(x.plus(y), Ok(at(i128::from(a) + i128::from(b), scale)));
            prop_assert_eq!(x.times(y), Ok(at(i128::from(a) * i128::from(b), 2 * scale)));
        }

        #[test]
        fn a_quotient_is_never_off_by_more_than_half_of_the_last_place(a in 1u64..1_000_000_000_000, b in 1u64..1_000_000_000) {
            let quotient = rounded_quotient(a.into(), b.into(), 18).expect("fits");
            let twice_error = (i128::try_from(quotient * u128::from(b)).expect("fits") - i128::from(a) * 10i128.pow(18)).unsigned_abs() * 2;
            prop_assert!(twice_error <= u128::from(b));
        }
    }
}
