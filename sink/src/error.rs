//! Why rows were not written, named by what is to be done: the same write again, or stop.

use std::error::Error;
use std::fmt;

use schemas::table::RowError;
use sqlx::migrate::MigrateError;

use crate::cause::{advice, of_migration, passes};

#[derive(Debug)]
pub enum SinkError {
    /// Retry: the database is locked or out of reach, and nothing was written.
    Busy { source: sqlx::Error },
    /// Stop: somebody else has written this partition meanwhile, or what was read is not what comes next.
    Position { topic: &'static str, partition: u32, expected: Option<u64>, found: Option<u64> },
    /// Stop: a record of a result topic is not what the contract says.
    Row { source: RowError },
    /// Stop: the database refuses the statement.
    Statement { about: &'static str, source: sqlx::Error },
    /// The tables cannot be brought to this version. Retry when the database was only away meanwhile.
    Migrate { source: MigrateError },
    /// There is no database where the address says, told without its password. Retry when it may only be away.
    Open { url: String, source: sqlx::Error },
}

impl SinkError {
    /// Whether the same may succeed later.
    pub fn retry(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Open { source, .. } => passes(source),
            Self::Migrate { source } => of_migration(source).is_some_and(passes),
            Self::Position { .. } | Self::Row { .. } | Self::Statement { .. } => false,
        }
    }

    pub(crate) fn statement(about: &'static str, source: sqlx::Error) -> Self {
        if passes(&source) { Self::Busy { source } } else { Self::Statement { about, source } }
    }
}

impl From<RowError> for SinkError {
    fn from(source: RowError) -> Self {
        Self::Row { source }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { .. } => f.write_str("the database is busy or out of reach"),
            Self::Position { topic, partition, expected, found } => write!(
                f,
                "{topic}/{partition} stands {} in the database, not {}: another sink writes it",
                at(*found),
                at(*expected)
            ),
            Self::Row { source } => source.fmt(f),
            Self::Statement { about, source } => {
                write!(f, "the database refused the statement for {about}")?;
                then(f, advice(source))
            }
            Self::Migrate { source } => {
                f.write_str("could not bring the tables to this version")?;
                then(f, of_migration(source).and_then(advice))
            }
            Self::Open { url, source } => {
                write!(f, "could not open the database {url}")?;
                then(f, advice(source).or(passes(source).then_some("it does not answer: is it running?")))
            }
        }
    }
}

fn at(position: Option<u64>) -> String {
    position.map_or_else(|| "at no offset yet".to_owned(), |offset| format!("at offset {offset}"))
}

fn then(f: &mut fmt::Formatter<'_>, advice: Option<&str>) -> fmt::Result {
    advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy { source } | Self::Statement { source, .. } | Self::Open { source, .. } => Some(source),
            Self::Row { source } => source.source(),
            Self::Migrate { source } => Some(source),
            Self::Position { .. } => None,
        }
    }
}
