//! How fast event time may go by.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Speed {
    /// As it happened
    #[value(name = "1x")]
    #[serde(rename = "1x")]
    AsItHappened,
    /// Ten times as fast
    #[value(name = "10x")]
    #[serde(rename = "10x")]
    TenTimes,
    /// As fast as it can be computed
    #[default]
    #[value(name = "max")]
    #[serde(rename = "max")]
    Max,
}

impl Speed {
    fn times(self) -> Option<u32> {
        match self {
            Self::AsItHappened => Some(1),
            Self::TenTimes => Some(10),
            Self::Max => None,
        }
    }

    /// What goes by within a tenth of a second.
    pub fn step_ms(self) -> Option<i64> {
        self.times().map(|times| i64::from(times) * 100)
    }
}

pub struct Pace {
    times: Option<u32>,
    began: Instant,
    from: i64,
}

impl Pace {
    pub fn begin(speed: Speed, from: i64) -> Self {
        Self { times: speed.times(), began: Instant::now(), from }
    }

    /// Returns when this event time has come.
    pub fn wait_for(&self, time: i64) {
        let Some(times) = self.times else { return };
        let since = Duration::from_millis(time.saturating_sub(self.from).max(0).cast_unsigned()) / times;
        std::thread::sleep((self.began + since).saturating_duration_since(Instant::now()));
    }
}
