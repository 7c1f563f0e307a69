//! `positions` -> table `positions`: the open ones; a flat position takes its row away.

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, message};
use crate::{Message, Position, PositionSide, Record};

pub static TABLE: Table = Table {
    name: "positions",
    about: "the open positions; one that was closed has no row",
    topic: Position::TOPIC,
    also: &[],
    kind: Position::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "wallet"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("wallet", Kind::Text),
    Column::new("side", Kind::Text),
    Column::new("size", Kind::Decimal),
    Column::new("opened_at", Kind::Integer),
    Column::new("changed_at", Kind::Integer),
    Column::new("last_px", Kind::Decimal),
    Column::new("block", Kind::Integer),
    Column::new("idx", Kind::Integer),
    Column::new("clock", Kind::Integer),
    Column::new("entry_px", Kind::Decimal),
    Column::new("realised_pnl", Kind::Decimal),
];

const INDEXES: &[Index] =
    &[Index::new("positions_by_wallet", &["generation", "wallet", "coin"], "the positions of a wallet")];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let position: Position = message(Position::TOPIC, record)?;
    let key = [generation.into(), Value::text(&position.coin), Value::text(position.wallet)];
    if position.side == PositionSide::Flat {
        return Ok(Change::Delete(key.into()));
    }
    let rest = [
        Value::text(position.side.name()),
        Value::text(position.size),
        position.opened_at.into(),
        position.changed_at.into(),
        Value::text(position.last_px),
        count(Position::TOPIC, record, position.block)?,
        position.index.into(),
        position.clock.into(),
        Value::text_or_null(position.entry_px),
        Value::text_or_null(position.realised_pnl),
    ];
    Ok(Change::Put(key.into_iter().chain(rest).collect()))
}
