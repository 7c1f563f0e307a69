//! The project's own measurements: each prints a table and, asked for it, one JSON object.

pub mod computer;
pub mod import;
pub mod latency;
pub mod restore;

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
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}
