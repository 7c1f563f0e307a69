//! RESULTS → ROWS. Records of the result topics in; rows, and the position they stand for, out in one transaction.
//!
//! A table is one file, one migration and one line in [`tables`].

mod error;
mod long_short_ratios;
mod markets;
mod position;
mod positions;
mod sink;
mod table;
mod write;

#[cfg(test)]
mod tests;

pub use error::SinkError;
pub use sink::{Part, Sink, connect};
pub use table::{Change, Column, Kind, Table, Value};

/// Every table there is.
pub fn tables() -> Vec<Table> {
    vec![positions::table(), long_short_ratios::table(), markets::table()]
}
