//! The log: partitioned topics that stages append to, all or nothing, and read from an offset.
//!
//! What a stage commits are records, of results as of state, and its input position is one of the records of its
//! state: so a commit is one atomic append over several partitions, and there is nothing else to keep in step.

mod embedded;
mod readers;
pub mod retention;
mod stored;
#[cfg(test)]
mod tests;

use std::fmt;

use schemas::{Batch, Topic};

pub use embedded::Log;

/// Records of one partition, as far as one reading went.
#[derive(Debug, Default)]
pub struct Slice {
    /// The first and the next offset: what lies between them is in `batches`, or was compacted away.
    pub from: u64,
    pub next: u64,
    pub batches: Vec<Batch>,
}

impl Slice {
    pub fn is_empty(&self) -> bool {
        self.from == self.next
    }

    pub fn bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.bytes().len()).sum()
    }

    pub fn records(&self) -> impl Iterator<Item = schemas::Record<'_>> {
        self.batches.iter().flat_map(Batch::records)
    }
}

/// How far a partition reaches, and what it takes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The oldest offset that is kept.
    pub first: u64,
    /// The offset that the next record gets.
    pub next: u64,
    /// Bytes kept, compressed.
    pub bytes: u64,
    /// The latest event time.
    pub last_time: i64,
}

/// Why the log did not do what it was asked. None of these heals by trying again: the process stops.
#[derive(Debug)]
pub enum LogError {
    Open {
        path: std::path::PathBuf,
        source: fjall::Error,
    },
    Write {
        source: fjall::Error,
    },
    Read {
        topic: &'static str,
        partition: u32,
        source: fjall::Error,
    },
    /// What is stored is not what was written.
    Damaged {
        topic: &'static str,
        partition: u32,
        offset: u64,
    },
    /// The reader has read what was never written here.
    Ahead {
        topic: &'static Topic,
        partition: u32,
        from: u64,
        next: u64,
    },
    /// The reader stands where nothing is kept any more.
    OutOfRange {
        topic: &'static Topic,
        partition: u32,
        from: u64,
        first: u64,
    },
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, .. } => write!(f, "could not open the log in {}", path.display()),
            Self::Write { .. } => {
                f.write_str("could not write to the log: is the disk full or failing? nothing of this commit counts")
            }
            Self::Read { topic, partition, .. } => write!(f, "could not read {topic}/{partition} of the log"),
            Self::Damaged { topic, partition, offset } => write!(
                f,
                "{topic}/{partition} is damaged at offset {offset}: restore the data directory from a copy, or start with an empty one"
            ),
            Self::Ahead { topic, partition, from, next } => write!(
                f,
                "offset {from} of {}/{partition} is to be read next, but the log ends at {next}: it is older than the \
                 database or the state beside it; restore both from the same copy, or start with an empty data directory",
                topic.name
            ),
            Self::OutOfRange { topic, partition, from, first } => write!(
                f,
                "{}/{partition} begins at offset {first} by now, but {from} was to be read next: the reader was away for longer than is kept",
                topic.name
            ),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Write { source } | Self::Read { source, .. } => Some(source),
            Self::Damaged { .. } | Self::Ahead { .. } | Self::OutOfRange { .. } => None,
        }
    }
}
