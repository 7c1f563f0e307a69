//! `liquidation-heatmap`: what was liquidated of a coin at which prices, in cells of price and time: as they fill, and
//! once `final`.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Interval, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "liquidation-heatmap",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/liquidation-heatmap/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|interval|bucket|lowest price",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "what was liquidated per coin, interval and step of price; no cell where nothing was liquidated",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeatmapCell {
    pub coin: Coin,
    /// How wide the cell is in time; not every interval has cells.
    pub interval: Interval,
    /// Start of the cell.
    pub time: i64,
    /// From this price on, to below that one.
    pub price_low: Amount,
    pub price_high: Amount,
    pub long_orders: u64,
    pub short_orders: u64,
    /// Price times size, deleveraging apart; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_notional: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_notional: Option<Amount>,
    /// No block of its time is missing.
    pub complete: bool,
    /// Nothing will change it any more.
    pub r#final: bool,
    /// Everything up to this block, and this event time, is in.
    pub block: u64,
    pub clock: i64,
}

impl Message for HeatmapCell {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "heatmap-cell/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        let Self { coin, interval, time, price_low, .. } = self;
        key.extend_from_slice(format!("{coin}|{interval}|{time}|{price_low}").as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
