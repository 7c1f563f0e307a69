//! `asset-contexts`: mark, oracle, funding and open interest of each perpetual, whenever they changed.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "asset-contexts",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/asset-contexts/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::Recent { hours: 24, mib: 512 },
    about: "each market's context as the exchange published it: mark, oracle, mid, funding, open interest",
};

/// On the topic it is the source's own object with `coin` and `time` put in front, so that fields unknown here are
/// kept; this type is what the folds read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetContext {
    pub coin: Coin,
    /// When it was received: the exchange gives contexts no time.
    pub time: i64,
    pub mark_px: Amount,
    pub oracle_px: Amount,
    /// Absent when a side of the book is empty, or the market is delisted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid_px: Option<Amount>,
    /// Per hour.
    pub funding: Amount,
    /// In the coin, one side.
    pub open_interest: Amount,
    pub prev_day_px: Amount,
    pub day_ntl_vlm: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub premium: Option<Amount>,
}

impl Message for AssetContext {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "asset-context/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.coin.as_str().as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
