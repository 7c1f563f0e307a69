//! How far the events have been read: a state record in, the same out.

use schemas::Place;
use serde::{Deserialize, Serialize};

use super::stretches::Stretches;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MiscCursor {
    pub generation: u32,
    /// Whose files are read, and where the next line of them is.
    pub stream: String,
    pub place: Place,
    /// The last block; 0 where lines do not say theirs.
    pub block: u64,
    #[serde(flatten)]
    pub(crate) read: Stretches,
    #[serde(flatten)]
    pub made: Made,
}

/// What lines have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Made {
    pub updates: u64,
    pub repeated: u64,
    pub dead_letters: u64,
}

impl MiscCursor {
    pub const KEY: &'static [u8] = b"cursor";

    /// When the last event that was read happened; 0 before the first.
    pub fn time(&self) -> i64 {
        self.read.time()
    }
}
