//! The project's own measurements: each prints a table and, asked for it, one JSON object.

pub mod computer;
pub mod import;
pub mod latency;

use tempfile::TempDir;

use crate::failure::Failure;

/// Holds everything, and goes with all that is in it.
fn folder() -> Result<TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("fathom-bench-").tempdir();
    made.map_err(|cause| Failure::because("could not make a temporary folder (TMPDIR says where)", cause))
}
