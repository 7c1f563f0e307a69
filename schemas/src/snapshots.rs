//! `snapshots`: the state of every task as it stood at a clock, once per hour of event time. Whoever computes something once
//! more begins with one. The entries come first, each under the name of its snapshot; what they are of comes last, so that
//! what was not written whole is none.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Keeps, Topic};

pub static TOPIC: Topic = Topic {
    name: "snapshots",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/snapshots/schema.json"),
    partitioned_by: &[],
    key: "stage|share|hour, and for an entry of it |`checkpoint`, or |table|entry",
    keeps: Keeps::Recent { hours: 168, mib: 1024 },
    about: "the state of every task once per hour of event time: where a replay begins",
};

/// What the entries before it are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub stage: String,
    pub share: u32,
    /// Where the hour of event time begins in which it was made.
    pub hour: i64,
    /// The last clock that was applied.
    pub clock: i64,
    pub block: u64,
    /// The next offset of each lane.
    pub next: BTreeMap<String, u64>,
    /// How many there are, the checkpoint among them: so many of its name stand right before it.
    pub entries: u64,
}

impl Snapshot {
    /// What its key is, and what those of its entries begin with.
    pub fn name(stage: &str, share: u32, hour: i64) -> String {
        alloc::format!("{stage}|{share}|{hour}")
    }
}

impl Message for Snapshot {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "snapshot/1";
    const KIND: Option<&'static [u8]> = Some(b"snapshot");

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(Self::name(&self.stage, self.share, self.hour).as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.hour
    }
}
