//! An address → a database that can be read, or why there is none and what to do about it.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemas::tables::VERSION;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::cause::{advice, is_without_tables, passes};
use crate::database::Database;
use crate::query::Query;

/// Opens the database for reading; the sink has to have made it.
pub async fn open_database(url: &str) -> Result<Database, OpenError> {
    open_for(url, QUESTION_PATIENCE).await
}

/// The same, with questions that are given up after so long.
pub(crate) async fn open_for(url: &str, question: Duration) -> Result<Database, OpenError> {
    let (database, shown) = match url.split(':').next() {
        Some("postgres" | "postgresql") => open_postgres(url, question).await?,
        Some("sqlite") => (open_sqlite(url, question).await?, url.to_owned()),
        _ => {
            let unknown = sqlx::Error::Configuration("it begins with sqlite:// or postgres://".into());
            return Err(OpenError::Open { url: "at this address".to_owned(), source: unknown });
        }
    };
    match has_its_tables(&database).await {
        Ok(true) => Ok(database),
        Ok(false) => Err(OpenError::NoTables { url: shown }),
        Err(error) if is_without_tables(&error) => Err(OpenError::NoTables { url: shown }),
        Err(source) => Err(OpenError::Open { url: shown, source }),
    }
}

/// Why it cannot be read.
#[derive(Debug)]
pub enum OpenError {
    /// Retry: the sink has not made its tables yet, or not all of them.
    NoTables { url: String },
    /// There is no database where the address says, told without its password. Retry when it may only be away.
    Open { url: String, source: sqlx::Error },
}

/// Whoever waits longer is better told to come back.
const PATIENCE: Duration = Duration::from_secs(3);
/// A question that takes longer takes the database from everybody else.
const QUESTION_PATIENCE: Duration = Duration::from_secs(20);
/// What live results are told from takes none of them.
const CONNECTIONS: u32 = 8;

async fn open_sqlite(url: &str, question: Duration) -> Result<Database, OpenError> {
    let open = |source| OpenError::Open { url: url.to_owned(), source };
    let options = SqliteConnectOptions::from_str(url).map_err(open)?.read_only(true).busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    let pool = pool.connect_with(options).await.map_err(open)?;
    Ok(Database::Sqlite(pool, question))
}

async fn open_postgres(url: &str, question: Duration) -> Result<(Database, String), OpenError> {
    let unread = |source| OpenError::Open { url: "postgres://…".to_owned(), source };
    let options = PgConnectOptions::from_str(url).map_err(unread)?.application_name("fathom api");
    let options = options.options([("statement_timeout", format!("{}ms", question.as_millis()))]);
    let shown = without_password(&options);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    match pool.connect_with(options).await {
        Ok(pool) => Ok((Database::Postgres(pool), shown)),
        Err(source) => Err(OpenError::Open { url: shown, source }),
    }
}

fn without_password(options: &PgConnectOptions) -> String {
    let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
    format!("postgres://{user}@{host}:{port}/{}", options.get_database().unwrap_or(user))
}

async fn has_its_tables(database: &Database) -> Result<bool, sqlx::Error> {
    let mut made = Query::new("SELECT count(*) FROM _sqlx_migrations WHERE success AND version = ");
    made.push_bind(VERSION);
    let made: Option<(i64,)> = database.one_moment().await?.first(made).await?;
    Ok(made.is_some_and(|(count,)| count > 0))
}

impl OpenError {
    /// Whether the same may succeed later.
    pub fn retry(&self) -> bool {
        match self {
            Self::NoTables { .. } => true,
            Self::Open { source, .. } => passes(source),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTables { url } => {
                write!(f, "the database {url} has no tables of this version yet: is the sink running?")
            }
            Self::Open { url, source } => {
                write!(f, "could not open the database {url}")?;
                let away = passes(source).then_some("it does not answer: is it running?");
                advice(source).or(away).map_or(Ok(()), |advice| write!(f, "; {advice}"))
            }
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoTables { .. } => None,
            Self::Open { source, .. } => Some(source),
        }
    }
}
