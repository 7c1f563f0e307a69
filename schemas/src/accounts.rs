//! `accounts`: what the exchange said of an account, against what was known of it from fills.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "accounts",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/accounts/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "wallet|dex",
    keeps: Keeps::LastPerKey { hours: 168, mib: 128 },
    about: "each followed account as it was reconciled last: its value and margin, and the coins in which fills had told another size",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub wallet: Wallet,
    /// `""` for the main one.
    pub dex: String,
    /// The moment at which the exchange said it was so.
    pub time: i64,
    pub account_value: Amount,
    /// What backs the cross positions, and what they ask for.
    pub cross_value: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_maintenance_margin: Option<Amount>,
    /// Of all positions, at the mark.
    pub notional: Amount,
    pub positions: u64,
    /// Where the exchange's size was not the one that fills had told.
    pub drifted: Vec<Coin>,
    /// Where the exchange's liquidation price is not the formula's: the margin is pooled with more than is shown.
    pub pooled: Vec<Coin>,
}

impl Message for Account {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "account/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.wallet.text());
        key.push(b'|');
        key.extend_from_slice(self.dex.as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
