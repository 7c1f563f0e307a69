//! Why rows were not written, named by what is to be done: the same write again, or stop.

use std::error::Error;
use std::fmt;

use schemas::{Record, Topic};
use sqlx::migrate::MigrateError;

#[derive(Debug)]
pub enum SinkError {
    /// Retry: the database is locked or out of reach, and nothing was written.
    Busy { source: sqlx::Error },
    /// Stop: somebody else has written this partition meanwhile, or what was read is not what comes next.
    Position { topic: &'static str, partition: u32, expected: u64, found: u64 },
    /// Stop: a record of a result topic is not what the contract says.
    Row { topic: &'static str, key: String, source: Box<dyn Error + Send + Sync> },
    /// Stop: the database refuses the statement.
    Statement { about: &'static str, source: sqlx::Error },
    /// Stop: the tables cannot be brought to this version.
    Migrate { source: MigrateError },
    /// Stop: there is no database where the address says.
    Open { url: String, source: sqlx::Error },
}

impl SinkError {
    /// Whether the same write may succeed later.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    pub(crate) fn row(topic: &'static Topic, record: &Record<'_>, source: Box<dyn Error + Send + Sync>) -> Self {
        Self::Row { topic: topic.name, key: String::from_utf8_lossy(record.key).into_owned(), source }
    }

    pub(crate) fn statement(about: &'static str, source: sqlx::Error) -> Self {
        if busy(&source) { Self::Busy { source } } else { Self::Statement { about, source } }
    }
}

/// SQLite's primary result codes for a lock that was not given in time: another connection's, and our own.
const BUSY_CODES: [i32; 2] = [5, 6];

fn busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            code.is_some_and(|extended| BUSY_CODES.contains(&(extended & 0xff)))
        }
        _ => false,
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { .. } => f.write_str("the database is busy or out of reach"),
            Self::Position { topic, partition, expected, found } => write!(
                f,
                "{topic}/{partition} stands at offset {found} in the database, not at {expected}: another sink writes it"
            ),
            Self::Row { topic, key, .. } => write!(f, "the record {key:?} of {topic} is not what its schema says"),
            Self::Statement { about, .. } => write!(f, "the database refused the statement for {about}"),
            Self::Migrate { .. } => f.write_str("could not bring the tables to this version"),
            Self::Open { url, .. } => write!(f, "could not open the database {url}"),
        }
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy { source } | Self::Statement { source, .. } | Self::Open { source, .. } => Some(source),
            Self::Row { source, .. } => Some(source.as_ref()),
            Self::Migrate { source } => Some(source),
            Self::Position { .. } => None,
        }
    }
}
