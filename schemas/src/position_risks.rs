//! `position-risks`: at which mark each open position would be liquidated, and what that stands on. Said when the
//! position or what backs it has changed, and when the marks of an account's other positions have moved the price.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::position_changes::holding_key;
use crate::{Amount, Belongs, Coin, Entity, Keeps, PositionSide, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "position-risks",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/position-risks/schema.json"),
    partitioned_by: &[Entity::Wallet, Entity::Coin],
    key: "coin|wallet",
    keeps: Keeps::LastPerKey { hours: 24, mib: 256 },
    about: "the liquidation price of each open position, exact where the account is known and estimated elsewhere, and the flat one that ends it",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionRisk {
    pub coin: Coin,
    pub wallet: Wallet,
    pub side: PositionSide,
    /// Signed: shorts are negative, flat is zero.
    pub size: Amount,
    /// Whose word the size is.
    pub source: PositionSource,
    /// What was paid for it: size times entry price, unsigned; absent while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
    /// Absent when no price liquidates it, and while the terms of the market or the marks of the account's other
    /// positions are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidation_px: Option<Amount>,
    /// Absent while nothing can be said of the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<RiskBasis>,
    /// Chosen by the wallet, as the exchange told; with the basis `assumed`, the one that was assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leverage: Option<u32>,
    /// Whether the margin is the position's own; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolated: Option<bool>,
    /// The clock at which it was computed.
    pub clock: i64,
}

/// Who has said last how much is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionSource {
    /// A fill: it tells what was held before it.
    #[default]
    Fill,
    /// The exchange, of the account: no fill of it was seen, or one was missed.
    Account,
}

/// What a liquidation price stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskBasis {
    /// The exchange's formula on the account as the exchange told it; nothing has changed since.
    Account,
    /// The same, with the fills since then carried forward; what funding has cost since is not in it.
    Carried,
    /// The exchange's own price: the account's margin is pooled with more than it shows, and the formula does not hold.
    Exchange,
    /// Something of it is not known. Of an account of which the exchange has told: money that came or went since, blocks
    /// that were missed, or the margin of a position that was opened since, which is taken for cross. Of another one all
    /// of it: as if the position had a margin of its own, at half of the market's highest leverage.
    Assumed,
}

impl PositionSource {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Account => "account",
        }
    }
}

impl RiskBasis {
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Carried => "carried",
            Self::Exchange => "exchange",
            Self::Assumed => "assumed",
        }
    }

    /// Whether it follows from what is known of this very account.
    pub fn is_exact(self) -> bool {
        self != Self::Assumed
    }
}

impl Message for PositionRisk {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "position-risk/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        holding_key(key, &self.coin, self.wallet);
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.wallet.text(), partitions) * partitions
            + partition_of(self.coin.as_str().as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.clock
    }

    /// Where the account says that it is flat, no fill has told it: the word stands until one does.
    fn ends_its_key(&self) -> bool {
        self.side == PositionSide::Flat && self.source == PositionSource::Fill
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fill_ends_its_key_and_an_account_does_not() {
        let ends = |side: &str, source: &str| {
            let wallet = "0x0000000000000000000000000000000000000001";
            let risk =
                json!({ "coin": "BTC", "wallet": wallet, "side": side, "size": "0", "source": source, "clock": 1 });
            serde_json::from_value::<PositionRisk>(risk).is_ok_and(|risk| risk.ends_its_key())
        };
        let said = [("flat", "fill"), ("flat", "account"), ("long", "fill")].map(|(side, source)| ends(side, source));
        assert_eq!(said, [true, false, false]);
    }
}
