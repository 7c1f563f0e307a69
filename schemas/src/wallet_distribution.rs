//! `wallet-distribution`: how all wallets that hold something are spread by size and by profit, once a minute.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Keeps, Measure, Topic, WalletTier};

pub static TOPIC: Topic = Topic {
    name: "wallet-distribution",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/wallet-distribution/schema.json"),
    partitioned_by: &[],
    key: "`size` or `pnl`|minute",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 128 },
    about: "how many wallets are of which size or profit, what they hold long and short, and how many of them are in profit or loss: once a minute",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletDistribution {
    pub by: Measure,
    /// The minute that has begun.
    pub time: i64,
    /// Every tier there is, from the lowest.
    pub tiers: Vec<WalletTier>,
    /// Wallets that no tier can be told of.
    pub not_valued: u64,
    /// Of how many partitions it is the sum; one in which nothing is held is none.
    pub parts: u64,
    /// What it was like at this block and clock.
    pub block: u64,
    pub clock: i64,
}

impl Message for WalletDistribution {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "wallet-distribution/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(format!("{}|{}", self.by.name(), self.time).as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.time
    }
}
