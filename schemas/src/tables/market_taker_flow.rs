//! `market-taker-flow` -> table `market_taker_flow`: each bucket as it was last published.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, message};
use crate::{MarketTakerFlow, Message, Record};

pub static TABLE: Table = Table {
    name: "market_taker_flow",
    about: "what takers bought and sold of all perpetuals in each bucket, as last published",
    topic: MarketTakerFlow::TOPIC,
    also: &[],
    kind: MarketTakerFlow::KIND,
    columns: COLUMNS,
    key: &["generation", "interval", "time"],
    indexes: &[],
    kept: Kept::ByInterval,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
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
    let flow: MarketTakerFlow = message(MarketTakerFlow::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(flow.interval),
        flow.time.into(),
        Value::text_or_null(flow.buy_notional),
        Value::text_or_null(flow.sell_notional),
        count(MarketTakerFlow::TOPIC, record, flow.buy_trades)?,
        count(MarketTakerFlow::TOPIC, record, flow.sell_trades)?,
        Value::text_or_null(flow.ratio),
        flow.complete.into(),
        flow.r#final.into(),
        count(MarketTakerFlow::TOPIC, record, flow.block)?,
        flow.clock.into(),
    ]))
}
