//! `mids`: the middle of each market's best bid and ask, whenever it has changed: perpetuals, spot and outcomes.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "mids",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/mids/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::LastPerKey { hours: 24, mib: 128 },
    about: "the middle of each market's book, whenever it has changed; of an empty book, the exchange says its last trade",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mid {
    pub coin: Coin,
    pub mid: Amount,
    /// When it was received: the exchange says no time.
    pub time: i64,
}

impl Message for Mid {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "mid/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.coin.as_str().as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
