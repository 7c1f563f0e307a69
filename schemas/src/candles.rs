//! `candles`: at which prices a coin was traded, and how much, per interval: as it forms, and once `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Interval, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "candles",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/candles/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "open, high, low, close and volume per coin and interval, provisional each second and final once; none where nothing was traded",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    pub coin: Coin,
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    pub open: Amount,
    pub high: Amount,
    pub low: Amount,
    pub close: Amount,
    /// In the coin, each trade once; absent when it is too large for an exact decimal, as is the notional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Amount>,
    pub trades: u64,
    /// No block of the bucket is missing.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this block, and this event time, is in.
    pub block: u64,
    pub clock: i64,
}

impl Message for Candle {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "candle/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.coin.as_str().as_bytes());
        key.extend_from_slice(format!("|{}|{}", self.interval, self.time).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
