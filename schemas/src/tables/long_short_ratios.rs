//! `long-short-ratios` -> table `long_short_ratios`: each bucket as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, count_or_null, message};
use crate::{LongShortRatio, Message, Record, SizeCohort};

pub static TABLE: Table = Table {
    name: "long_short_ratios",
    about: "accounts that are long and short in each bucket, as last published",
    topic: LongShortRatio::TOPIC,
    also: &[],
    kind: LongShortRatio::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "kind", "cohort", "interval", "time"],
    indexes: &[],
    kept: Kept::ByInterval,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("kind", Kind::Text),
    Column::new("cohort", Kind::Text),
    Column::new("interval", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("accounts", Kind::Integer),
    Column::new("of_accounts", Kind::Integer),
    Column::new("long_accounts", Kind::Integer),
    Column::new("short_accounts", Kind::Integer),
    Column::new("long_size", Kind::Decimal),
    Column::new("short_size", Kind::Decimal),
    Column::new("long_ratio", Kind::Decimal),
    Column::new("short_ratio", Kind::Decimal),
    Column::new("open", Kind::Decimal),
    Column::new("high", Kind::Decimal),
    Column::new("low", Kind::Decimal),
    Column::new("close", Kind::Decimal),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
    Column::new("oi_coverage_pct", Kind::Decimal),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let ratio: LongShortRatio = message(LongShortRatio::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&ratio.coin),
        Value::text(ratio.kind),
        // A part of the key is never unknown.
        Value::text(ratio.cohort.map_or("", SizeCohort::name)),
        Value::text(ratio.interval),
        ratio.time.into(),
        count(LongShortRatio::TOPIC, record, ratio.accounts)?,
        count_or_null(LongShortRatio::TOPIC, record, ratio.of_accounts)?,
        count(LongShortRatio::TOPIC, record, ratio.long_accounts)?,
        count(LongShortRatio::TOPIC, record, ratio.short_accounts)?,
        Value::text_or_null(ratio.long_size),
        Value::text_or_null(ratio.short_size),
        Value::text_or_null(ratio.long_ratio),
        Value::text_or_null(ratio.short_ratio),
        Value::text_or_null(ratio.open),
        Value::text_or_null(ratio.high),
        Value::text_or_null(ratio.low),
        Value::text_or_null(ratio.close),
        ratio.complete.into(),
        ratio.r#final.into(),
        count(LongShortRatio::TOPIC, record, ratio.block)?,
        ratio.clock.into(),
        Value::text_or_null(ratio.oi_coverage_pct),
    ]))
}
