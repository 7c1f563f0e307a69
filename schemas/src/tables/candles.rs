//! `candles` -> table `candles`: each bucket as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, message};
use crate::{Candle, Message, Record};

pub static TABLE: Table = Table {
    name: "candles",
    about: "open, high, low, close and volume of each bucket, as last published",
    topic: Candle::TOPIC,
    also: &[],
    kind: Candle::KIND,
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
    Column::new("open", Kind::Decimal),
    Column::new("high", Kind::Decimal),
    Column::new("low", Kind::Decimal),
    Column::new("close", Kind::Decimal),
    Column::new("volume", Kind::Decimal),
    Column::new("notional", Kind::Decimal),
    Column::new("trades", Kind::Integer),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let candle: Candle = message(Candle::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&candle.coin),
        Value::text(candle.interval),
        candle.time.into(),
        Value::text(candle.open),
        Value::text(candle.high),
        Value::text(candle.low),
        Value::text(candle.close),
        Value::text_or_null(candle.volume),
        Value::text_or_null(candle.notional),
        count(Candle::TOPIC, record, candle.trades)?,
        candle.complete.into(),
        candle.r#final.into(),
        count(Candle::TOPIC, record, candle.block)?,
        candle.clock.into(),
    ]))
}
