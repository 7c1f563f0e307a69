//! `candle-checks`: whether the exchange's own candles of a coin say what Fathom's do, minute by minute, counted.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "candle-checks",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/candle-checks/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::LastPerKey { hours: 168, mib: 32 },
    about: "of each coin how many minutes the exchange's own candles and those of trades say the same, and what differed last; whenever the exchange has told more",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandleCheck {
    pub coin: Coin,
    /// The first and the last minute of which the exchange has told a candle.
    pub since: i64,
    pub until: i64,
    /// Minutes of which both have a candle, and ours is whole.
    pub compared: u64,
    /// Of these, the ones that are not the same in everything.
    pub different: u64,
    /// In what.
    pub differences: Differences,
    /// Minutes in which something was traded here, and nothing for the exchange; and the other way round.
    pub only_here: u64,
    pub only_there: u64,
    /// Minutes of which it is not known here whether all of them was seen.
    pub not_compared: u64,
    /// The last minute that was not the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_difference: Option<CandleDifference>,
    pub block: u64,
    pub clock: i64,
}

/// How many candles differ in each thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    pub open: u64,
    pub high: u64,
    pub low: u64,
    pub close: u64,
    pub volume: u64,
    pub trades: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandleDifference {
    /// Start of the minute.
    pub time: i64,
    /// Absent where there is no candle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<CandleValues>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<CandleValues>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandleValues {
    pub open: Amount,
    pub high: Amount,
    pub low: Amount,
    pub close: Amount,
    /// In the coin; absent when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Amount>,
    pub trades: u64,
}

impl Message for CandleCheck {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "candle-check/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.coin.as_str().as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.until
    }
}
