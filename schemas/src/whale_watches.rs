//! `whale-watches`: the wallets that somebody wants to hear of at any size.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Entity, Keeps, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "whale-watches",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/whale-watches/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "wallet",
    keeps: Keeps::LastPerKey { hours: 168, mib: 64 },
    about: "wallets that are watched: what they are called, and from which size on they are told of",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhaleWatch {
    pub wallet: Wallet,
    pub label: Text,
    /// In USD; absent for every size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_notional: Option<Amount>,
    /// From the next block on.
    pub time: i64,
    /// It is watched no longer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub removed: bool,
}

impl Message for WhaleWatch {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "whale-watch/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.wallet.text());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }

    fn ends_its_key(&self) -> bool {
        self.removed
    }
}
