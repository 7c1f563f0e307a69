//! `fills` and `fills-history` -> table `transactions`: each leg of each trade, once, whichever topic brought it.

use alloc::vec;

use crate::fills::HISTORY;
use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, count_or_null, message};
use crate::{Fill, Message, Record, Side, kind};

pub static TABLE: Table = Table {
    name: "transactions",
    about: "each leg of each trade; what was found later stands beside what was live",
    topic: Fill::TOPIC,
    also: &[&HISTORY],
    kind: Some(kind::FILL),
    columns: COLUMNS,
    // By time first: what is new lies behind what is there, and what is old goes in one piece.
    key: &["generation", "time", "block", "idx", "wallet"],
    indexes: INDEXES,
    kept: Kept::Days { days: 3, time: "time" },
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("time", Kind::Integer),
    Column::new("block", Kind::Integer),
    Column::new("idx", Kind::Integer),
    Column::new("wallet", Kind::Text),
    Column::new("coin", Kind::Text),
    Column::new("side", Kind::Text),
    Column::new("px", Kind::Decimal),
    Column::new("size", Kind::Decimal),
    Column::sorted("notional"),
    Column::new("start_position", Kind::Decimal),
    Column::new("dir", Kind::Text),
    Column::new("crossed", Kind::Boolean),
    Column::new("closed_pnl", Kind::Decimal),
    Column::new("fee", Kind::Decimal),
    Column::new("fee_token", Kind::Text),
    Column::new("hash", Kind::Text),
    Column::new("oid", Kind::Integer),
    Column::new("tid", Kind::Integer),
    Column::new("twap_id", Kind::Integer),
    Column::new("liquidation_method", Kind::Text),
    Column::new("liquidation_mark_px", Kind::Decimal),
    Column::new("liquidated_wallet", Kind::Text),
];

const INDEXES: &[Index] = &[
    Index::new(
        "transactions_by_coin",
        &["generation", "coin", "time", "block", "idx", "wallet"],
        "pages of a coin, by time",
    ),
    Index::new(
        "transactions_by_wallet",
        &["generation", "wallet", "time", "block", "idx"],
        "pages of a wallet, by time",
    ),
    Index::new(
        "transactions_by_order",
        &["generation", "oid", "time", "block", "idx", "wallet"],
        "the fills of an order",
    ),
    Index::new(
        "transactions_by_hash",
        &["generation", "hash", "time", "block", "idx", "wallet"],
        "what a transaction of the chain has done",
    ),
    Index::of_large(
        "transactions_from_10k",
        &["generation", "time", "block", "idx", "wallet"],
        ("notional", "10000"),
        "pages of large legs, by time",
    ),
    Index::of_large(
        "transactions_from_100k",
        &["generation", "time", "block", "idx", "wallet"],
        ("notional", "100000"),
        "pages of large legs, by time",
    ),
    Index::of_large(
        "transactions_from_1m",
        &["generation", "time", "block", "idx", "wallet"],
        ("notional", "1000000"),
        "pages of large legs, by time",
    ),
    Index::of_large(
        "transactions_by_coin_from_10k",
        &["generation", "coin", "time", "block", "idx", "wallet"],
        ("notional", "10000"),
        "pages of large legs of a coin, by time",
    ),
    Index::of_large(
        "transactions_by_coin_from_100k",
        &["generation", "coin", "time", "block", "idx", "wallet"],
        ("notional", "100000"),
        "pages of large legs of a coin, by time",
    ),
    Index::of_large(
        "transactions_by_coin_from_1m",
        &["generation", "coin", "time", "block", "idx", "wallet"],
        ("notional", "1000000"),
        "pages of large legs of a coin, by time",
    ),
    Index::of_large(
        "transactions_by_wallet_from_10k",
        &["generation", "wallet", "time", "block", "idx"],
        ("notional", "10000"),
        "pages of large legs of a wallet, by time",
    ),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let fill: Fill = message(Fill::TOPIC, record)?;
    let number = |number| count_or_null(Fill::TOPIC, record, number);
    let liquidation = fill.liquidation.as_ref();
    Ok(Change::Put(vec![
        generation.into(),
        fill.time.into(),
        count(Fill::TOPIC, record, fill.block)?,
        fill.index.into(),
        Value::text(fill.user),
        Value::text(&fill.coin),
        Value::text(if fill.side == Side::Buy { "buy" } else { "sell" }),
        Value::text(fill.px),
        Value::text(fill.sz),
        Value::text_or_null(fill.px.times(fill.sz).ok()),
        Value::text(fill.start_position),
        Value::text(&*fill.dir),
        fill.crossed.into(),
        Value::text_or_null(fill.closed_pnl),
        Value::text_or_null(fill.fee),
        Value::text_or_null(fill.fee_token.as_deref()),
        Value::text(fill.hash),
        count(Fill::TOPIC, record, fill.oid)?,
        number(fill.tid)?,
        number(fill.twap_id)?,
        Value::text_or_null(liquidation.map(|it| &*it.method)),
        Value::text_or_null(liquidation.map(|it| it.mark_px)),
        Value::text_or_null(liquidation.and_then(|it| it.liquidated_user)),
    ]))
}
