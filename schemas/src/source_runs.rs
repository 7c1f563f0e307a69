//! `source-runs`: what each connection to a source, or each reading of its files, has given so far, and where it stands.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Keeps, Text, Topic};

pub static TOPIC: Topic = Topic {
    name: "source-runs",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/source-runs/schema.json"),
    partitioned_by: &[],
    key: "source|stream|started",
    keeps: Keeps::LastPerKey { hours: 720, mib: 64 },
    about: "each run of a source, once a second while it works and once when it ends: frames, facts, duplicates, gaps, cursor",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRun {
    pub source: Text,
    /// Which of several of the same kind: a folder, an address, a file.
    pub stream: String,
    /// When it began, and when this was said.
    pub started: i64,
    pub time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Lines, frames or replies, and their bytes.
    pub frames: u64,
    pub bytes: u64,
    pub facts: u64,
    pub duplicates: u64,
    pub gaps: u64,
    pub dead_letters: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_block: Option<u64>,
    /// The latest event time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<i64>,
    /// How long after its event time the latest fact was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<i64>,
    /// Where it goes on, in the source's own terms.
    pub cursor: String,
}

impl Message for SourceRun {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "source-run/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(alloc::format!("{}|{}|{}", &*self.source, self.stream, self.started).as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.time
    }
}
