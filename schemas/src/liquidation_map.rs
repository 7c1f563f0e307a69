//! `liquidation-map`: what would be liquidated of a coin at which price, as it stands at a clock: every ten seconds
//! while it changes. Of each quarter of an hour the last one stays.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Interval, Keeps, SizeCohort, Text, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "liquidation-map",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/liquidation-map/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|interval|bucket",
    keeps: Keeps::RecentPerKey { hours: 72, mib: 512 },
    about: "open positions of each coin by liquidation price, long and short, by leverage and size, with what each stands on",
};

/// Of each of these the map is kept as it was last.
pub const MAP_INTERVAL: Interval = Interval::FifteenMinutes;

/// Positions are told apart by their leverage: up to each of these, and above the last one.
pub const LEVERAGE_BANDS: [i64; 3] = [5, 10, 20];

/// So many per cent from the mark.
pub const RISK_DISTANCES: [i64; 4] = [1, 2, 5, 10];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidationMap {
    pub coin: Coin,
    pub interval: Interval,
    /// Start of the bucket.
    pub time: i64,
    /// All notionals are sizes times this.
    pub mark_px: Amount,
    /// In the coin, one side, as the exchange tells it.
    pub open_interest: Amount,
    pub long: MapSide,
    pub short: MapSide,
    /// From the lowest price up; without those in which there is nothing.
    pub bins: Vec<MapBin>,
    /// No block of the bucket is missing.
    pub complete: bool,
    /// It is as everything up to this block, and this event time, has made it.
    pub block: u64,
    pub clock: i64,
}

/// All positions of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapSide {
    pub positions: u64,
    /// In the coin.
    pub size: Amount,
    pub notional: Amount,
    /// Of the open interest, the positions of which it is known or assumed when they are liquidated; cut to two decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oi_coverage_pct: Option<Amount>,
    /// By what their liquidation prices stand on; `unknown` where nothing can be said of it.
    pub by_basis: BTreeMap<Text, Held>,
    /// No price liquidates these.
    pub never: Held,
    /// Their prices lie outside of the bins.
    pub beyond: Held,
    /// What is liquidated when the mark moves against this side, by each of the distances.
    pub at_risk: [Held; RISK_DISTANCES.len()],
    /// The bin with the most notional on the side of the mark where these are liquidated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pain: Option<PriceRange>,
    /// The nearest run of bins there that hold at least a twentieth each of what all of them hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_cluster: Option<PriceRange>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub positions: u64,
    pub notional: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRange {
    pub price_low: Amount,
    pub price_high: Amount,
    pub notional: Amount,
}

/// What would be liquidated between two prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapBin {
    pub price_low: Amount,
    /// Not part of it.
    pub price_high: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<Binned>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<Binned>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binned {
    pub positions: u64,
    pub notional: Amount,
    /// The part of it whose accounts are known.
    pub exact: Amount,
    /// By the bands of leverage; less in all than `notional` where the leverage is not known.
    pub leverage: [Amount; LEVERAGE_BANDS.len() + 1],
    /// By the size cohorts of the positions.
    pub cohorts: [Amount; SizeCohort::ALL.len()],
}

impl Message for LiquidationMap {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "liquidation-map/1";

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
