//! A whole file in one step: whoever reads it sees the old bytes or the new ones, never a part.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::SimulatorError;

pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), SimulatorError> {
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(SimulatorError::file("create", &new))?;
    file.write_all(bytes).map_err(SimulatorError::file("write", &new))?;
    file.sync_all().map_err(SimulatorError::file("write", &new))?;
    fs::rename(&new, path).map_err(SimulatorError::file("replace", path))
}
