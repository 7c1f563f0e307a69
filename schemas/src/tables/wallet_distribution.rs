//! `wallet-distribution` -> table `wallet_distribution`: how wallets were spread at each minute.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, json, message};
use crate::{Message, Record, WalletDistribution};

pub static TABLE: Table = Table {
    name: "wallet_distribution",
    about: "how wallets were spread by size and by profit at each minute",
    topic: WalletDistribution::TOPIC,
    also: &[],
    kind: WalletDistribution::KIND,
    columns: COLUMNS,
    key: &["generation", "measure", "time"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("measure", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("tiers", Kind::Json),
    Column::new("not_valued", Kind::Integer),
    Column::new("parts", Kind::Integer),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let spread: WalletDistribution = message(WalletDistribution::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(spread.by.name()),
        spread.time.into(),
        json(WalletDistribution::TOPIC, record, &spread.tiers)?,
        count(WalletDistribution::TOPIC, record, spread.not_valued)?,
        count(WalletDistribution::TOPIC, record, spread.parts)?,
        count(WalletDistribution::TOPIC, record, spread.block)?,
        spread.clock.into(),
    ]))
}
