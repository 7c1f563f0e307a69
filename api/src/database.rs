//! Questions → rows, all of one moment: SQLite and Postgres behind one face.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction, query_as_with};

use crate::plan::{Plan, Plans};
use crate::query::{Query, as_number, as_sort_key};

/// Where rows are read from.
#[derive(Debug, Clone)]
pub enum Database {
    /// And how long a moment of it may be worked on; Postgres knows that by itself.
    Sqlite(SqlitePool, Duration),
    Postgres(PgPool),
    /// One of these that says by which way it goes to each answer.
    Explained(Box<Database>, Plans),
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Every question is a walk along indexes, or a few of them one in the other: SQLite knows nothing else. Of how much a
/// question will find Postgres has a guess, and where that is too much it reads whole tables to join them, with helpers
/// and compiled code that take longer to begin than the answer.
const ALONG_INDEXES: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
     SET LOCAL enable_mergejoin = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off";

/// So many steps SQLite does in about a tenth of a millisecond.
const LOOK_UP_EVERY: i32 = 10_000;

/// A transaction that sees the rows and the positions of one moment.
pub(crate) struct Moment {
    pub(crate) rows: Rows,
    plans: Option<Plans>,
}

pub(crate) enum Rows {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// What either database gives as a row.
pub(crate) trait Stored:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

impl<T> Stored for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}

impl Database {
    pub(crate) async fn one_moment(&self) -> Result<Moment, sqlx::Error> {
        let (database, plans) = match self {
            Self::Explained(database, plans) => (database.as_ref(), Some(plans.clone())),
            database => (database, None),
        };
        Ok(Moment { rows: database.begin().await?, plans })
    }

    async fn begin(&self) -> Result<Rows, sqlx::Error> {
        match self {
            Self::Sqlite(pool, patience) => {
                let mut began = pool.begin().await?;
                let until = Instant::now() + *patience;
                began.lock_handle().await?.set_progress_handler(LOOK_UP_EVERY, move || Instant::now() < until);
                Ok(Rows::Sqlite(began))
            }
            Self::Postgres(pool) => {
                pool.begin_with(AssertSqlSafe(format!("{BEGIN}; {ALONG_INDEXES}"))).await.map(Rows::Postgres)
            }
            Self::Explained(database, _) => Box::pin(database.begin()).await,
        }
    }
}

impl Moment {
    pub(crate) async fn all<T: Stored>(&mut self, query: Query) -> Result<Vec<T>, sqlx::Error> {
        self.note_plan(&query).await?;
        self.stream(query)?.try_collect().await
    }

    pub(crate) async fn first<T: Stored>(&mut self, query: Query) -> Result<Option<T>, sqlx::Error> {
        self.note_plan(&query).await?;
        self.stream(query)?.try_next().await
    }

    async fn note_plan(&mut self, query: &Query) -> Result<(), sqlx::Error> {
        if let Some(plans) = self.plans.clone() {
            plans.note(self.explain(query).await?);
        }
        Ok(())
    }

    /// By which way the database goes to the answer, instead of the answer.
    pub(crate) async fn explain(&mut self, query: &Query) -> Result<Plan, sqlx::Error> {
        let mut query = query.clone();
        let is_sqlite = matches!(self.rows, Rows::Sqlite(_));
        let statement = if is_sqlite { query.sqlite.clone() } else { query.postgres.clone() };
        query.sqlite.insert_str(0, "EXPLAIN QUERY PLAN ");
        query.postgres.insert_str(0, "EXPLAIN ");
        let steps = match is_sqlite {
            true => {
                let steps: Vec<(i64, i64, i64, String)> = self.stream(query)?.try_collect().await?;
                steps.into_iter().map(|(.., step)| step).collect()
            }
            false => {
                let steps: Vec<(String,)> = self.stream(query)?.try_collect().await?;
                steps.into_iter().map(|(step,)| step).collect()
            }
        };
        Ok(Plan { statement, steps })
    }

    fn stream<T: Stored>(&mut self, query: Query) -> Result<BoxStream<'_, Result<T, sqlx::Error>>, sqlx::Error> {
        match &mut self.rows {
            Rows::Sqlite(rows) => {
                let arguments = query.arguments::<SqliteArguments>(as_sort_key)?;
                Ok(query_as_with(AssertSqlSafe(query.sqlite), arguments).fetch(&mut **rows))
            }
            Rows::Postgres(rows) => {
                let arguments = query.arguments::<PgArguments>(as_number)?;
                Ok(query_as_with(AssertSqlSafe(query.postgres), arguments).fetch(&mut **rows))
            }
        }
    }
}
