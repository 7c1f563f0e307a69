//! `liquidation-cascades`: bursts of liquidations in a coin: as they grow, and once `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, PositionSide, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "liquidation-cascades",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/liquidation-cascades/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|side|first block",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 64 },
    about: "bursts in which five accounts or more of one side of a coin were liquidated, with less than ten seconds between one order and the next",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidationCascade {
    pub coin: Coin,
    /// The side that was liquidated.
    pub side: PositionSide,
    pub first_block: u64,
    pub last_block: u64,
    pub first_time: i64,
    pub last_time: i64,
    pub orders: u64,
    /// Price times size; absent when it is too large for an exact decimal, as is that of the peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Amount>,
    /// The second in which most was liquidated, by its beginning.
    pub peak_time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_notional: Option<Amount>,
    /// The mark that triggered the first order, and the last.
    pub first_mark_px: Amount,
    pub last_mark_px: Amount,
    /// No block is missing between the first order and ten seconds after the last one.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this event time is in.
    pub clock: i64,
}

impl Message for LiquidationCascade {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "liquidation-cascade/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        let Self { coin, side, first_block, .. } = self;
        key.extend_from_slice(format!("{coin}|{}|{first_block}", side.name()).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.last_time
    }
}
