//! The project's own measurements: each prints a table and, asked for it, one JSON object.

pub mod computer;
pub mod latency;
