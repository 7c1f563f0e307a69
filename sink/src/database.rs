//! An address → a database with tables of this version, and transactions on it: SQLite and Postgres behind one face.

use std::str::FromStr;
use std::time::Duration;

use schemas::table::Value;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Arguments, Encode, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Type};

use crate::rows::Rows;
use crate::{Sink, SinkError, postgres, sqlite};

/// Opens the database and brings its tables to this version. A SQLite file is made when it is not there.
pub async fn connect(url: &str) -> Result<Sink, SinkError> {
    let database = match url.split(':').next() {
        Some("postgres" | "postgresql") => Database::Postgres(open_postgres(url).await?),
        Some("sqlite") => Database::Sqlite(open_sqlite(url).await?),
        _ => {
            let unknown = sqlx::Error::Configuration("it begins with sqlite:// or postgres://".into());
            return Err(SinkError::Open { url: "at this address".to_owned(), source: unknown });
        }
    };
    match &database {
        Database::Sqlite(pool) => sqlx::migrate!("migrations/sqlite").run(pool).await,
        Database::Postgres(pool) => sqlx::migrate!("migrations/postgres").run(pool).await,
    }
    .map_err(|source| SinkError::Migrate { source })?;
    Ok(Sink::of(database))
}

async fn open_sqlite(url: &str) -> Result<SqlitePool, SinkError> {
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
    pool.connect_with(options).await.map_err(open)
}

/// Longer than any write of ours takes; whoever still waits then had better say so.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

async fn open_postgres(url: &str) -> Result<PgPool, SinkError> {
    let unread = |source| SinkError::Open { url: "postgres://…".to_owned(), source };
    let options = PgConnectOptions::from_str(url).map_err(unread)?.application_name("fathom sink");
    let open = |source| SinkError::Open { url: without_password(&options), source };
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_PATIENCE);
    pool.connect_with(options.clone()).await.map_err(open)
}

/// Whoever cannot connect by then hears of it and tries again.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

fn without_password(options: &PgConnectOptions) -> String {
    let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
    format!("postgres://{user}@{host}:{port}/{}", options.get_database().unwrap_or(user))
}

#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Database {
    pub(crate) async fn begin(&self) -> Result<Transaction, SinkError> {
        let began = match self {
            // A transaction that only starts as a reader could find the lock taken when it comes to write.
            Self::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Transaction::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Transaction::Postgres),
        };
        began.map_err(|source| SinkError::statement("begin", source))
    }
}

impl Transaction {
    pub(crate) async fn execute(&mut self, statement: impl SqlSafeStr, values: &[Value]) -> Result<u64, sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => {
                let query = sqlx::query_with(statement, arguments::<SqliteArguments>(values)?);
                query.execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
            Self::Postgres(transaction) => {
                let query = sqlx::query_with(statement, arguments::<PgArguments>(values)?);
                query.execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
        }
    }

    /// Returns how many rows were put or taken away.
    pub(crate) async fn write(&mut self, rows: &Rows) -> Result<u64, SinkError> {
        match self {
            Self::Sqlite(transaction) => sqlite::write(transaction, rows).await,
            Self::Postgres(transaction) => postgres::write(transaction, rows).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), SinkError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
        .map_err(|source| SinkError::statement("commit", source))
    }
}

/// Both databases understand `$1`.
fn arguments<A: Arguments>(values: &[Value]) -> Result<A, sqlx::Error>
where
    Option<i64>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    bool: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    i64: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    String: for<'q> Encode<'q, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    let mut add = |value: &Value| -> Result<(), BoxDynError> {
        match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Boolean(truth) => arguments.add(*truth),
            Value::Integer(number) => arguments.add(*number),
            Value::Text(text) => arguments.add(text.clone()),
        }
    };
    values.iter().try_for_each(&mut add).map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}
