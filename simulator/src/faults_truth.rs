//! The truth about faults: `truth/faults.ndjson` gets a row for each. A reader that knows blocks by their numbers lacks
//! what is `missing` or `truncated` and not in the range of a row of `restarts` that comes later. Rows of `dropped` and
//! `silent` say when connections suffered; a refused request has no row, it may be asked again.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::ops::{Not, RangeInclusive};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::SimulatorError;
use crate::faults::Fault;
use crate::replace::replace;

pub(crate) struct FaultsTruth {
    path: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// With which block it was written.
    pub(crate) block: u64,
    pub(crate) fault: &'static str,
    /// Which blocks it is about: of a restart, those that can be read again.
    pub(crate) from_block: u64,
    pub(crate) to_block: u64,
    /// Half a line stands before the repeated ones and spoils the first, which is not in the range.
    #[serde(skip_serializing_if = "Not::not")]
    pub(crate) torn: bool,
}

#[derive(Deserialize)]
struct OnlyBlock {
    block: u64,
}

impl FaultsTruth {
    /// Rows of blocks after `block` are taken off: those blocks are made again.
    pub(crate) fn open(out: &Path, block: u64) -> Result<Self, SimulatorError> {
        let path = out.join("truth").join("faults.ndjson");
        let rows = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { path }),
            read => read.map_err(SimulatorError::file("read", &path))?,
        };
        let kept: Vec<u8> = rows
            .split_inclusive(|byte| *byte == b'\n')
            .take_while(|row| serde_json::from_slice::<OnlyBlock>(row).is_ok_and(|row| row.block <= block))
            .flatten()
            .copied()
            .collect();
        if kept != rows {
            replace(&path, &kept)?;
        }
        Ok(Self { path })
    }

    pub(crate) fn write(&self, rows: &[Row]) -> Result<(), SimulatorError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for row in rows {
            // A row of numbers and plain texts always has a JSON form.
            bytes.extend_from_slice(&serde_json::to_vec(row).unwrap_or_default());
            bytes.push(b'\n');
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(&bytes)).map_err(SimulatorError::file("write", &self.path))
    }
}

impl Row {
    pub(crate) fn at(fault: Fault, block: u64) -> Self {
        Self::of(fault, block, block..=block)
    }

    pub(crate) fn of(fault: Fault, block: u64, blocks: RangeInclusive<u64>) -> Self {
        Self { block, fault: fault.name(), from_block: *blocks.start(), to_block: *blocks.end(), torn: false }
    }
}
