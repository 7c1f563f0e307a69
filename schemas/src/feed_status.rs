//! `feed-status`: when a source was connected, and from when to when something of it may be missing.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Keeps, Text, Topic};

pub static TOPIC: Topic = Topic {
    name: "feed-status",
    partitioned_by: None,
    key: "source",
    keeps: Keeps::Recent { hours: 720, mib: 64 },
    about: "sources that were connected or lost, and the stretches of time in which something of them may be missing",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    pub source: Text,
    pub status: Connection,
    /// When it was noticed.
    pub time: i64,
    /// Of a gap: the event times between which something may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_time: Option<i64>,
    /// For people.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    Connected,
    Lost,
    Gap,
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
