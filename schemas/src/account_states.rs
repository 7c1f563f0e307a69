//! `account-states`: what the exchange says of one wallet on one dex: balance, margin, every position with its
//! liquidation price. The only thing that knows what fills cannot tell.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Amount, Belongs, Coin, Entity, Keeps, Text, Topic, Wallet, partition_of};

pub static TOPIC: Topic = Topic {
    name: "account-states",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/account-states/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "wallet|dex",
    keeps: Keeps::LastPerKey { hours: 24, mib: 512 },
    about: "the account of each followed wallet as the exchange wrote it: balance, margin, positions, liquidation prices",
};

/// On the topic it is the source's own object with `user` and `dex` put in front, so that fields unknown here are
/// kept; this type is what is read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountState {
    pub user: Wallet,
    /// `""` for the main one.
    pub dex: String,
    pub time: i64,
    pub margin_summary: MarginSummary,
    pub cross_margin_summary: MarginSummary,
    /// Missing in what was recorded before 2025.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_maintenance_margin_used: Option<Amount>,
    pub asset_positions: Vec<AssetPosition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginSummary {
    pub account_value: Amount,
    pub total_ntl_pos: Amount,
    pub total_raw_usd: Amount,
    pub total_margin_used: Amount,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetPosition {
    pub position: HeldPosition,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldPosition {
    pub coin: Coin,
    /// Signed size.
    pub szi: Amount,
    pub leverage: HeldLeverage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_px: Option<Amount>,
    /// At the mark, unsigned.
    pub position_value: Amount,
    pub unrealized_pnl: Amount,
    /// Null where no price would liquidate it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidation_px: Option<Amount>,
    pub margin_used: Amount,
    /// Missing in what was recorded in 2023.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_leverage: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldLeverage {
    /// `cross` or `isolated`; kept open.
    #[serde(rename = "type")]
    pub kind: Text,
    pub value: u32,
    /// Of an isolated position only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_usd: Option<Amount>,
}

impl Message for AccountState {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "account-state/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(alloc::format!("{}|{}", self.user, self.dex).as_bytes());
    }

    fn partition(&self, partitions: u32) -> u32 {
        partition_of(alloc::format!("{}", self.user).as_bytes(), partitions)
    }

    fn time(&self) -> i64 {
        self.time
    }
}
