//! `liquidations` -> table `liquidation_orders`: what one block closed by force of a position, in one way.

use alloc::vec;

use crate::table::{Change, Column, Kind, RowError, Table, Value, count, message};
use crate::{LiquidationOrder, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidation_orders",
    topic: LiquidationOrder::TOPIC,
    kind: LiquidationOrder::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "wallet", "block", "method"],
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("wallet", Kind::Text),
    Column::new("block", Kind::Integer),
    Column::new("method", Kind::Text),
    Column::new("side", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("fills", Kind::Integer),
    Column::new("size", Kind::Decimal),
    Column::new("notional", Kind::Decimal),
    Column::new("average_px", Kind::Decimal),
    Column::new("mark_px", Kind::Decimal),
    Column::new("closed_pnl", Kind::Decimal),
    Column::new("remaining", Kind::Decimal),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let order: LiquidationOrder = message(LiquidationOrder::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&order.coin),
        Value::text(order.wallet),
        count(LiquidationOrder::TOPIC, record, order.block)?,
        Value::text(&*order.method),
        Value::text(order.side.name()),
        order.time.into(),
        order.fills.into(),
        Value::text(order.size),
        Value::text_or_null(order.notional),
        Value::text_or_null(order.average_px),
        Value::text(order.mark_px),
        Value::text(order.closed_pnl),
        Value::text(order.remaining),
    ]))
}
