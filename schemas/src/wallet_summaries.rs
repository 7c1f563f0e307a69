//! `wallet-summaries`: what each wallet has made, paid and traded in perpetuals, over a day, a week, a month and since it
//! was first seen.
//!
//! Windows roll by whole buckets of event time: `d1` is the running hour and the 24 before it, `d7` and `d30` are the
//! running day and the 7 or 30 before it. What moves with the marks is not in here: exposure, unrealised profit and
//! account value are made of positions and marks when somebody asks.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Entity, Keeps, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "wallet-summaries",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/wallet-summaries/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "wallet",
    keeps: Keeps::LastPerKey { hours: 24, mib: 256 },
    about: "realised profit, fees, volume and round trips of each wallet over a day, a week, a month and all, once a minute when they have changed",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletSummary {
    pub wallet: Wallet,
    /// The clock at which it was so.
    pub time: i64,
    /// `all` is since then.
    pub first_seen: i64,
    pub last_fill: i64,
    /// Coins in which something is held.
    pub positions: u64,
    /// Realised by what was closed, fees in USDC taken off; of a market in another collateral, its dollars count as such.
    pub realised_pnl: Rolling,
    /// In USDC; negative is a rebate.
    pub fees: Rolling,
    /// Price times size of what was traded; settlements are no volume.
    pub volume: Rolling,
    /// Since it was first seen, by token; in no sum. Null when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fees_other: BTreeMap<Text, Option<Amount>>,
    pub maker_share: MakerShare,
    pub round_trips: RoundTrips,
    /// Won out of closed; absent while none was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub win_rate: Option<Amount>,
    /// Everything up to this block is in.
    pub block: u64,
}

/// A sum over each window; absent when a fill of it does not say, or when it is too large for an exact decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d1: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d7: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d30: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Amount>,
}

/// Which share of its volume the wallet traded as maker; absent where nothing was traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakerShare {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d30: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Amount>,
}

/// From flat to flat, or to the other side, in one coin: those whose beginning was seen, of which nothing was missed and
/// whose profit is known in one token. Won is what realised more than its fees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrips {
    pub closed: u64,
    pub won: u64,
}

impl Message for WalletSummary {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "wallet-summary/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.wallet.text());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
