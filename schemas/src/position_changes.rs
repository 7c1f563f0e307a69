//! `position-changes`: what one fill did to one wallet's position in one coin, with the clock, the holes and now and
//! then the state of each market: all that the wallet stage has to know of the coins. A header `kind` says which of
//! them a record is.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fills::NO_TRADES;
use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, MarginTier, Side, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "position-changes",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/position-changes/schema.json"),
    partitioned_by: &[Entity::Coin, Entity::Wallet],
    key: "coin|wallet, or coin",
    keeps: Keeps::Recent { hours: 168, mib: 512 },
    about: "each change of a position: size before and after, at which price, by which fill; and what each market is like",
};

/// The values of the header `kind`, beside those of `fills`.
pub mod kind {
    pub const CHANGE: &[u8] = b"change";
    pub const MARKET: &[u8] = b"market";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionChange {
    pub coin: Coin,
    pub wallet: Wallet,
    pub time: i64,
    /// With `index` the id of the fill, and of this change.
    pub block: u64,
    pub index: u32,
    /// The wallet's side in the trade.
    pub side: Side,
    pub px: Amount,
    pub sz: Amount,
    pub dir: Text,
    /// Signed size that the source says was held before.
    pub before: Amount,
    /// Signed size after.
    pub after: Amount,
    /// Signed size that was known here before; absent for a wallet first seen. Differs from `before` when something
    /// was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Amount>,
    /// What was paid for what is held after: size times entry price, unsigned; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
    /// The order that was filled.
    pub oid: u64,
    /// True for the taker.
    pub crossed: bool,
    /// Realised by the closed part, fees not taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_pnl: Option<Amount>,
    /// Negative is a rebate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    /// Where it is another one than USDC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_token: Option<Text>,
    /// How it was liquidated, when it was this wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidation: Option<Text>,
}

/// What a market is like at a moment, as far as it was told: to everybody who reads changes of its coin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketState {
    pub coin: Coin,
    /// The clock at which it was so.
    pub time: i64,
    /// What positions are valued at and liquidated by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_px: Option<Amount>,
    /// In the coin, one side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_interest: Option<Amount>,
    /// Traded in the last 24 hours, as the exchange counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_notional: Option<Amount>,
    /// Empty while the terms are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margin_tiers: Vec<MarginTier>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub delisted: bool,
}

impl PositionChange {
    /// Whether somebody traded with somebody: settlements and the like are booked as if.
    pub fn is_trade(&self) -> bool {
        !NO_TRADES.contains(&&*self.dir)
    }
}

impl Message for PositionChange {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "position-change/2";
    const KIND: Option<&'static [u8]> = Some(kind::CHANGE);

    fn write_key(&self, key: &mut Vec<u8>) {
        holding_key(key, &self.coin, self.wallet);
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions) * partitions
            + partition_of(&self.wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}

impl Message for MarketState {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "market-state/1";
    const KIND: Option<&'static [u8]> = Some(kind::MARKET);
    const TO_ALL_READERS: bool = true;

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.coin.as_str().as_bytes());
    }

    /// The first of its coin.
    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions) * partitions
    }

    fn time(&self) -> i64 {
        self.time
    }
}

/// `coin|wallet`: the key of everything that one wallet holds in one coin.
pub(crate) fn holding_key(key: &mut Vec<u8>, coin: &Coin, wallet: Wallet) {
    key.extend_from_slice(coin.as_str().as_bytes());
    key.push(b'|');
    key.extend_from_slice(&wallet.text());
}
