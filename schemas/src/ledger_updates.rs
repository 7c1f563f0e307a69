//! `ledger-updates`: what changes an account besides its fills: deposits, withdrawals, transfers, funding, liquidations.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::Message;
use crate::{Belongs, Entity, Hash, Keeps, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "ledger-updates",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/ledger-updates/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "wallet",
    keeps: Keeps::Recent { hours: 720, mib: 512 },
    about: "what changes an account besides its fills, as the source wrote it: deposits, withdrawals, transfers, funding",
};

/// One change, of one wallet: one that moves money between two is there once for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerUpdate {
    /// The same whichever source saw it.
    pub id: String,
    pub user: Wallet,
    pub time: i64,
    pub hash: Hash,
    /// The source's own object; its `type` is an open set.
    pub delta: Value,
}

impl Message for LedgerUpdate {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "ledger-update/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(alloc::format!("{}", self.user).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(alloc::format!("{}", self.user).as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
