//! `position-changes`: what one fill did to one wallet's position in one coin.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Coin, Keeps, Side, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "position-changes",
    partitioned_by: Some("wallet"),
    key: "coin|wallet",
    keeps: Keeps::Recent { hours: 168, mib: 512 },
    about: "each change of a position: size before and after, at which price, by which fill",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionChange {
    pub coin: Coin,
    pub wallet: Wallet,
    pub time: i64,
    /// With `index` the id of the fill, and of this change.
    pub block: u64,
    pub index: u32,
    /// The wallet's side in the trade.
    pub side: Side,
    pub px: Amount,
    pub sz: Amount,
    pub dir: Text,
    /// Signed size that the source says was held before.
    pub before: Amount,
    /// Signed size after.
    pub after: Amount,
    /// Signed size that was known here before; absent for a wallet first seen. Differs from `before` when something
    /// was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Amount>,
}

impl Message for PositionChange {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "position-change/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        holding_key(key, &self.coin, self.wallet);
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}

/// `coin|wallet`: the key of everything that one wallet holds in one coin.
pub(crate) fn holding_key(key: &mut Vec<u8>, coin: &Coin, wallet: Wallet) {
    key.extend_from_slice(coin.as_str().as_bytes());
    key.push(b'|');
    key.extend_from_slice(&wallet.text());
}
