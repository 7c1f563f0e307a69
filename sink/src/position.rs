//! Table `sink_positions`: which offset of which partition is written next, and what the rows stand for.

use std::collections::BTreeMap;

use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::{Part, SinkError};
use schemas::table::Value;

pub(crate) const TABLE: &str = "sink_positions";
/// Of a generation.
pub(crate) const ALL_GO: &str = "DELETE FROM sink_positions WHERE generation = $1";

pub(crate) async fn all(database: &Database, generation: u32) -> Result<BTreeMap<(String, u32), u64>, SinkError> {
    const ALL: &str = "SELECT topic, partition, next FROM sink_positions WHERE generation = $1";
    let rows: Vec<(String, i64, i64)> = match database {
        Database::Sqlite(pool) => sqlx::query_as(ALL).bind(i64::from(generation)).fetch_all(pool).await,
        Database::Postgres(pool) => sqlx::query_as(ALL).bind(i64::from(generation)).fetch_all(pool).await,
    }
    .map_err(of_positions)?;
    // Only what was a partition and an offset is ever written there.
    Ok(rows.into_iter().map(|(topic, partition, next)| ((topic, partition as u32), next.cast_unsigned())).collect())
}

/// Moves the position from where the reader found it to where the part ends, or says that it is elsewhere: whoever finds
/// it so is not the one to write.
pub(crate) async fn advance(
    transaction: &mut Transaction,
    generation: u32,
    part: &Part<'_>,
    clock: &Clock,
) -> Result<bool, SinkError> {
    let Part { topic, partition, expected, next, .. } = *part;
    let mut values = vec![generation.into(), Value::text(topic.name), partition.into(), next.cast_signed().into()];
    values.extend_from_slice(clock);
    values.extend(expected.map(|expected| expected.cast_signed().into()));
    let statement = if expected.is_some() { FURTHER } else { FIRST };
    let moved = transaction.execute(statement, &values).await.map_err(of_positions)?;
    Ok(moved == 1)
}

/// What rows reach since is kept where a clock does not say it; were there no clock at first, it is since the first one.
/// The row is locked by whoever comes first; the second one waits, and then finds that the position has moved.
const FURTHER: &str = "UPDATE sink_positions SET next = $4, clock = coalesce($5, clock), block = coalesce($6, block), \
     since_time = coalesce($7, since_time, $5), since_block = coalesce($8, since_block, $6) \
     WHERE generation = $1 AND topic = $2 AND partition = $3 AND next = $9";

const FIRST: &str = "INSERT INTO sink_positions \
     (generation, topic, partition, next, clock, block, since_time, since_block) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (generation, topic, partition) DO NOTHING";

fn of_positions(source: sqlx::Error) -> SinkError {
    SinkError::statement(TABLE, source)
}
