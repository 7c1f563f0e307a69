//! `positions`: what each wallet holds in each coin, once per block in which it changed.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::position_changes::holding_key;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "positions",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/positions/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "coin|wallet",
    keeps: Keeps::LastPerKey { hours: 168, mib: 512 },
    about: "each open position, and the flat one that ends it",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub coin: Coin,
    pub wallet: Wallet,
    pub side: PositionSide,
    /// Signed: shorts are negative, flat is zero.
    pub size: Amount,
    /// When this side was taken, in milliseconds UTC; absent when that was before anything was seen of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<i64>,
    pub changed_at: i64,
    /// Average price at which it was entered; absent while that is not known, and when it is flat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_px: Option<Amount>,
    /// Realised by this side since `opened_at`, or since it was first seen, fees taken off; absent when a source did not
    /// say it, or when it is too large for an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realised_pnl: Option<Amount>,
    /// Price of the last fill.
    pub last_px: Amount,
    /// With `index` the fill that this stands on.
    pub block: u64,
    pub index: u32,
    /// Everything up to this event time is in.
    pub clock: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionSide {
    Long,
    Short,
    Flat,
}

impl PositionSide {
    pub fn of(size: Amount) -> Self {
        match size.sign() {
            1 => Self::Long,
            -1 => Self::Short,
            _ => Self::Flat,
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Long, Self::Short, Self::Flat].into_iter().find(|side| side.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Flat => "flat",
        }
    }
}

impl Message for Position {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "position/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        holding_key(key, &self.coin, self.wallet);
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.changed_at
    }

    fn ends_its_key(&self) -> bool {
        self.side == PositionSide::Flat
    }
}
