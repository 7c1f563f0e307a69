//! How far the events have been read: a state record in, the same out.

use schemas::Place;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MiscCursor {
    pub generation: u32,
    /// Whose files are read, and where the next line of them is.
    pub stream: String,
    pub place: Place,
    /// The last block; 0 where lines do not say theirs.
    pub block: u64,
    pub time: i64,
    /// Of the lines of that moment, where they have no block: what tells them from those that are written again.
    pub lines: Vec<u64>,
    pub updates: u64,
    pub repeated: u64,
    pub dead_letters: u64,
}

impl MiscCursor {
    pub const KEY: &'static [u8] = b"cursor";
}
