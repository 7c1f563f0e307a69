//! `exchange-candles`: the exchange's own candles of minutes that are over. What Fathom computes from trades can be
//! compared with them.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Interval, Keeps, Topic, partition_of};

pub static TOPIC: Topic = Topic {
    name: "exchange-candles",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/exchange-candles/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|interval|bucket",
    keeps: Keeps::Recent { hours: 168, mib: 32 },
    about: "candles of minutes that are over, of the most traded coins, as the exchange wrote them; none where it says none",
};

/// On the topic it is the source's own object with `asked_at` put in front, so that fields unknown here are kept; this
/// type is what is read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeCandle {
    /// When it was received.
    pub asked_at: i64,
    #[serde(rename = "s")]
    pub coin: Coin,
    #[serde(rename = "i")]
    pub interval: Interval,
    /// Start of the bucket.
    #[serde(rename = "t")]
    pub time: i64,
    #[serde(rename = "o")]
    pub open: Amount,
    #[serde(rename = "h")]
    pub high: Amount,
    #[serde(rename = "l")]
    pub low: Amount,
    #[serde(rename = "c")]
    pub close: Amount,
    /// In the coin.
    #[serde(rename = "v")]
    pub volume: Amount,
    #[serde(rename = "n")]
    pub trades: u64,
}

impl Message for ExchangeCandle {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "exchange-candle/1";

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
