//! `market-taker-flow`: how much of all perpetuals together takers bought and sold, per interval: as it forms, and once
//! `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Interval, Keeps, Topic};

pub static TOPIC: Topic = Topic {
    name: "market-taker-flow",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/market-taker-flow/schema.json"),
    partitioned_by: &[],
    key: "interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 64 },
    about: "what takers bought and sold of all perpetuals together per interval, provisional each second and final once; none where nothing was traded",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketTakerFlow {
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    /// Price times size; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buy_notional: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell_notional: Option<Amount>,
    pub buy_trades: u64,
    pub sell_trades: u64,
    /// Bought over sold; absent when nothing was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Amount>,
    /// No block of the bucket is missing.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this block, and this event time, is in.
    pub block: u64,
    pub clock: i64,
}

impl Message for MarketTakerFlow {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "market-taker-flow/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(format!("{}|{}", self.interval, self.time).as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.time
    }
}
