//! From when to when somebody wants to hear again what was told, and how fast → the stretch that it is, by what has come in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::channel::HOUR;
use crate::error::ApiError;

/// As somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    /// In milliseconds UTC; a negative one is so long before everything that has come in.
    pub(crate) from: i64,
    /// The same; up to what has come in, where it is not said.
    pub(crate) to: Option<i64>,
    pub(crate) speed: Speed,
}

/// Behind `from`, up to `to` and with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Stretch {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) speed: Speed,
}

/// How fast event time goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    /// So many times as fast as it did.
    Times(f64),
    /// As fast as it is read and taken.
    Max,
}

const LONGEST: i64 = 24 * HOUR;
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 1_000.0;
const AS_FAST_AS_POSSIBLE: &str = "max";

/// The text was no speed.
pub(crate) struct NotASpeed;

impl Wanted {
    /// By the time up to which everything has come in: nothing is replayed that may still be told live.
    pub(crate) fn within(self, watermark: i64) -> Result<Stretch, ApiError> {
        let refused = |name, message| Err(ApiError::parameter("INVALID_TIME_RANGE", name, message));
        let moment = |time: i64| if time < 0 { watermark.saturating_add(time) } else { time };
        let from = moment(self.from);
        let to = self.to.map_or(watermark, moment).min(watermark);
        if from >= to {
            let message = format!("from is {from}, which is not before {to}; everything has come in up to {watermark}");
            return refused("from", message);
        }
        if to.saturating_sub(from) > LONGEST {
            let hours = LONGEST / HOUR;
            return refused("to", format!("from {from} to {to} are more than {hours} hours; ask for less at once"));
        }
        Ok(Stretch { from, to, speed: self.speed })
    }
}

impl Stretch {
    /// How long after its beginning this event time comes.
    pub(crate) fn due(&self, time: i64) -> Duration {
        let since = time.saturating_sub(self.from).max(0) as f64 / 1_000.0;
        match self.speed {
            Speed::Times(times) => Duration::from_secs_f64(since / times),
            Speed::Max => Duration::ZERO,
        }
    }
}

impl Speed {
    /// As it happened.
    pub(crate) const LIVE: Self = Self::Times(1.0);

    pub(crate) fn refusal(given: impl fmt::Display) -> String {
        format!("speed is {given}; it is a number from {SLOWEST} to {FASTEST}, or {AS_FAST_AS_POSSIBLE}")
    }
}

impl FromStr for Speed {
    type Err = NotASpeed;

    /// `1`, `10x`, `2.5` or `max`.
    fn from_str(text: &str) -> Result<Self, NotASpeed> {
        if text == AS_FAST_AS_POSSIBLE {
            return Ok(Self::Max);
        }
        let times = text.strip_suffix('x').unwrap_or(text).parse().ok();
        times.filter(|times| (SLOWEST..=FASTEST).contains(times)).map(Self::Times).ok_or(NotASpeed)
    }
}

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Times(times) => serializer.serialize_f64(*times),
            Self::Max => serializer.serialize_str(AS_FAST_AS_POSSIBLE),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn within(from: i64, to: Option<i64>, watermark: i64) -> Result<(i64, i64), String> {
        let stretch = Wanted { from, to, speed: Speed::Max }.within(watermark);
        stretch.map(|it| (it.from, it.to)).map_err(|error| format!("{} {}", error.code(), error.details()["param"]))
    }

    #[test]
    fn a_stretch_ends_where_everything_has_come_in() {
        let (day, refused) = (24 * HOUR, |name| Err(format!("INVALID_TIME_RANGE \"{name}\"")));
        assert_eq!(within(5, None, 900), Ok((5, 900)));
        assert_eq!(within(5, Some(90), 900), Ok((5, 90)));
        assert_eq!(within(5, Some(9_000), 900), Ok((5, 900)), "what may still be told live is not replayed");
        assert_eq!(within(-300, None, 900), Ok((600, 900)), "so long before");
        assert_eq!(within(-300, Some(-100), 900), Ok((600, 800)));
        assert_eq!(within(90, Some(90), 900), refused("from"));
        assert_eq!(within(91, Some(90), 900), refused("from"));
        assert_eq!(within(900, None, 900), refused("from"));
        assert_eq!(within(i64::MAX, None, 900), refused("from"));
        assert_eq!(within(0, None, day), Ok((0, day)));
        assert_eq!(within(0, None, day + 1), refused("to"));
        assert_eq!(within(i64::MIN, Some(i64::MAX), day), refused("to"));
    }

    #[test]
    fn a_speed_is_a_number_or_as_fast_as_possible() {
        for (text, told) in [("1", "1.0"), ("10x", "10.0"), ("2.5", "2.5"), ("1000", "1000.0"), ("max", "\"max\"")] {
            let speed: Speed = text.parse().ok().unwrap();
            assert_eq!(serde_json::to_string(&speed).unwrap(), told);
        }
        for text in ["", "x", "0", "-1", "0.09", "1001", "inf", "NaN", "Max", "1 x"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn event_time_goes_by_as_fast_as_is_asked_for() {
        let stretch = |speed| Stretch { from: 1_000, to: 9_000, speed };
        assert_eq!(stretch(Speed::LIVE).due(4_000), Duration::from_secs(3));
        assert_eq!(stretch(Speed::Times(10.0)).due(4_000), Duration::from_millis(300));
        assert_eq!(stretch(Speed::Max).due(4_000), Duration::ZERO);
        assert_eq!(stretch(Speed::LIVE).due(0), Duration::ZERO);
    }
}
