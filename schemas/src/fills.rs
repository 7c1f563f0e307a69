//! `fills`: legs of trades, the clock and the gaps, in the one order that the parser decided. The coin stage reads
//! nothing else. A header `kind` says which of the three a record is.

use alloc::vec::Vec;
use core::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Hash, Keeps, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "fills",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/fills/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::Recent { hours: 168, mib: 1024 },
    about: "every leg of every trade as the source wrote it, with clock and gap records in the same order",
};

/// What was found after the tape had gone on: the same records, in their own order, beside the live ones.
pub static HISTORY: Topic = Topic {
    name: "fills-history",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/fills-history/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin",
    keeps: Keeps::Recent { hours: 720, mib: 1024 },
    about: "fills that were found after `fills` had gone on without them: gaps that were healed, imports of older hours, and those of named wallets where nobody gives everybody's",
};

/// The values of the header `kind`.
pub mod kind {
    pub const HEADER: &str = "kind";
    pub const FILL: &[u8] = b"fill";
    pub const CONTEXT: &[u8] = b"context";
    pub const CLOCK: &[u8] = b"clock";
    pub const GAP: &[u8] = b"gap";
}

/// Where a source does not number its blocks, the time of a block stands in place of its height: no height will be as
/// large before the year 4000.
const UNNUMBERED: u64 = 1_000_000_000_000;

/// What stands for the height of a block that happened at this time and has none.
pub fn unnumbered(time: i64) -> u64 {
    UNNUMBERED.max(time.unsigned_abs())
}

pub fn is_numbered(block: u64) -> bool {
    block < UNNUMBERED
}

/// Whether a fill comes after another one: each its block, index and time. Blocks are compared by their heights; by
/// their times when only one of them has a height.
pub fn comes_after(one: (u64, u32, i64), other: (u64, u32, i64)) -> bool {
    if is_numbered(one.0) == is_numbered(other.0) {
        return (one.0, one.1) > (other.0, other.1);
    }
    one.2 > other.2
}

/// One user's leg of a trade. On the topic it is the source's own object with `block`, `index` and `user` put in
/// front, so that fields unknown here are kept; this type is what the folds read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fill {
    /// The height; of a source without heights, the time in milliseconds.
    pub block: u64,
    /// Place among the events of the block; with the block it is the fill's id and the total order.
    pub index: u32,
    pub user: Wallet,
    pub coin: Coin,
    pub px: Amount,
    pub sz: Amount,
    /// This user's side.
    pub side: Side,
    pub time: i64,
    /// Signed position before the fill.
    pub start_position: Amount,
    /// An open set: for words, never for arithmetic.
    pub dir: Text,
    /// Realised by the closed part, fees not taken off. Files of trades do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_pnl: Option<Amount>,
    /// All zero for TWAP slices, dust and settlements: not an id.
    pub hash: Hash,
    pub oid: u64,
    /// True for the taker.
    pub crossed: bool,
    /// In `fee_token`; negative is a rebate. Files of trades do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    /// 0 for dust; the same on both legs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<u64>,
    /// On both legs when the trade is a liquidation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidation: Option<Liquidation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_token: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twap_id: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    #[serde(rename = "B")]
    Buy,
    #[serde(rename = "A")]
    Sell,
}

impl Side {
    /// What buying does to a signed size is positive.
    pub fn sign(self) -> i32 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Liquidation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidated_user: Option<Wallet>,
    /// A string in every recording, a number in the documentation.
    #[serde(deserialize_with = "text_or_number")]
    pub mark_px: Amount,
    pub method: Text,
}

/// This block, which happened at this time, has been written, and everything before it. After each block, in every
/// partition, so that an idle one is told too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    pub time: i64,
    pub block: u64,
}

/// Blocks that the source never gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub from_block: u64,
    pub to_block: u64,
    /// Time of the last block before the hole.
    pub from_time: i64,
    /// Time of the first block after it.
    pub to_time: i64,
}

/// What is booked like a fill although nobody traded; two legs or one, at a price that no book has had.
pub(crate) const NO_TRADES: [&str; 7] = [
    "Spot Dust Conversion",
    "Net Child Vaults",
    "Settlement",
    "Split Outcome",
    "Merge Outcome",
    "Merge Question",
    "Negate Outcome",
];

impl Fill {
    /// Whether somebody traded with somebody. The pooled sale of dust is a trade; its single legs, of trade 0, are none.
    pub fn is_trade(&self) -> bool {
        self.tid != Some(0) && !NO_TRADES.contains(&&*self.dir)
    }

    /// The signed position after the fill. The parser lets no fill pass for which this is an error.
    pub fn end_position(&self) -> Result<Amount, crate::AmountError> {
        match self.side {
            Side::Buy => self.start_position.plus(self.sz),
            Side::Sell => self.start_position.minus(self.sz),
        }
    }
}

impl Message for Fill {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "fill/1";

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

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
    struct TextOrNumber;
    impl Visitor<'_> for TextOrNumber {
        type Value = Amount;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a decimal number, in a string or bare")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
            text.parse().map_err(E::custom)
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Amount, E> {
            self.visit_str(&alloc::format!("{number}"))
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Amount, E> {
            // The shortest text that reads back as the same number: the one that was written.
            self.visit_str(&alloc::format!("{number}"))
        }
    }
    deserializer.deserialize_any(TextOrNumber)
}
