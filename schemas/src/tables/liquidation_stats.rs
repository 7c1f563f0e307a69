//! `liquidation-stats` -> table `liquidation_stats`: each bucket as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, json, message};
use crate::{LiquidationStats, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidation_stats",
    about: "what was liquidated in each bucket, as last published",
    topic: LiquidationStats::TOPIC,
    also: &[],
    kind: LiquidationStats::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "interval", "time"],
    indexes: INDEXES,
    kept: Kept::ByInterval,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("interval", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("long", Kind::Json),
    Column::new("short", Kind::Json),
    Column::new("largest", Kind::Json),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

const INDEXES: &[Index] = &[Index::new(
    "liquidation_stats_by_time",
    &["generation", "interval", "time", "coin"],
    "what was liquidated lately, of all coins",
)];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let stats: LiquidationStats = message(LiquidationStats::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&stats.coin),
        Value::text(stats.interval),
        stats.time.into(),
        json(LiquidationStats::TOPIC, record, &stats.long)?,
        json(LiquidationStats::TOPIC, record, &stats.short)?,
        stats.largest.as_ref().map_or(Ok(Value::Null), |largest| json(LiquidationStats::TOPIC, record, largest))?,
        stats.complete.into(),
        stats.r#final.into(),
        count(LiquidationStats::TOPIC, record, stats.block)?,
        stats.clock.into(),
    ]))
}
