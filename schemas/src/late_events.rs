//! `late-events`: fills that came after the windows they belong to had closed. Counted, kept, never folded live.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "late-events",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/late-events/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "block-index of the fill",
    keeps: Keeps::Recent { hours: 720, mib: 64 },
    about: "fills older than the clock less the grace, as they were, with the clock that had passed them",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateEvent {
    pub coin: Coin,
    pub block: u64,
    pub index: u32,
    /// When it happened.
    pub time: i64,
    /// The clock that had passed it.
    pub clock: i64,
    /// The fill's own JSON.
    pub fill: String,
}

impl Message for LateEvent {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "late-event/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(alloc::format!("{}-{}", self.block, self.index).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
