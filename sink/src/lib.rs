//! RESULTS → ROWS. Records of the result topics in; rows, and the position they stand for, out in one transaction of
//! SQLite or Postgres.
//!
//! What a table is of, the contract says ([`schemas::tables`]); here it has its migrations.

mod cause;
mod clock;
mod database;
mod error;
mod keeping;
mod partitions;
mod position;
mod postgres;
mod rows;
mod sink;
mod sqlite;
mod statement;

#[cfg(test)]
mod tests;

pub use database::connect;
pub use error::SinkError;
pub use keeping::Keeping;
pub use sink::{Part, Sink};
