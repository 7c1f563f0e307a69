//! What a database says when it fails → whether that passes by itself, and what somebody has to do when it does not.

use std::io::ErrorKind;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// The same may succeed later.
pub(crate) fn passes(error: &sqlx::Error) -> bool {
    match error {
        // A certificate that is not trusted today is not trusted tomorrow.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::InvalidData => false,
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(_) => postgres_code(error).map_or_else(|| is_locked(error), passes_in_postgres),
        _ => false,
    }
}

/// What to do about it, for whoever runs the database.
pub(crate) fn advice(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::Tls(_) => return Some("it does not speak TLS: correct sslmode of the address, or let it"),
        sqlx::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            return Some("name whoever signed its certificate as sslrootcert of the address, and the host as it does");
        }
        _ => {}
    }
    match postgres_code(error)? {
        "28000" => {
            Some("it does not let this user in from here: correct the address, with sslmode=require if it wants TLS")
        }
        code if code.starts_with("28") => {
            Some("it does not let this user in: correct user and password of the address")
        }
        "42501" => Some("the user may not do this: grant it the right, or let it own the database"),
        "3D000" => Some("there is no database of this name: create it, or correct the address"),
        _ => None,
    }
}

/// The database's own error, when it was one that kept a migration from being applied.
pub(crate) fn of_migration(error: &MigrateError) -> Option<&sqlx::Error> {
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => Some(source),
        _ => None,
    }
}

/// SQLite's primary result codes for a lock that was not given in time: another connection's, and our own.
const LOCKED: [i32; 2] = [5, 6];

fn is_locked(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<SqliteError>());
    let code = error.and_then(SqliteError::code).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|extended| LOCKED.contains(&(extended & 0xff)))
}

/// Connections that break or are not given, a server that starts or stops, transactions that got in each other's way.
fn passes_in_postgres(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || ["40001", "40P01", "53300", "55P03"].contains(&code)
}

fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}
