//! The clock of a result topic: once a second of event time, in every partition that a task of a stage writes, so that
//! a reader knows what it has everything of. A header `kind` says that the record is one.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultClock {
    /// Everything up to this event time and this block is in the records before.
    pub time: i64,
    pub block: u64,
    /// The first block that the stage saw: what was before it is not known.
    pub since_time: i64,
    pub since_block: u64,
}

impl ResultClock {
    pub const KEY: &'static [u8] = b"clock";
    pub const SCHEMA: &'static str = "result-clock/1";
}
