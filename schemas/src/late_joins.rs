//! `late-joins`: what joined a task's work at a later clock than its own time says, because it was not there yet. Whoever
//! computes something once more lets it join at the same clock.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Keeps, Topic};

pub static TOPIC: Topic = Topic {
    name: "late-joins",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/late-joins/schema.json"),
    partitioned_by: &[],
    key: "stage|share|topic|partition|offset",
    keeps: Keeps::Recent { hours: 720, mib: 64 },
    about: "facts beside the fills that a task heard of when the clock had passed them already, with the clock at which they joined",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateJoin {
    pub stage: String,
    pub share: u32,
    /// Where it was read.
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    /// Its own time.
    pub fact_time: i64,
    /// The clock at which it joined.
    pub clock: i64,
    pub block: u64,
}

impl Message for LateJoin {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "late-join/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        let Self { stage, share, topic, partition, offset, .. } = self;
        key.extend_from_slice(alloc::format!("{stage}|{share}|{topic}|{partition}|{offset}").as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.clock
    }
}
