//! The intervals that candles come in: names and times go in, begin and end of a candle come out.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime};
use serde::Deserialize;

/// How long a candle is, by its place in `INTERVALS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Interval(usize);

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Names and lengths; a month has none, it is the calendar's. All others count from 1970.
pub(super) const INTERVALS: [(&str, Option<i64>); 14] = [
    ("1m", Some(MINUTE)),
    ("3m", Some(3 * MINUTE)),
    ("5m", Some(5 * MINUTE)),
    ("15m", Some(15 * MINUTE)),
    ("30m", Some(30 * MINUTE)),
    ("1h", Some(HOUR)),
    ("2h", Some(2 * HOUR)),
    ("4h", Some(4 * HOUR)),
    ("8h", Some(8 * HOUR)),
    ("12h", Some(12 * HOUR)),
    ("1d", Some(DAY)),
    ("3d", Some(3 * DAY)),
    ("1w", Some(7 * DAY)),
    ("1M", None),
];

impl Interval {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..INTERVALS.len()).map(Self)
    }

    pub(super) fn place(self) -> usize {
        self.0
    }

    pub(super) fn name(self) -> &'static str {
        INTERVALS[self.0].0
    }

    /// Of the candle that a time lies in; all in milliseconds.
    pub(super) fn begin(self, time: i64) -> i64 {
        match INTERVALS[self.0].1 {
            Some(length) => time - time.rem_euclid(length),
            None => midnight(first_of_month(time)),
        }
    }

    /// The last millisecond of a candle.
    pub(super) fn end(self, begin: i64) -> i64 {
        match INTERVALS[self.0].1 {
            Some(length) => begin + length - 1,
            None => midnight(first_of_month(begin) + Months::new(1)) - 1,
        }
    }
}

impl TryFrom<String> for Interval {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        INTERVALS.iter().position(|(known, _)| *known == name).map(Self).ok_or("there is no such interval")
    }
}

fn first_of_month(time: i64) -> NaiveDate {
    let date = DateTime::from_timestamp_millis(time).unwrap_or_default().date_naive();
    date.with_day(1).unwrap_or(date)
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 2026-06-28T08:41:40Z
    const TIME: i64 = 1_782_636_100_000;

    #[test]
    fn intervals_lie_side_by_side() {
        for (place, (name, _)) in INTERVALS.iter().enumerate() {
            let interval = Interval::try_from((*name).to_owned()).unwrap();
            assert_eq!(interval, Interval(place));
            let begin = interval.begin(TIME);
            let next = interval.end(begin) + 1;
            assert!(begin <= TIME && TIME < next && interval.begin(next) == next, "{name}");
        }
        assert_eq!(Interval(INTERVALS.len() - 1).begin(TIME), 1_780_272_000_000, "the first of June");
        assert!(Interval::try_from("7m".to_owned()).is_err());
    }
}
