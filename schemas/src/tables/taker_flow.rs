//! `taker-flow` -> table `taker_flow`: each bucket as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, message};
use crate::{Message, Record, TakerFlow};

pub static TABLE: Table = Table {
    name: "taker_flow",
    about: "what takers bought and sold in each bucket, as last published",
    topic: TakerFlow::TOPIC,
    also: &[],
    kind: TakerFlow::KIND,
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
    Column::new("buy_notional", Kind::Decimal),
    Column::new("sell_notional", Kind::Decimal),
    Column::new("buy_trades", Kind::Integer),
    Column::new("sell_trades", Kind::Integer),
    Column::new("ratio", Kind::Decimal),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let flow: TakerFlow = message(TakerFlow::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&flow.coin),
        Value::text(flow.interval),
        flow.time.into(),
        Value::text_or_null(flow.buy_notional),
        Value::text_or_null(flow.sell_notional),
        count(TakerFlow::TOPIC, record, flow.buy_trades)?,
        count(TakerFlow::TOPIC, record, flow.sell_trades)?,
        Value::text_or_null(flow.ratio),
        flow.complete.into(),
        flow.r#final.into(),
        count(TakerFlow::TOPIC, record, flow.block)?,
        flow.clock.into(),
    ]))
}
