//! `liquidation-map` -> table `liquidation_map`: the last map of each quarter of an hour.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, json, message};
use crate::{LiquidationMap, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidation_map",
    about: "open positions by liquidation price, the last map of each quarter of an hour",
    topic: LiquidationMap::TOPIC,
    also: &[],
    kind: LiquidationMap::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "interval", "time"],
    indexes: &[],
    kept: Kept::ByInterval,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("interval", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("mark_px", Kind::Decimal),
    Column::new("open_interest", Kind::Decimal),
    Column::new("long", Kind::Json),
    Column::new("short", Kind::Json),
    Column::new("bins", Kind::Json),
    Column::new("complete", Kind::Boolean),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let map: LiquidationMap = message(LiquidationMap::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&map.coin),
        Value::text(map.interval),
        map.time.into(),
        Value::text(map.mark_px),
        Value::text(map.open_interest),
        json(LiquidationMap::TOPIC, record, &map.long)?,
        json(LiquidationMap::TOPIC, record, &map.short)?,
        json(LiquidationMap::TOPIC, record, &map.bins)?,
        map.complete.into(),
        count(LiquidationMap::TOPIC, record, map.block)?,
        map.clock.into(),
    ]))
}
