//! Why a connection ends, and what is said then.

use axum::extract::ws::Utf8Bytes;
use serde_json::json;

use super::frames;
use crate::live::Outlet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client went away.
    Gone,
    /// The client does not read as fast as the market moves.
    Slow,
    /// The client sent more than it may in one message.
    TooBig,
    /// The client sent more messages than it may.
    TooOften,
    /// The key by which the client came in is good no longer.
    Revoked,
    /// Nothing is heard of the client.
    Silent,
    /// Everything ends.
    Stop,
}

/// Last words.
pub(crate) struct Farewell {
    pub(crate) frames: Vec<Utf8Bytes>,
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Ending {
    pub(crate) fn farewell(self, outlet: &Outlet) -> Option<Farewell> {
        let says = |code, reason| Some(Farewell { frames: Vec::new(), code, reason });
        match self {
            Self::Gone => None,
            Self::Slow => {
                let frames = outlet.lost().iter().map(frames::lagged).collect();
                Some(Farewell { frames, code: 4009, reason: "frames came faster than they were read" })
            }
            Self::TooBig => says(1009, "a message is at most 64 KiB"),
            Self::TooOften => {
                let message =
                    "messages came faster than `connected` allows; wait a second, and ask for many keys at once";
                let frames = vec![frames::error("TOO_MANY_MESSAGES", message, None)];
                Some(Farewell { frames, code: 4008, reason: "{\"retry_after_s\":1}" })
            }
            Self::Revoked => says(4001, "the key is good no longer"),
            Self::Silent => says(1011, "nothing was heard of the client for two heartbeats"),
            Self::Stop => {
                let payload = json!({ "reason": "the server stops", "reconnect_after_ms": 1000 });
                let frames = vec![frames::control("shutdown", payload)];
                Some(Farewell { frames, code: 1012, reason: "the server stops" })
            }
        }
    }
}
