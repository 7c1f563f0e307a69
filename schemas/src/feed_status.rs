//! `feed-status`: when a source was connected, and from when to when something of it may be missing.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Keeps, Text, Topic};

pub static TOPIC: Topic = Topic {
    name: "feed-status",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/feed-status/schema.json"),
    partitioned_by: &[],
    key: "source",
    keeps: Keeps::Recent { hours: 720, mib: 64 },
    about: "sources that were connected, lost or silent, and what of them is or may be missing: blocks, or stretches of time",
};

/// The source whose blocks everything is computed from: a hole in it is a hole in every result.
pub const NODE_FILLS: &str = "node-fills";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    pub source: Text,
    pub status: SourceStatus,
    /// When it was noticed.
    pub time: i64,
    /// Of a gap: what of the source it is about, where that is not everything: coins, a wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Text>,
    /// Of a gap: the event times between which something may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_time: Option<i64>,
    /// The blocks that are missing, where the source numbers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_block: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_block: Option<u64>,
    /// Of a gap that was healed: who had what was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healed_by: Option<Text>,
    /// For people.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceStatus {
    Connected,
    Disconnected,
    /// Connected as far as anybody knows, and silent for longer than the source ever is.
    Stale,
    Gap,
    /// All of an earlier gap has been found elsewhere.
    GapHealed,
}

impl FeedStatus {
    /// Of no stretch of time: whether the source is heard.
    pub fn of(source: impl Into<Text>, status: SourceStatus, time: i64, reason: impl Into<String>) -> Self {
        let (part, from_time, to_time, from_block, to_block, healed_by) = Default::default();
        let (source, reason) = (source.into(), reason.into());
        Self { source, status, time, part, from_time, to_time, from_block, to_block, healed_by, reason }
    }
}

impl Message for FeedStatus {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "feed-status/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.source.as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.time
    }
}
