//! `liquidation-stats`: how much of a coin was liquidated, by side and method, per interval: as it forms, and once
//! `final`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Interval, Keeps, PositionSide, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "liquidation-stats",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/liquidation-stats/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "what was liquidated per coin and interval, by side and method, with the largest order; none where nothing was liquidated",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidationStats {
    pub coin: Coin,
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    /// Of longs, by method; what is `adl` is no liquidation volume.
    pub long: BTreeMap<Text, Liquidated>,
    pub short: BTreeMap<Text, Liquidated>,
    /// The order with the largest notional, deleveraging apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest: Option<LargestOrder>,
    /// No block of the bucket is missing.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this block, and this event time, is in.
    pub block: u64,
    pub clock: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liquidated {
    pub orders: u64,
    /// Price times size; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Amount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargestOrder {
    pub wallet: Wallet,
    pub side: PositionSide,
    pub method: Text,
    pub block: u64,
    pub time: i64,
    pub notional: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_px: Option<Amount>,
}

impl Message for LiquidationStats {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "liquidation-stats/1";

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
