//! `source-runs` -> table `source_runs`: what each run of a source has given, as far as it was said last, and with what
//! it began: the first block and event time that were said of it.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, count_or_null, message};
use crate::{Message, Record, SourceRun};

pub static TABLE: Table = Table {
    name: "source_runs",
    about: "each run of a source: with what it began and how far it has come",
    topic: SourceRun::TOPIC,
    also: &[],
    kind: SourceRun::KIND,
    columns: COLUMNS,
    key: &["generation", "source", "stream", "started"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("source", Kind::Text),
    Column::new("stream", Kind::Text),
    Column::new("started", Kind::Integer),
    Column::new("time", Kind::Integer),
    Column::new("ended", Kind::Integer),
    Column::new("frames", Kind::Integer),
    Column::new("bytes", Kind::Integer),
    Column::new("facts", Kind::Integer),
    Column::new("duplicates", Kind::Integer),
    Column::new("gaps", Kind::Integer),
    Column::new("dead_letters", Kind::Integer),
    Column::first("first_block", Kind::Integer),
    Column::new("last_block", Kind::Integer),
    Column::first("first_time", Kind::Integer),
    Column::new("last_time", Kind::Integer),
    Column::new("lag_ms", Kind::Integer),
    Column::new("cursor", Kind::Text),
];

const INDEXES: &[Index] = &[
    Index::new("source_runs_by_time", &["generation", "started", "source", "stream"], "pages of all, by time"),
    Index::new("source_runs_by_source", &["generation", "source", "started", "stream"], "pages of a source, by time"),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let run: SourceRun = message(SourceRun::TOPIC, record)?;
    let last_block = count_or_null(SourceRun::TOPIC, record, run.last_block)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&*run.source),
        Value::Text(run.stream),
        run.started.into(),
        run.time.into(),
        run.ended.into(),
        count(SourceRun::TOPIC, record, run.frames)?,
        count(SourceRun::TOPIC, record, run.bytes)?,
        count(SourceRun::TOPIC, record, run.facts)?,
        count(SourceRun::TOPIC, record, run.duplicates)?,
        count(SourceRun::TOPIC, record, run.gaps)?,
        count(SourceRun::TOPIC, record, run.dead_letters)?,
        last_block.clone(),
        last_block,
        run.last_time.into(),
        run.last_time.into(),
        run.lag_ms.into(),
        Value::Text(run.cursor),
    ]))
}
