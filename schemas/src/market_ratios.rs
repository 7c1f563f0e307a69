//! `market-ratios`: how the wallets of the whole market stand: of all, of the largest and of each size, how many are long and
//! how many short, all coins set against each other; of the latter two also how much they hold. Per interval, of what is
//! summed up once a minute: as it forms, and once `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Interval, Keeps, RatioKind, SizeCohort, Topic};

pub static TOPIC: Topic = Topic {
    name: "market-ratios",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/market-ratios/schema.json"),
    partitioned_by: &[],
    key: "kind|cohort|interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "wallets that are long and short over all coins, and what they hold, per kind, cohort and interval, provisional each minute and final once",
};

/// What the largest wallets hold at least in all coins together, long and short added up, in USD.
pub const TOP_WALLETS_FROM: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketRatio {
    pub kind: RatioKind,
    /// By what a wallet holds in all coins together; absent where the kind is not by size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort: Option<SizeCohort>,
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    /// How many wallets count here, at the last minute of the bucket or so far.
    pub accounts: u64,
    /// Wallets of which nothing can be told, for a coin of theirs has no mark: they are in no cohort, nor among all.
    pub not_valued: u64,
    /// Wallets that hold more on this side than on the other, at the marks. Who holds as much on both is in neither.
    pub long_accounts: u64,
    pub short_accounts: u64,
    /// What they hold in USD, at the marks, where the kind is of positions; absent also when it is too large for an exact
    /// decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_notional: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_notional: Option<Amount>,
    /// Shares of what the kind counts, wallets or notionals; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_ratio: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_ratio: Option<Amount>,
    /// Long over short at the minutes of the bucket; each absent when nobody was short then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<Amount>,
    /// What all wallets that are known hold of the open interest of all markets, both sides and at the marks, in per cent
    /// and cut to two decimals, at the last minute of the bucket; absent while no open interest is known.
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

impl Message for MarketRatio {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "market-ratio/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        let Self { kind, interval, time, .. } = self;
        let cohort = self.cohort.map_or("", SizeCohort::name);
        key.extend_from_slice(format!("{kind}|{cohort}|{interval}|{time}").as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.time
    }
}
