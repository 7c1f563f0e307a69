//! `whale-activities`: what a wallet did in one order, or moved in or out, when that was large for the market or the
//! wallet is watched. Each is told once, when its block is whole.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, PositionSide, RiskBasis, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "whale-activities",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/whale-activities/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "wallet|block|index|coin of an order's first fill, or wallet|id of a ledger update",
    keeps: Keeps::RecentPerKey { hours: 720, mib: 256 },
    about: "large orders and large transfers, and those of watched wallets at any size, each once: what was done, and what is held after it",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhaleActivity {
    pub wallet: Wallet,
    /// Which of the wallet's: `block|index|coin` of the order's first fill, or the id of the ledger update.
    pub id: String,
    pub action: WhaleAction,
    pub time: i64,
    /// Price times size, summed over the fills, or what was moved, in USD; unsigned. Absent when it is too large for an
    /// exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Amount>,
    /// What made one large then and there, in USD, and by which rule.
    pub threshold: Amount,
    pub rule: WhaleRule,
    /// Somebody wants to hear of this wallet at other sizes too.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub watched: bool,
    /// Who it is, where that is known: as whoever watches it says, or as everybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// Of what was done in a market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<WhaleOrder>,
    /// Of what was moved in or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<WhaleFlow>,
}

/// From which size on one is large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhaleRule {
    /// In USD, whatever the coin trades; what is moved in or out is measured by it alone.
    pub floor: Amount,
    /// Of what the coin traded in the last 24 hours.
    pub share_of_volume: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhaleAction {
    Open,
    Close,
    Increase,
    Reduce,
    /// Closed one side and opened the other.
    Flip,
    /// Closed by force.
    Liquidated,
    /// Closed by force although it was in profit: the other side of somebody's liquidation.
    Deleveraged,
    Deposit,
    Withdraw,
    /// To or from another wallet or a vault.
    Transfer,
}

/// The fills that one order had in one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhaleOrder {
    pub coin: Coin,
    pub oid: u64,
    pub block: u64,
    /// Of the first fill.
    pub index: u32,
    pub fills: u32,
    /// The side that was opened or, when nothing was opened, closed.
    pub side: PositionSide,
    pub size: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_px: Option<Amount>,
    /// How much of the size took what others had offered.
    pub taker_size: Amount,
    /// Signed position before the first fill.
    pub before: Amount,
    /// Signed position after the last fill.
    pub after: Amount,
    /// Of what is held after; absent when nothing is, or while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_px: Option<Amount>,
    /// Realised by the part that was closed, fees not taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_pnl: Option<Amount>,
    /// Negative is a rebate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    /// Where it is another one than USDC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_token: Option<Text>,
    /// How it was liquidated, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Text>,
    /// Size after, unsigned, as a share of the coin's open interest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_interest_share: Option<Amount>,
    /// How much of what the wallet traded in the last 24 hours was offered and taken by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker_share: Option<Amount>,
    /// When the exchange last said what the account is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_value: Option<Amount>,
    /// Of what is held after, as `position-risks` tells it: from here on absent when nothing is, and when another order
    /// of the same block went on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leverage: Option<u32>,
    /// Whether the margin is the position's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidation_px: Option<Amount>,
    /// What leverage and price stand on: both are guesses when they are `assumed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_basis: Option<RiskBasis>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhaleFlow {
    /// In USD: negative is out of the wallet.
    pub amount: Amount,
    pub token: Text,
    /// What the ledger calls it: an open set.
    pub ledger_type: Text,
    /// The other wallet, or the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<Wallet>,
    /// Who that is, where everybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty_label: Option<Text>,
}

/// Of a coin that trades two billions a day an order of 200,000 USD is large.
impl Default for WhaleRule {
    fn default() -> Self {
        Self { floor: Amount::from(100_000), share_of_volume: Amount::power_of_ten(-4).unwrap_or_default() }
    }
}

impl WhaleAction {
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Close,
        Self::Increase,
        Self::Reduce,
        Self::Flip,
        Self::Liquidated,
        Self::Deleveraged,
        Self::Deposit,
        Self::Withdraw,
        Self::Transfer,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Increase => "increase",
            Self::Reduce => "reduce",
            Self::Flip => "flip",
            Self::Liquidated => "liquidated",
            Self::Deleveraged => "deleveraged",
            Self::Deposit => "deposit",
            Self::Withdraw => "withdraw",
            Self::Transfer => "transfer",
        }
    }
}

impl Message for WhaleActivity {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "whale-activity/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.wallet.text());
        key.push(b'|');
        key.extend_from_slice(self.id.as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(&self.wallet.text(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
