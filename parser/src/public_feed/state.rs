//! What the feed's state topic holds: a cursor, and what was published last of each coin.

use schemas::Coin;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::window::Window;
use crate::source_error::SourceError;

/// How far the feed was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCursor {
    pub generation: u32,
    /// The number of the latest connection: with the frame's it is the frame's key.
    pub connection: u64,
    /// Whether everything is subscribed; the time of the last frame, when it was received.
    pub connected: bool,
    pub last_frame_time: i64,
    /// The latest event time that was heard. Once there is one, everything up to it was published or is in a gap,
    /// said or still open.
    pub heard_until: i64,
    /// When the markets that are followed were last confirmed.
    pub markets_time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hole: Option<Hole>,
    pub frames: u64,
    pub trades: u64,
    pub duplicates: u64,
    pub contexts: u64,
    pub gaps: u64,
    pub errors: u64,
    pub dead_letters: u64,
}

/// What may be missing and has not been said yet: its end is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    pub from: i64,
    /// Some coin's backlog did not reach back to what was published of it.
    pub is_certain: bool,
}

/// What was published last of one coin.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Latest {
    pub trades: Window,
    /// As the source wrote it; also one that could not be understood, so that it is set aside once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
}

/// One record of the topic.
pub enum Entry {
    Cursor(FeedCursor),
    Coin(Coin, Latest),
}

pub const CURSOR: &str = "cursor";

pub fn entry(key: &[u8], value: &[u8]) -> Result<Entry, SourceError> {
    let key = String::from_utf8_lossy(key);
    let failed = |source| SourceError::State { key: key.clone().into_owned(), source };
    if key == CURSOR {
        return serde_json::from_slice(value).map(Entry::Cursor).map_err(failed);
    }
    serde_json::from_slice(value).map(|latest| Entry::Coin(Coin::new(&key), latest)).map_err(failed)
}
