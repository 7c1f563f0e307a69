//! A file of rows that grows; a restart takes off what was written behind the last snapshot.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::SimulatorError;

pub(super) struct Appended {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Appended {
    pub(super) fn open(path: PathBuf, bytes: u64) -> Result<Self, SimulatorError> {
        let file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(SimulatorError::file("open", &path))?;
        let found = file.metadata().map_err(SimulatorError::file("read", &path))?.len();
        if found < bytes {
            return Err(SimulatorError::TruthMissing { path, bytes: found, snapshot: bytes });
        }
        file.set_len(bytes).map_err(SimulatorError::file("shorten", &path))?;
        Ok(Self { path, file, bytes })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&mut self, rows: &[u8]) -> Result<(), SimulatorError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.file.write_all(rows).map_err(SimulatorError::file("write", &self.path))?;
        self.bytes += rows.len() as u64;
        Ok(())
    }
}
