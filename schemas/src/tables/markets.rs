//! `markets` -> table `markets`: the terms of each market as last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, json, message};
use crate::{Market, Message, Record};

pub static TABLE: Table = Table {
    name: "markets",
    about: "the terms of each market, as last published",
    topic: Market::TOPIC,
    also: &[],
    kind: Market::KIND,
    columns: COLUMNS,
    key: &["generation", "coin"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("dex", Kind::Text),
    Column::new("size_decimals", Kind::Integer),
    Column::new("max_leverage", Kind::Integer),
    Column::new("margin_tiers", Kind::Json),
    Column::new("isolated_only", Kind::Boolean),
    Column::new("delisted", Kind::Boolean),
    Column::new("time", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let market: Market = message(Market::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&market.coin),
        Value::Text(market.dex),
        market.size_decimals.into(),
        market.max_leverage.into(),
        json(Market::TOPIC, record, &market.margin_tiers)?,
        market.isolated_only.into(),
        market.delisted.into(),
        market.time.into(),
    ]))
}
