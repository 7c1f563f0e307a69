//! What a database says when it fails → whether that passes by itself, and what somebody has to do when it does not.

use std::io::ErrorKind;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// The same may succeed later.
pub(crate) fn passes(error: &sqlx::Error) -> bool {
    match error {
        // A certificate that is not trusted today is not trusted tomorrow.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::InvalidData => false,
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(_) => {
            postgres_code(error).map_or_else(|| sqlite_code(error).is_some_and(is_locked), passes_in_postgres)
        }
        _ => false,
    }
}

/// It took longer than it may: `statement_timeout` of Postgres, and what SQLite says when it was interrupted.
pub(crate) fn is_cut_short(error: &sqlx::Error) -> bool {
    postgres_code(error) == Some("57014") || sqlite_code(error) == Some(SQLITE_INTERRUPT)
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
        "42501" => Some("the user may not read: grant it SELECT on the tables of the sink"),
        "3D000" => Some("there is no database of this name: create it, or correct the address"),
        _ => None,
    }
}

/// A table or a column is not there.
pub(crate) fn is_without_tables(error: &sqlx::Error) -> bool {
    match postgres_code(error) {
        Some(code) => ["42P01", "42703"].contains(&code),
        None => sqlite_code(error) == Some(SQLITE_ERROR),
    }
}

/// Of a statement that names what is not there.
const SQLITE_ERROR: i32 = 1;
const SQLITE_INTERRUPT: i32 = 9;
/// A lock that was not given in time, another connection's and our own; a file that cannot be opened now.
const SQLITE_BUSY: [i32; 3] = [5, 6, 14];

fn is_locked(code: i32) -> bool {
    SQLITE_BUSY.contains(&code)
}

/// Connections that break or are not given, a server that starts or stops, transactions that got in each other's way.
fn passes_in_postgres(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || ["40001", "40P01", "53300", "55P03"].contains(&code)
}

fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}

/// The primary one.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.try_downcast_ref::<SqliteError>()?.code()?;
    code.parse::<i32>().ok().map(|extended| extended & 0xff)
}
