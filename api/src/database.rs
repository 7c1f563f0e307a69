//! Reading: rows and the positions they stand for, in one transaction where both are told.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use schemas::Topic;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::Context;
use crate::error::ApiError;
use crate::status::Status;

/// Opens the database for reading; it has to be there.
pub async fn open_database(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?.read_only(true).busy_timeout(PATIENCE);
    SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE).connect_with(options).await
}

/// Whoever waits longer is better told to come back.
const PATIENCE: Duration = Duration::from_secs(3);
/// Twice what snapshots may take at the same time: the rest is for requests.
const CONNECTIONS: u32 = 2 * SNAPSHOTS as u32;
pub(crate) const SNAPSHOTS: usize = 4;

/// A transaction sees the rows and the positions of one moment.
pub(crate) struct Moment {
    /// How far everything was right before: what is said to be in the rows is in them.
    pub(crate) now: Status,
    pub(crate) rows: Transaction<'static, Sqlite>,
}

pub(crate) async fn one_moment(context: &Context) -> Result<Moment, ApiError> {
    Ok(Moment { now: (context.describe)(), rows: context.database.begin().await? })
}

/// The next offset of each partition of a topic that the rows stand for.
pub(crate) async fn positions(
    connection: &mut SqliteConnection,
    generation: u32,
    topic: &Topic,
) -> Result<BTreeMap<u32, u64>, ApiError> {
    let rows: Vec<(u32, i64)> =
        sqlx::query_as("SELECT partition, next FROM sink_positions WHERE generation = ? AND topic = ?")
            .bind(generation)
            .bind(topic.name)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(partition, next)| (partition, next.cast_unsigned())).collect())
}

/// The same, as replies tell it.
pub(crate) async fn source(
    connection: &mut SqliteConnection,
    generation: u32,
    topic: &Topic,
) -> Result<BTreeMap<String, u64>, ApiError> {
    let positions = positions(connection, generation, topic).await?;
    Ok(positions.into_iter().map(|(partition, next)| (format!("{}/{partition}", topic.name), next)).collect())
}
