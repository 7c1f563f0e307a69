//! `taker-sums`: what takers bought and sold of all perpetuals of one partition since it was told last: what
//! `market-taker-flow` is summed up of.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "taker-sums",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/taker-sums/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "minute",
    keeps: Keeps::Recent { hours: 24, mib: 64 },
    about: "what takers bought and sold of all perpetuals of a partition since the last second, by the minute it belongs to; none where nothing was traded",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakerSum {
    /// The minute in which it was traded.
    pub time: i64,
    /// The first of the coins that were traded: its partition is that of all of them.
    pub first_coin: Coin,
    /// Price times size; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buy_notional: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell_notional: Option<Amount>,
    pub buy_trades: u64,
    pub sell_trades: u64,
    /// When it was told.
    pub block: u64,
    pub clock: i64,
}

impl Message for TakerSum {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "taker-sum/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(format!("{}", self.time).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.first_coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
