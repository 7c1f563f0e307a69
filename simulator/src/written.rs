//! How far the node's files were written at a snapshot, with which faults, and what a restart of the node could write
//! again. Kept beside the snapshot, one file for each block that has one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::SimulatorError;
use crate::beside::Ends;
use crate::faults::Faults;
use crate::faults_pen::{Pen, Recent};
use crate::node_files::End;
use crate::replace::replace;

#[derive(Default)]
pub(crate) struct Written {
    pub(crate) end: End,
    pub(crate) beside: Ends,
    pub(crate) faults: Faults,
    pub(crate) recent: Recent,
}

/// The first line; the recent blocks' lines follow.
#[derive(Serialize, Deserialize)]
struct Head {
    end: End,
    #[serde(default)]
    beside: Ends,
    faults: String,
}

/// Before the snapshot of the same block is taken: a snapshot never stands alone.
pub(crate) fn save(state: &Path, block: u64, end: End, beside: Ends, pen: &Pen) -> Result<(), SimulatorError> {
    let path = path(state, block);
    let damaged = |source| SimulatorError::Snapshot { path: path.clone(), source };
    let head = Head { end, beside, faults: pen.faults().to_string() };
    let mut bytes = serde_json::to_vec(&head).map_err(damaged)?;
    for line in pen.recent().lines() {
        bytes.push(b'\n');
        bytes.extend_from_slice(line);
    }
    replace(&path, &bytes)
}

/// Of the block that a snapshot is of.
pub(crate) fn load(state: &Path, block: u64) -> Result<Option<Written>, SimulatorError> {
    let path = path(state, block);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(SimulatorError::file("read", &path))?,
    };
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let damaged = |source| SimulatorError::Snapshot { path: path.clone(), source };
    let head: Head = serde_json::from_slice(lines.next().unwrap_or_default()).map_err(damaged)?;
    let mut recent = Recent::default();
    lines.for_each(|line| recent.push(line.to_vec()));
    // A list that this release cannot read was written by another one, whose files it would not make again either.
    let faults = head.faults.parse().unwrap_or_default();
    Ok(Some(Written { end: head.end, beside: head.beside, faults, recent }))
}

/// After the snapshot was taken: what belonged to older ones goes.
pub(crate) fn clear_away(state: &Path, block: u64) -> Result<(), SimulatorError> {
    let kept = path(state, block);
    for entry in fs::read_dir(state).map_err(SimulatorError::file("list", state))? {
        let path = entry.map_err(SimulatorError::file("list", state))?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && path != kept {
            fs::remove_file(&path).map_err(SimulatorError::file("remove", &path))?;
        }
    }
    Ok(())
}

const EXTENSION: &str = "written";

fn path(state: &Path, block: u64) -> PathBuf {
    state.join(block.to_string()).with_extension(EXTENSION)
}
