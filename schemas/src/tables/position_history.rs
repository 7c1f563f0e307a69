//! `positions` -> table `position_history`: what each position was after each block that changed it; a flat one too.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, message};
use crate::{Message, Position, Record};

pub static TABLE: Table = Table {
    name: "position_history",
    about: "what each position was after each block that changed it, with the flat one that ended it",
    topic: Position::TOPIC,
    also: &[],
    kind: Position::KIND,
    columns: COLUMNS,
    key: &["generation", "wallet", "time", "coin", "block", "idx"],
    indexes: INDEXES,
    kept: Kept::Days { days: 7, time: "time" },
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("wallet", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("block", Kind::Integer),
    Column::new("idx", Kind::Integer),
    Column::new("side", Kind::Text),
    Column::new("size", Kind::Decimal),
    Column::new("opened_at", Kind::Integer),
    Column::new("entry_px", Kind::Decimal),
    Column::new("realised_pnl", Kind::Decimal),
    Column::new("last_px", Kind::Decimal),
];

const INDEXES: &[Index] = &[
    Index::new(
        "position_history_by_time",
        &["generation", "time", "wallet", "coin", "block", "idx"],
        "pages of all, by time; and what is old enough to go",
    ),
    Index::new(
        "position_history_by_coin",
        &["generation", "coin", "time", "wallet", "block", "idx"],
        "pages of a coin, by time",
    ),
    Index::of_some(
        "position_history_of_closed",
        &["generation", "time", "wallet", "coin", "block", "idx"],
        "side = 'flat'",
        "pages of what ended positions, by time",
    ),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let position: Position = message(Position::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(position.wallet),
        position.changed_at.into(),
        Value::text(&position.coin),
        count(Position::TOPIC, record, position.block)?,
        position.index.into(),
        Value::text(position.side.name()),
        Value::text(position.size),
        position.opened_at.into(),
        Value::text_or_null(position.entry_px),
        Value::text_or_null(position.realised_pnl),
        Value::text(position.last_px),
    ]))
}
