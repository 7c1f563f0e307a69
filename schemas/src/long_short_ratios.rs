//! `long-short-ratios`: how many accounts stand on each side of a coin, of all, of those with the largest positions and
//! of each size; of the latter two also how much they hold. Per interval: as it forms, and once `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Interval, Keeps, RatioKind, SizeCohort, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "long-short-ratios",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/long-short-ratios/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|kind|cohort|interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "long and short accounts and sizes per coin, kind, cohort and interval, provisional each second and final once",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongShortRatio {
    pub coin: Coin,
    pub kind: RatioKind,
    /// Absent where the kind is not by size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort: Option<SizeCohort>,
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    /// How many accounts count here: all that have a position, or as many as belong to the cohort.
    pub accounts: u64,
    /// How many had a position when the cohort was fixed, at the beginning of the hour; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_accounts: Option<u64>,
    /// Accounts at the bucket's end, or so far.
    pub long_accounts: u64,
    pub short_accounts: u64,
    /// What they hold, at the bucket's end or so far, where the kind is of positions. Both sides have one price: the
    /// ratio of sizes is that of their worth. Absent also when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_size: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_size: Option<Amount>,
    /// Shares of what the kind counts, accounts or sizes; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_ratio: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_ratio: Option<Amount>,
    /// Long over short within the bucket; each absent when nobody was short at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<Amount>,
    /// Of the coin's open interest, as the exchange told it last, what all accounts hold that are known, of both sides; in
    /// per cent at the bucket's end or so far, cut to two decimals. Absent where no open interest is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oi_coverage_pct: Option<Amount>,
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
        let Self { coin, kind, interval, time, .. } = self;
        let cohort = self.cohort.map_or("", SizeCohort::name);
        key.extend_from_slice(format!("{coin}|{kind}|{cohort}|{interval}|{time}").as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
