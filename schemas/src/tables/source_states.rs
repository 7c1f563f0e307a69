//! `feed-status` -> table `source_states`: whether each source is heard, as was said last.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, message};
use crate::{FeedStatus, Message, Record, SourceStatus};

pub static TABLE: Table = Table {
    name: "source_states",
    about: "whether each source is heard, as was said last",
    topic: FeedStatus::TOPIC,
    also: &[],
    kind: FeedStatus::KIND,
    columns: COLUMNS,
    key: &["generation", "source"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("source", Kind::Text),
    Column::new("status", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("reason", Kind::Text),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let said: FeedStatus = message(FeedStatus::TOPIC, record)?;
    let status = match said.status {
        SourceStatus::Connected => "connected",
        SourceStatus::Disconnected => "disconnected",
        SourceStatus::Stale => "stale",
        SourceStatus::Gap | SourceStatus::GapHealed => return Ok(Change::Nothing),
    };
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&*said.source),
        Value::text(status),
        said.time.into(),
        Value::Text(said.reason),
    ]))
}
