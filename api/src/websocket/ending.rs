//! Why a connection ends, and what is said then.

use super::frames;
use super::writer::Farewell;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client went away.
    Gone,
    /// The client does not read as fast as the market moves.
    Slow,
    /// The client sent more than it may.
    TooBig,
    /// Everything ends.
    Stop,
}

impl Ending {
    pub(crate) fn farewell(self) -> Option<Farewell> {
        match self {
            Self::Gone => None,
            Self::Slow => {
                let message = "frames came faster than they were read; read faster, or subscribe to less";
                let frame = Some(frames::error("SLOW_CONSUMER", message, None));
                Some(Farewell { frame, code: 4009, reason: "slow consumer" })
            }
            Self::TooBig => Some(Farewell { frame: None, code: 1009, reason: "a message is at most 64 KiB" }),
            Self::Stop => {
                let payload = serde_json::json!({ "reason": "the server stops", "reconnect_after_ms": 1000 });
                let frame = Some(frames::control("shutdown", payload));
                Some(Farewell { frame, code: 1012, reason: "the server stops" })
            }
        }
    }
}
