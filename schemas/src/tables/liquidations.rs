//! `liquidations` -> table `liquidations`: what one block closed by force of a position, in one way.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, message};
use crate::{LiquidationOrder, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidations",
    about: "what one block closed by force of a position, in one way",
    topic: LiquidationOrder::TOPIC,
    also: &[],
    kind: LiquidationOrder::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "wallet", "block", "method"],
    indexes: INDEXES,
    kept: Kept::Always,
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
    Column::sorted("notional"),
    Column::new("average_px", Kind::Decimal),
    Column::new("mark_px", Kind::Decimal),
    Column::new("closed_pnl", Kind::Decimal),
    Column::new("remaining", Kind::Decimal),
];

const INDEXES: &[Index] = &[
    Index::new(
        "liquidations_by_time",
        &["generation", "time", "coin", "wallet", "block", "method"],
        "pages of all, by time",
    ),
    Index::new(
        "liquidations_by_coin",
        &["generation", "coin", "time", "wallet", "block", "method"],
        "pages of a coin, by time",
    ),
    Index::new(
        "liquidations_by_wallet",
        &["generation", "wallet", "time", "coin", "block", "method"],
        "pages of a wallet, by time",
    ),
    Index::new(
        "liquidations_by_notional",
        &["generation", "notional", "time", "coin", "wallet", "block", "method"],
        "pages of all, by size",
    ),
    Index::new(
        "liquidations_by_coin_and_notional",
        &["generation", "coin", "notional", "time", "wallet", "block", "method"],
        "pages of a coin, by size",
    ),
    Index::new(
        "liquidations_by_wallet_and_notional",
        &["generation", "wallet", "notional", "time", "coin", "block", "method"],
        "pages of a wallet, by size",
    ),
    Index::new(
        "liquidations_by_side",
        &["generation", "side", "time", "coin", "wallet", "block", "method"],
        "pages of a side, by time",
    ),
    Index::new(
        "liquidations_by_method",
        &["generation", "method", "time", "coin", "wallet", "block"],
        "pages of a method, by time",
    ),
    Index::of_large(
        "liquidations_from_100k",
        &["generation", "time", "coin", "wallet", "block", "method"],
        ("notional", "100000"),
        "pages of large ones, by time",
    ),
    Index::of_large(
        "liquidations_from_1m",
        &["generation", "time", "coin", "wallet", "block", "method"],
        ("notional", "1000000"),
        "pages of large ones, by time",
    ),
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
