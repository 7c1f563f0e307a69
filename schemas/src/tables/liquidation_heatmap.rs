//! `liquidation-heatmap` -> table `liquidation_heatmap`: each cell as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, message};
use crate::{HeatmapCell, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidation_heatmap",
    about: "what was liquidated in each bucket and step of price, as last published",
    topic: HeatmapCell::TOPIC,
    also: &[],
    kind: HeatmapCell::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "interval", "time", "price_low"],
    indexes: &[],
    kept: Kept::ByInterval,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("interval", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("price_low", Kind::Decimal),
    Column::new("price_high", Kind::Decimal),
    Column::new("long_orders", Kind::Integer),
    Column::new("short_orders", Kind::Integer),
    Column::new("long_notional", Kind::Decimal),
    Column::new("short_notional", Kind::Decimal),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let cell: HeatmapCell = message(HeatmapCell::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&cell.coin),
        Value::text(cell.interval),
        cell.time.into(),
        Value::text(cell.price_low),
        Value::text(cell.price_high),
        count(HeatmapCell::TOPIC, record, cell.long_orders)?,
        count(HeatmapCell::TOPIC, record, cell.short_orders)?,
        Value::text_or_null(cell.long_notional),
        Value::text_or_null(cell.short_notional),
        cell.complete.into(),
        cell.r#final.into(),
        count(HeatmapCell::TOPIC, record, cell.block)?,
        cell.clock.into(),
    ]))
}
