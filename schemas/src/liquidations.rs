//! `liquidations`: what the exchange closed by force. The fills of one victim, coin and method in a block are an
//! order; orders of one victim and coin with less than a minute between them are an episode. A header `kind` says
//! which of the two a record is.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, PositionSide, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "liquidations",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/liquidations/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "`order`|coin|wallet|block|method, or `episode`|coin|wallet|first block|side",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "liquidation orders as they happen, and the episodes they belong to: as they grow, and once `final`",
};

/// How a position was closed by force. An open set, as the exchange names it; `adl` is ours.
pub mod method {
    pub const MARKET: &str = "market";
    pub const BACKSTOP: &str = "backstop";
    /// The other side was closed by force too: never counted as liquidation volume.
    pub const ADL: &str = "adl";
}

/// What one block closed of a victim's position in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidationOrder {
    pub coin: Coin,
    /// The victim.
    pub wallet: Wallet,
    /// The side that was liquidated.
    pub side: PositionSide,
    /// `market`, `backstop`, `adl`, or what the exchange calls it next.
    pub method: Text,
    pub block: u64,
    pub time: i64,
    pub fills: u32,
    pub size: Amount,
    /// Price times size, summed over the fills; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_px: Option<Amount>,
    /// The mark that triggered it, as the exchange says.
    pub mark_px: Amount,
    /// Fees not taken off.
    pub closed_pnl: Amount,
    /// Signed position after the order.
    pub remaining: Amount,
}

/// Orders of one victim, coin and side with less than a minute of event time between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidationEpisode {
    pub coin: Coin,
    pub wallet: Wallet,
    pub side: PositionSide,
    pub first_block: u64,
    pub last_block: u64,
    pub first_time: i64,
    pub last_time: i64,
    pub orders: u32,
    pub fills: u32,
    /// Of what counts as liquidation: auto-deleveraging does not.
    pub size: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_px: Option<Amount>,
    /// The part of `notional` that the liquidator vault took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backstop_notional: Option<Amount>,
    pub adl_size: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adl_notional: Option<Amount>,
    pub closed_pnl: Amount,
    /// Signed position after the last order.
    pub remaining: Amount,
    /// No block is missing between the first order and a minute after the last one.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this event time is in.
    pub clock: i64,
}

/// The values of the header `kind`.
pub mod kind {
    pub const ORDER: &[u8] = b"order";
    pub const EPISODE: &[u8] = b"episode";
}

impl Message for LiquidationOrder {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "liquidation-order/1";
    const KIND: Option<&'static [u8]> = Some(kind::ORDER);

    fn write_key(&self, key: &mut Vec<u8>) {
        let Self { coin, wallet, block, method, .. } = self;
        key.extend_from_slice(format!("order|{coin}|{wallet}|{block}|{}", &**method).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}

impl Message for LiquidationEpisode {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "liquidation-episode/1";
    const KIND: Option<&'static [u8]> = Some(kind::EPISODE);

    fn write_key(&self, key: &mut Vec<u8>) {
        let Self { coin, wallet, first_block, side, .. } = self;
        key.extend_from_slice(format!("episode|{coin}|{wallet}|{first_block}|{}", side.name()).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.last_time
    }
}
