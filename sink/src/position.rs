//! Table `sink_positions`: which offset of which partition is written next.

use std::collections::BTreeMap;

use sqlx::{SqliteConnection, SqlitePool};

use crate::{Part, SinkError};

pub(crate) async fn all(database: &SqlitePool, generation: u32) -> Result<BTreeMap<(String, u32), u64>, SinkError> {
    let rows: Vec<(String, u32, i64)> =
        sqlx::query_as("SELECT topic, partition, next FROM sink_positions WHERE generation = ?")
            .bind(generation)
            .fetch_all(database)
            .await
            .map_err(of_positions)?;
    Ok(rows.into_iter().map(|(topic, partition, next)| ((topic, partition), next.cast_unsigned())).collect())
}

/// Moves the position from where the part begins to where it ends. Whoever finds it elsewhere is not the one to write.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    generation: u32,
    part: &Part<'_>,
) -> Result<(), SinkError> {
    let statement = if part.from == 0 { FIRST } else { FURTHER };
    let moved = sqlx::query(statement)
        .bind(generation)
        .bind(part.topic.name)
        .bind(part.partition)
        .bind(part.next.cast_signed())
        .bind(part.from.cast_signed())
        .execute(&mut *connection)
        .await
        .map_err(of_positions)?;
    if moved.rows_affected() == 1 {
        return Ok(());
    }
    let found = stored(connection, generation, part).await?;
    Err(SinkError::Position { topic: part.topic.name, partition: part.partition, expected: part.from, found })
}

const FURTHER: &str = "UPDATE sink_positions SET next = ?4 \
     WHERE generation = ?1 AND topic = ?2 AND partition = ?3 AND next = ?5";

const FIRST: &str = "INSERT INTO sink_positions (generation, topic, partition, next) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (generation, topic, partition) DO UPDATE SET next = excluded.next WHERE next = ?5";

async fn stored(connection: &mut SqliteConnection, generation: u32, part: &Part<'_>) -> Result<u64, SinkError> {
    let next: Option<i64> =
        sqlx::query_scalar("SELECT next FROM sink_positions WHERE generation = ? AND topic = ? AND partition = ?")
            .bind(generation)
            .bind(part.topic.name)
            .bind(part.partition)
            .fetch_optional(connection)
            .await
            .map_err(of_positions)?;
    Ok(next.unwrap_or_default().cast_unsigned())
}

fn of_positions(source: sqlx::Error) -> SinkError {
    SinkError::statement("sink_positions", source)
}
