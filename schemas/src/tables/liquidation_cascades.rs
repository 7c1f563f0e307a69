//! `liquidation-cascades` -> table `liquidation_cascades`: each burst as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, message};
use crate::{LiquidationCascade, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidation_cascades",
    about: "each burst of liquidations, as last published",
    topic: LiquidationCascade::TOPIC,
    also: &[],
    kind: LiquidationCascade::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "side", "first_block"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("side", Kind::Text),
    Column::new("first_block", Kind::Integer),
    Column::new("last_block", Kind::Integer),
    Column::new("first_time", Kind::Integer),
    Column::new("last_time", Kind::Integer),
    Column::new("orders", Kind::Integer),
    Column::new("notional", Kind::Decimal),
    Column::new("peak_time", Kind::Integer),
    Column::new("peak_notional", Kind::Decimal),
    Column::new("first_mark_px", Kind::Decimal),
    Column::new("last_mark_px", Kind::Decimal),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("clock", Kind::Integer),
];

const INDEXES: &[Index] = &[
    Index::new(
        "liquidation_cascades_by_time",
        &["generation", "first_time", "coin", "side", "first_block"],
        "pages of all, by time",
    ),
    Index::new(
        "liquidation_cascades_by_coin",
        &["generation", "coin", "first_time", "side", "first_block"],
        "pages of a coin, by time",
    ),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let cascade: LiquidationCascade = message(LiquidationCascade::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&cascade.coin),
        Value::text(cascade.side.name()),
        count(LiquidationCascade::TOPIC, record, cascade.first_block)?,
        count(LiquidationCascade::TOPIC, record, cascade.last_block)?,
        cascade.first_time.into(),
        cascade.last_time.into(),
        count(LiquidationCascade::TOPIC, record, cascade.orders)?,
        Value::text_or_null(cascade.notional),
        cascade.peak_time.into(),
        Value::text_or_null(cascade.peak_notional),
        Value::text(cascade.first_mark_px),
        Value::text(cascade.last_mark_px),
        cascade.complete.into(),
        cascade.r#final.into(),
        cascade.clock.into(),
    ]))
}
