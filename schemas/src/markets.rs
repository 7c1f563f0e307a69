//! `markets`: what can be traded and on which terms, from the exchange's metadata.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "markets",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/markets/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::LastPerKey { hours: 168, mib: 64 },
    about: "each market's terms: size decimals, maximum leverage, margin tiers, listed or not",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    pub coin: Coin,
    /// The builder's dex, `""` for the main one.
    pub dex: String,
    pub size_decimals: u32,
    pub max_leverage: u32,
    pub margin_tiers: Vec<MarginTier>,
    pub isolated_only: bool,
    pub delisted: bool,
    /// When these terms were first seen, in milliseconds UTC.
    pub time: i64,
}

/// From this notional on, at most this leverage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginTier {
    pub lower_bound: Amount,
    pub max_leverage: u32,
}

impl Message for Market {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "market/1";

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
