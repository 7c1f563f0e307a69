//! What the state topic holds: what was spent, which wallets are followed, and how far their lists and the markets'
//! candles were read.

use schemas::{Coin, Wallet};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::border::Border;
use super::fills::FillsReading;
use super::followed::Followed;
use super::spending::SpendingRecord;
use crate::source_error::SourceError;

/// The record of the budget.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct BudgetRecord {
    #[serde(default)]
    pub generation: u32,
    #[serde(flatten)]
    pub spending: SpendingRecord,
}

/// How far a list was read, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub border: Border,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<i64>,
}

/// One record of the topic.
pub enum Entry {
    Budget(BudgetRecord),
    Account(Wallet, Followed),
    Ledger(Wallet, Reading),
    Funding(Wallet, Reading),
    Fills(Wallet, FillsReading),
    Candles(Coin, Reading),
}

/// What is kept of each wallet that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Account,
    Ledger,
    Funding,
}

pub const BUDGET: &str = "budget";

pub fn entry(key: &[u8], value: &[u8]) -> Result<Entry, SourceError> {
    let key = String::from_utf8_lossy(key);
    let (of, part) = key.split_once('|').unwrap_or((&key, ""));
    let read = match (of.parse(), part) {
        _ if key == BUDGET => serde_json::from_slice(value).map(Entry::Budget),
        (Ok(wallet), "account") => serde_json::from_slice(value).map(|read| Entry::Account(wallet, read)),
        (Ok(wallet), "ledger") => serde_json::from_slice(value).map(|read| Entry::Ledger(wallet, read)),
        (Ok(wallet), "funding") => serde_json::from_slice(value).map(|read| Entry::Funding(wallet, read)),
        (Ok(wallet), "fills") => serde_json::from_slice(value).map(|read| Entry::Fills(wallet, read)),
        (Err(_), "candles") => serde_json::from_slice(value).map(|read| Entry::Candles(Coin::new(of), read)),
        _ => Err(serde_json::Error::custom("nothing is kept under this key")),
    };
    read.map_err(|source| SourceError::State { key: key.into_owned(), source })
}

pub fn key(wallet: Wallet, part: Part) -> String {
    let part = match part {
        Part::Account => "account",
        Part::Ledger => "ledger",
        Part::Funding => "funding",
    };
    format!("{wallet}|{part}")
}

/// Kept of each wallet whose fills were ever asked for.
pub fn fills_key(wallet: Wallet) -> String {
    format!("{wallet}|fills")
}

/// Kept of each market whose candles were ever asked for.
pub fn candles_key(coin: &Coin) -> String {
    format!("{coin}|candles")
}
