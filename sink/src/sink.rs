//! Records of several partitions → rows and positions, all or nothing.

use std::collections::BTreeMap;

use schemas::tables::TABLES;
use schemas::{Batch, Topic};
use sqlx::AssertSqlSafe;

use crate::clock::Clock;
use crate::database::Database;
use crate::keeping::Keeping;
use crate::rows::Rows;
use crate::{SinkError, clock, keeping, position};

/// Where rows are written to.
pub struct Sink {
    pub(crate) database: Database,
    keeping: Keeping,
    /// A commit was sent and not answered: it may have been made.
    in_doubt: bool,
}

/// What was read of one partition.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    pub topic: &'static Topic,
    pub partition: u32,
    /// The stored position that the reading began at; `None` when none was stored yet.
    pub expected: Option<u64>,
    /// Offset behind the last record: what is to be read next.
    pub next: u64,
    pub batch: &'a [Batch],
}

const GONE_AT_ONCE: u32 = 2_000;

impl Sink {
    pub(crate) fn of(database: Database) -> Self {
        Self { database, keeping: Keeping::default(), in_doubt: false }
    }

    /// Rows are kept for these days from now on.
    pub fn keeping(self, keeping: Keeping) -> Self {
        Self { keeping, ..self }
    }

    /// The offset to read next, by topic name and partition; where nothing was written yet there is no entry.
    pub async fn positions(&self, generation: u32) -> Result<BTreeMap<(String, u32), u64>, SinkError> {
        position::all(&self.database, generation).await
    }

    /// Writes the rows of all parts, their positions and their clocks, and returns how many rows were put or taken
    /// away. What was refused with an error that says `retry` is to be written again as it was.
    pub async fn write(&mut self, generation: u32, parts: &[Part<'_>]) -> Result<u64, SinkError> {
        // All records are read before anything is locked, so that a bad one costs nobody any time.
        let rows = TABLES.into_iter().map(|table| Rows::read(table, generation, parts));
        let rows: Vec<Rows> = rows.collect::<Result<_, _>>()?;
        let clocks: Vec<Clock> = parts.iter().map(clock::last).collect::<Result<_, _>>()?;
        match self.commit(generation, parts, &clocks, &rows).await {
            Err(SinkError::Position { .. }) if self.in_doubt && self.is_written(generation, parts).await? => {
                self.in_doubt = false;
                Ok(rows.iter().map(Rows::len).sum())
            }
            outcome => outcome,
        }
    }

    /// Removes some rows of a generation, few enough that nobody waits long; when there are none left, where they stood.
    /// How many went: 0 when that is done.
    pub async fn forget_some(&self, generation: u32) -> Result<u64, SinkError> {
        for table in TABLES {
            let (name, key) = (table.name, table.key.join(", "));
            let statement = format!(
                "DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {name} WHERE generation = $1 LIMIT {GONE_AT_ONCE})"
            );
            match self.forget_by(name, statement, generation).await? {
                0 => {}
                gone => return Ok(gone),
            }
        }
        self.forget_by(position::TABLE, position::ALL_GO.to_owned(), generation).await?;
        Ok(0)
    }

    async fn forget_by(&self, table: &'static str, statement: String, generation: u32) -> Result<u64, SinkError> {
        let mut transaction = self.database.begin().await?;
        let gone = transaction.execute(AssertSqlSafe(statement), &[generation.into()]).await;
        let gone = gone.map_err(|source| SinkError::statement(table, source))?;
        transaction.commit().await?;
        Ok(gone)
    }

    async fn commit(
        &mut self,
        generation: u32,
        parts: &[Part<'_>],
        clocks: &[Clock],
        rows: &[Rows],
    ) -> Result<u64, SinkError> {
        let mut transaction = self.database.begin().await?;
        for (part, clock) in parts.iter().zip(clocks) {
            if !position::advance(&mut transaction, generation, part, clock).await? {
                drop(transaction);
                return Err(self.found_elsewhere(generation, part).await?);
            }
        }
        let mut changed = 0;
        for rows in rows {
            changed += transaction.write(rows).await?;
            keeping::take_away(&mut transaction, generation, rows, &self.keeping).await?;
        }
        self.in_doubt = true;
        transaction.commit().await?;
        self.in_doubt = false;
        tracing::debug!(parts = parts.len(), changed, "rows written");
        Ok(changed)
    }

    async fn found_elsewhere(&self, generation: u32, part: &Part<'_>) -> Result<SinkError, SinkError> {
        let Part { topic, partition, expected, .. } = *part;
        let found = self.positions(generation).await?.remove(&(topic.name.to_owned(), partition));
        Ok(SinkError::Position { topic: topic.name, partition, expected, found })
    }

    /// Every part stands where this write would leave it.
    async fn is_written(&self, generation: u32, parts: &[Part<'_>]) -> Result<bool, SinkError> {
        let found = self.positions(generation).await?;
        let is_behind = |part: &Part<'_>| found.get(&(part.topic.name.to_owned(), part.partition)) == Some(&part.next);
        Ok(parts.iter().all(is_behind))
    }
}
