//! `long-short-ratios`: how many accounts stand on each side of a coin, per interval: as it forms, and once `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Coin, Interval, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "long-short-ratios",
    partitioned_by: Some("coin"),
    key: "coin|interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "long and short accounts per coin and interval, provisional each second and final once",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongShortRatio {
    pub coin: Coin,
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    /// Accounts at the bucket's end, or so far.
    pub long_accounts: u64,
    pub short_accounts: u64,
    /// Shares of the accounts with a position; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_ratio: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_ratio: Option<Amount>,
    /// Long accounts over short accounts within the bucket; each absent when nobody was short at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<Amount>,
    /// No block of the bucket is missing.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this block, and this event time, is in.
    pub block: u64,
    pub clock: i64,
}

impl Message for LongShortRatio {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "long-short-ratio/1";

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
