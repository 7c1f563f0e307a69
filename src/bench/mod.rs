//! The project's own measurements: each prints a table and, asked for it, one JSON object.

pub mod api;
pub mod computer;
pub mod import;
pub mod latency;
pub mod replay;
pub mod restore;
mod spread;
mod websocket;
pub mod ws;

use std::fs;

use tempfile::TempDir;

use crate::failure::Failure;

/// Holds everything, and goes with all that is in it.
fn folder() -> Result<TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("fathom-bench-").tempdir();
    made.map_err(|cause| Failure::because("could not make a temporary folder (TMPDIR says where)", cause))
}

/// The most that this process has held in memory so far.
fn most_memory() -> u64 {
    bytes_of("self", "VmHWM:")
}

/// What the system says of a process's memory under this name.
fn bytes_of(process: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}
