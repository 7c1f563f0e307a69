//! `feed-status` -> table `source_gaps`: what of each source is or may be missing, and what of that was found again.
//!
//! Two records make a row: the one that notices the gap and the one that says it is healed. Each knows columns that the
//! other does not, and whichever comes again changes none of them: a gap that was healed is not opened again.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, count_or_null, message};
use crate::{FeedStatus, Message, Record, SourceStatus};

pub static TABLE: Table = Table {
    name: "source_gaps",
    about: "what of each source is or may be missing, and what of that was found again",
    topic: FeedStatus::TOPIC,
    also: &[],
    kind: FeedStatus::KIND,
    columns: COLUMNS,
    key: &["generation", "source", "from_time", "from_block", "part"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("source", Kind::Text),
    Column::new("from_time", Kind::Integer),
    Column::new("from_block", Kind::Integer),
    // A gap that is told once more may have grown.
    Column::new("to_time", Kind::Integer),
    Column::new("to_block", Kind::Integer),
    Column::first("noticed", Kind::Integer),
    Column::first("reason", Kind::Text),
    Column::first("healed", Kind::Integer),
    Column::first("healed_by", Kind::Text),
    Column::first("healed_reason", Kind::Text),
    Column::new("part", Kind::Text),
];

const INDEXES: &[Index] = &[Index::new(
    "source_gaps_by_time",
    &["generation", "from_time", "source", "from_block", "part"],
    "pages of all, by time",
)];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let said: FeedStatus = message(FeedStatus::TOPIC, record)?;
    let told = [said.time.into(), Value::Text(said.reason)];
    let untold = [Value::Null, Value::Null];
    let ([noticed, reason], [healed, healed_reason]) = match said.status {
        SourceStatus::Gap => (told, untold),
        SourceStatus::GapHealed => (untold, told),
        SourceStatus::Connected | SourceStatus::Disconnected | SourceStatus::Stale => return Ok(Change::Nothing),
    };
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&*said.source),
        said.from_time.unwrap_or(NOT_KNOWN).into(),
        count(FeedStatus::TOPIC, record, said.from_block.unwrap_or(NOT_NUMBERED))?,
        said.to_time.into(),
        count_or_null(FeedStatus::TOPIC, record, said.to_block)?,
        noticed,
        reason,
        healed,
        Value::text_or_null(said.healed_by.as_deref()),
        healed_reason,
        Value::text(said.part.as_deref().unwrap_or(EVERYTHING)),
    ]))
}

/// No column of a key may be without a value: nothing happened at the epoch, no block has the number 0, no part is called
/// nothing.
const NOT_KNOWN: i64 = 0;
const NOT_NUMBERED: u64 = 0;
const EVERYTHING: &str = "";
