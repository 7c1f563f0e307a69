//! `trades`: the public tape, each trade once. It says who traded, not what they held nor who was liquidated.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Hash, Keeps, Side, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "trades",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/trades/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::Recent { hours: 72, mib: 512 },
    about: "each trade of the public feed as the exchange wrote it: price, size, taker's side, buyer and seller",
};

/// On the topic it is the source's own object; this type is what is read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    pub coin: Coin,
    /// The taker's side.
    pub side: Side,
    pub px: Amount,
    pub sz: Amount,
    pub time: i64,
    /// All zero for TWAP slices: not an id.
    pub hash: Hash,
    /// With coin and time the id of the trade.
    pub tid: u64,
    /// Buyer and seller.
    pub users: [Wallet; 2],
}

impl Message for Trade {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "trade/1";

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
