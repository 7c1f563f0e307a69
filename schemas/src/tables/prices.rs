//! `prices` -> table `prices`: what each market is valued at, as last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, message};
use crate::{Message, Price, Record};

pub static TABLE: Table = Table {
    name: "prices",
    about: "what each market is valued at, as last published",
    topic: Price::TOPIC,
    also: &[],
    kind: Price::KIND,
    columns: COLUMNS,
    key: &["generation", "coin"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("mark_px", Kind::Decimal),
    Column::new("oracle_px", Kind::Decimal),
    Column::new("mid_px", Kind::Decimal),
    Column::new("funding", Kind::Decimal),
    Column::new("open_interest", Kind::Decimal),
    Column::new("open_interest_notional", Kind::Decimal),
    Column::new("previous_day_px", Kind::Decimal),
    Column::new("day_notional", Kind::Decimal),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let price: Price = message(Price::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&price.coin),
        price.time.into(),
        Value::text(price.mark_px),
        Value::text(price.oracle_px),
        Value::text_or_null(price.mid_px),
        Value::text(price.funding),
        Value::text(price.open_interest),
        Value::text_or_null(price.open_interest_notional),
        Value::text(price.previous_day_px),
        Value::text(price.day_notional),
    ]))
}
