//! Values → as a person reads them on a dashboard: `2 min ago`, `0x49f3...8d2b`, `28.40572 BTC`, `$717M`.

use schemas::Amount;

/// How long ago a time is, in the largest unit of which there is a whole one.
pub(crate) fn ago(time: i64, now: i64) -> String {
    let passed = now - time;
    let units = [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s")];
    let largest = units.into_iter().find(|(length, _)| passed >= *length);
    largest.map_or_else(|| "now".to_owned(), |(length, unit)| format!("{} {unit} ago", passed / length))
}

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The two ends by which people know an address.
pub(crate) fn wallet(address: &str) -> String {
    let ends = address.get(..6).zip(address.len().checked_sub(4).and_then(|from| address.get(from..)));
    ends.map_or_else(|| address.to_owned(), |(first, last)| format!("{first}...{last}"))
}

/// In whole, and of what it is.
pub(crate) fn size(size: Amount, coin: &str) -> String {
    format!("{} {coin}", size.magnitude().shortest())
}

/// In whole.
pub(crate) fn price(price: Amount) -> String {
    format!("${}", price.shortest())
}

/// Three digits of it.
pub(crate) fn usd(amount: Amount) -> Option<String> {
    let sign = if amount.sign() < 0 { "-" } else { "" };
    let mut units = [(0, ""), (3, "K"), (6, "M"), (9, "B")].into_iter();
    units.find_map(|(exponent, unit)| {
        let digits = three_digits(amount.magnitude().over(Amount::power_of_ten(exponent).ok()?).ok()?)?;
        (digits < Amount::from(1_000) || exponent == 9).then(|| format!("{sign}${digits}{unit}"))
    })
}

/// A part of one as a percentage.
pub(crate) fn percent(part: Amount) -> Option<String> {
    two_places(part.times(Amount::from(100)).ok()?).map(|percent| format!("{percent}%"))
}

pub(crate) fn two_places(amount: Amount) -> Option<String> {
    rounded(amount, 2).map(|rounded| rounded.to_string())
}

/// To so many places that there are three digits, or all of those before the point.
fn three_digits(amount: Amount) -> Option<Amount> {
    let places = if amount >= Amount::from(100) { 0 } else { 2 - i32::from(amount >= Amount::from(10)) };
    rounded(amount, places)
}

/// Half up.
fn rounded(amount: Amount, places: i32) -> Option<Amount> {
    let scale = Amount::power_of_ten(places).ok()?;
    let half = Amount::from(5).over(Amount::from(10)).ok()?;
    let whole = amount.times(scale).ok()?.plus(half).ok()?.floor();
    whole.over(scale).ok().map(Amount::shortest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn time_that_has_passed_is_told_in_its_largest_unit() {
        for (passed, told) in [
            (-5, "now"),
            (999, "now"),
            (1_000, "1 s ago"),
            (59_999, "59 s ago"),
            (150_000, "2 min ago"),
            (3_600_000, "1 h ago"),
            (86_399_999, "23 h ago"),
            (200_000_000, "2 d ago"),
        ] {
            assert_eq!(ago(1_000_000_000, 1_000_000_000 + passed), told);
        }
    }

    #[test]
    fn money_has_three_digits_and_a_unit() {
        for (amount, told) in [
            ("0", "$0"),
            ("0.004", "$0"),
            ("9.996", "$10"),
            ("950.4", "$950"),
            ("999.5", "$1K"),
            ("1234.5", "$1.23K"),
            ("28400", "$28.4K"),
            ("716999999.99", "$717M"),
            ("-3200000", "-$3.2M"),
            ("999499999", "$999M"),
            ("1250000000", "$1.25B"),
            ("7654000000000", "$7654B"),
        ] {
            assert_eq!(usd(amount.parse().unwrap()).as_deref(), Some(told), "{amount}");
        }
    }

    #[test]
    fn a_wallet_is_known_by_its_ends_and_a_size_by_its_coin() {
        assert_eq!(wallet("0x49f3000000000000000000000000000000008d2b"), "0x49f3...8d2b");
        assert_eq!(wallet("0x"), "0x");
        assert_eq!(size("-28.405720".parse().unwrap(), "BTC"), "28.40572 BTC");
        assert_eq!(percent("0.54321".parse().unwrap()).as_deref(), Some("54.32%"));
    }
}
