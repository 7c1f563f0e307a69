//! `prices`: the latest mark, oracle and mid price of each perpetual, with funding and open interest.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "prices",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/prices/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::LastPerKey { hours: 24, mib: 128 },
    about: "the latest mark, oracle and mid price of each market, funding and open interest",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub coin: Coin,
    /// When the context was received.
    pub time: i64,
    /// What positions are valued at and liquidated by.
    pub mark_px: Amount,
    pub oracle_px: Amount,
    /// Absent when a side of the book is empty, or the market is delisted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid_px: Option<Amount>,
    /// Per hour; positive is paid by longs.
    pub funding: Amount,
    /// In the coin, one side.
    pub open_interest: Amount,
    /// Open interest at the mark; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_interest_notional: Option<Amount>,
    pub previous_day_px: Amount,
    pub day_notional: Amount,
}

impl Message for Price {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "price/1";

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
