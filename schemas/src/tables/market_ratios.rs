//! `market-ratios` -> table `market_ratios`: each bucket as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, message};
use crate::{MarketRatio, Message, Record, SizeCohort};

pub static TABLE: Table = Table {
    name: "market_ratios",
    about: "wallets that are long and short over all coins, as last published",
    topic: MarketRatio::TOPIC,
    also: &[],
    kind: MarketRatio::KIND,
    columns: COLUMNS,
    key: &["generation", "kind", "cohort", "interval", "time"],
    indexes: &[],
    kept: Kept::ByInterval,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("kind", Kind::Text),
    Column::new("cohort", Kind::Text),
    Column::new("interval", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("accounts", Kind::Integer),
    Column::new("not_valued", Kind::Integer),
    Column::new("long_accounts", Kind::Integer),
    Column::new("short_accounts", Kind::Integer),
    Column::new("long_notional", Kind::Decimal),
    Column::new("short_notional", Kind::Decimal),
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
    let ratio: MarketRatio = message(MarketRatio::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(ratio.kind),
        // A part of the key is never unknown.
        Value::text(ratio.cohort.map_or("", SizeCohort::name)),
        Value::text(ratio.interval),
        ratio.time.into(),
        count(MarketRatio::TOPIC, record, ratio.accounts)?,
        count(MarketRatio::TOPIC, record, ratio.not_valued)?,
        count(MarketRatio::TOPIC, record, ratio.long_accounts)?,
        count(MarketRatio::TOPIC, record, ratio.short_accounts)?,
        Value::text_or_null(ratio.long_notional),
        Value::text_or_null(ratio.short_notional),
        Value::text_or_null(ratio.long_ratio),
        Value::text_or_null(ratio.short_ratio),
        Value::text_or_null(ratio.open),
        Value::text_or_null(ratio.high),
        Value::text_or_null(ratio.low),
        Value::text_or_null(ratio.close),
        ratio.complete.into(),
        ratio.r#final.into(),
        count(MarketRatio::TOPIC, record, ratio.block)?,
        ratio.clock.into(),
        Value::text_or_null(ratio.oi_coverage_pct),
    ]))
}
