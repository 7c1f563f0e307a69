//! A decimal → a text that sorts, byte by byte, where the decimal does: for databases that know no exact decimals.

use alloc::format;
use alloc::string::{String, ToString};

use crate::Amount;

/// What is not known is too large to be told: it comes behind every value.
const UNKNOWN: &str = "3";
const POSITIVE: char = '2';
const ZERO: &str = "1";
const NEGATIVE: char = '0';

/// Of two digits, whatever the scale is.
const MIDDLE: i32 = 50;
/// Behind every digit.
const END: char = '~';

impl Amount {
    /// Sign, place of the first digit, digits: `1.50` and `1.5` are one. Of what is below zero all is turned round, and
    /// an end is set, so that more digits come before fewer.
    pub fn sort_key(amount: Option<Self>) -> String {
        let Some(amount) = amount else { return UNKNOWN.to_string() };
        let text = amount.magnitude().to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let all = format!("{whole}{part}");
        let from_first = all.trim_start_matches('0');
        let (digits, skipped) = (from_first.trim_end_matches('0'), all.len() - from_first.len());
        let place = MIDDLE + whole.len() as i32 - skipped as i32;
        match amount.sign() {
            0 => ZERO.to_string(),
            1 => format!("{POSITIVE}{place:02}{digits}"),
            _ => format!("{NEGATIVE}{:02}{}{END}", 2 * MIDDLE - 1 - place, complement(digits)),
        }
    }
}

fn complement(digits: &str) -> String {
    digits.bytes().map(|digit| char::from(b'0' + b'9' - digit)).collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().expect(text)
    }

    #[test]
    fn keys_are_in_the_order_of_the_values() {
        let sorted = [
            "-79228162514264337593543950335",
            "-10",
            "-9.99",
            "-1.5",
            "-1.05",
            "-1",
            "-0.1",
            "-0.0000000000000000000000000001",
            "0",
            "0.0000000000000000000000000001",
            "0.09",
            "0.1",
            "1",
            "1.000000001",
            "1.5",
            "9.99",
            "10",
            "100.01",
            "79228162514264337593543950335",
        ];
        let keys: Vec<String> = sorted.iter().map(|text| Amount::sort_key(Some(amount(text)))).collect();
        assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
        assert!(keys.last().expect("some") < &Amount::sort_key(None));
        for (one, same) in [("1.0", "1"), ("100", "100.000"), ("-0.50", "-0.5"), ("0.00", "-0")] {
            assert_eq!(Amount::sort_key(Some(amount(one))), Amount::sort_key(Some(amount(same))));
        }
    }

    proptest! {
        #[test]
        fn keys_compare_as_values_do(one in "-?[0-9]{1,14}\\.[0-9]{1,14}", other in "-?[0-9]{1,14}(\\.[0-9]{1,14})?", zeros in 0usize..4) {
            let (one, other) = (amount(&one), amount(&other));
            let key = |amount| Amount::sort_key(Some(amount));
            prop_assert_eq!(key(one).cmp(&key(other)), one.cmp(&other));
            prop_assert_eq!(key(one) == key(other), one == other);
            let longer = format!("{one}{}", "0".repeat(zeros));
            if let Ok(longer) = longer.parse::<Amount>() {
                prop_assert_eq!(key(longer), key(one));
            }
        }

        #[test]
        fn keys_of_near_values_compare_as_they_do(mantissa in -9_999i64..9_999, other in -9_999i64..9_999, scales in (0usize..24, 0usize..24)) {
            let scaled = |mantissa: i64, places: usize| {
                let sign = if mantissa < 0 { "-" } else { "" };
                amount(&format!("{sign}0.{}{:04}", "0".repeat(places), mantissa.unsigned_abs()))
            };
            let (one, other) = (scaled(mantissa, scales.0), scaled(other, scales.1));
            prop_assert_eq!(Amount::sort_key(Some(one)).cmp(&Amount::sort_key(Some(other))), one.cmp(&other));
        }
    }
}
