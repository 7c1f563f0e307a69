//! `wallet-sums`: how the wallets of one partition are spread by size and by profit, once a minute: what
//! `wallet-distribution` is summed up of.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Entity, Keeps, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "wallet-sums",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/wallet-sums/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "`size` or `pnl`",
    keeps: Keeps::Recent { hours: 24, mib: 64 },
    about: "of the wallets of a partition, how many are of which size or profit, and what they hold long and short: once a minute, none where nothing is held",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletSum {
    pub by: Measure,
    /// The minute that has begun.
    pub time: i64,
    /// The first of the wallets: its partition is that of all of them.
    pub first_wallet: Wallet,
    /// Every tier there is, from the lowest.
    pub tiers: Vec<WalletTier>,
    /// Wallets that no tier can be told of: a coin of theirs has no mark; by profit also those of which it is not known
    /// what they paid or realised.
    pub not_valued: u64,
    /// What is open of all markets on one side, at the marks, where both are known; absent where they are of none, when
    /// it is too large for an exact decimal, and where it was not counted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_interest: Option<Amount>,
    /// What it was like at this block and clock.
    pub block: u64,
    pub clock: i64,
}

/// What wallets are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// What is held in all coins together, long and short added up, at the marks.
    Size,
    /// What the open positions have realised and would realise at the marks.
    Pnl,
}

/// The wallets between two bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletTier {
    pub name: Text,
    /// In it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Amount>,
    /// Not in it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Amount>,
    pub wallets: u64,
    /// What they hold on either side, at the marks; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<Amount>,
    /// Wallets that hold more on this side than on the other, at the marks; who holds as much on both is in neither. Absent
    /// where it was not counted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net_long: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net_short: Option<u64>,
    /// Wallets whose open positions are worth more, or less, than was paid for them.
    pub in_profit: u64,
    pub in_loss: u64,
    /// Wallets of which it is not known what was paid.
    pub cost_unknown: u64,
}

impl Measure {
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Pnl => "pnl",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Size, Self::Pnl].into_iter().find(|measure| measure.name() == name)
    }
}

impl Message for WalletSum {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "wallet-sum/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.by.name().as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.first_wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
