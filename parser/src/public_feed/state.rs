//! What the feed's state topic holds: a cursor, and of each coin what was published last and on which connection it
//! is heard. Mids have records of their own: they change every second, and what is beside them does not.

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
    /// Each of the connections that are kept side by side.
    #[serde(default)]
    pub connections: Vec<ConnectionCursor>,
    /// Of a state from when there was one connection: what was missing of all its coins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hole: Option<CommonHole>,
    pub frames: u64,
    pub trades: u64,
    pub duplicates: u64,
    pub contexts: u64,
    #[serde(default)]
    pub mids: u64,
    pub gaps: u64,
    pub errors: u64,
    pub dead_letters: u64,
}

/// How far one connection was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCursor {
    pub connected: bool,
    /// Whether it was said to be silent, and nothing else since.
    #[serde(default)]
    pub stale: bool,
    /// As the cursor's, of the coins that are heard on this one.
    pub heard_until: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommonHole {
    pub from: i64,
    /// Some coin's backlog did not reach back to what was published of it.
    pub is_certain: bool,
}

/// What was published last of one coin, and how its trades are heard: on a connection, not since the hole began, or,
/// where neither stands here, not that anybody was told so.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Latest {
    pub trades: Window,
    /// As the source wrote it; also one that could not be understood, so that it is set aside once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_on: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hole: Option<Hole>,
}

/// What may be missing of a coin and has not been said yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    pub from: i64,
    /// The latest trade that was published before it, by time and tid. What is published while the hole is open, by a
    /// connection that gives the coin back, says nothing about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(i64, u64)>,
    /// `None` until the coin is heard again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Latest {
    pub fn open_hole(&mut self, from: i64) {
        self.hole = Some(Hole { from, after: self.trades.latest(), until: None });
    }
}

impl Hole {
    /// Whether a trade is from before it. A coin's trades come in their order: all that were published before the hole
    /// are as early as the latest of them.
    pub fn is_after(&self, trade: (i64, u64)) -> bool {
        self.after.is_some_and(|after| trade.0 < after.0 || trade == after)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LatestMid {
    /// As the source wrote it, as the context.
    pub mid: Box<RawValue>,
}

/// One record of the topic.
pub enum Entry {
    Cursor(FeedCursor),
    Coin(Coin, Latest),
    Mid(Coin, LatestMid),
}

pub const CURSOR: &str = "cursor";
/// In front of the coin; no coin has this in its name.
pub const MID: &str = "mid|";

pub fn entry(key: &[u8], value: &[u8]) -> Result<Entry, SourceError> {
    let key = String::from_utf8_lossy(key);
    let failed = |source| SourceError::State { key: key.clone().into_owned(), source };
    if key == CURSOR {
        return serde_json::from_slice(value).map(Entry::Cursor).map_err(failed);
    }
    if let Some(coin) = key.strip_prefix(MID) {
        return serde_json::from_slice(value).map(|mid| Entry::Mid(Coin::new(coin), mid)).map_err(failed);
    }
    serde_json::from_slice(value).map(|latest| Entry::Coin(Coin::new(&key), latest)).map_err(failed)
}
