//! Records of several partitions -> rows and positions, all or nothing.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use schemas::{Batch, Topic};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::write::{Rows, write_rows};
use crate::{SinkError, position, tables};

/// Where rows are written to.
pub struct Sink {
    pub(crate) database: SqlitePool,
}

/// What was read of one partition.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    pub topic: &'static Topic,
    pub partition: u32,
    /// Offset of the first record.
    pub from: u64,
    /// Offset behind the last one: what is to be read next.
    pub next: u64,
    pub batch: &'a [Batch],
}

/// Opens the database, makes it when it is not there, and brings its tables to this version.
pub async fn connect(url: &str) -> Result<Sink, SinkError> {
    let open = |source| SinkError::Open { url: url.to_owned(), source };
    let options = SqliteConnectOptions::from_str(url)
        .map_err(open)?
        .create_if_missing(true)
        // Readers go on while rows are written.
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut may take the last transactions away, rows and positions together: the log has them still.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(LOCK_PATIENCE);
    // SQLite has one writer at a time.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let database = pool.connect_with(options).await.map_err(open)?;
    sqlx::migrate!().run(&database).await.map_err(|source| SinkError::Migrate { source })?;
    Ok(Sink { database })
}

/// Longer than any write of ours takes; whoever still waits then had better say so.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

impl Sink {
    /// The offset to read next, by topic name and partition; where nothing was written yet there is no entry.
    pub async fn positions(&self, generation: u32) -> Result<BTreeMap<(String, u32), u64>, SinkError> {
        position::all(&self.database, generation).await
    }

    /// Writes the rows of all parts and their positions, and returns how many rows were put or taken away.
    pub async fn write(&mut self, generation: u32, parts: &[Part<'_>]) -> Result<u64, SinkError> {
        // All records are read before the lock is taken, so that a bad one costs nobody any time.
        let mut rows = Vec::new();
        for table in tables() {
            let topic = table.topic;
            let batches = parts.iter().filter(|part| part.topic == topic).flat_map(|part| part.batch);
            rows.push(Rows::read(table, generation, batches)?);
        }
        // A transaction that only starts as a reader could find the lock taken when it comes to write.
        let mut transaction = self
            .database
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|source| SinkError::statement("begin", source))?;
        for part in parts {
            position::advance(&mut transaction, generation, part).await?;
        }
        let mut changed = 0;
        for rows in rows {
            changed += write_rows(&mut transaction, rows).await?;
        }
        transaction.commit().await.map_err(|source| SinkError::statement("commit", source))?;
        tracing::debug!(parts = parts.len(), changed, "rows written");
        Ok(changed)
    }
}
