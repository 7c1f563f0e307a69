//! Why the log did not do what it was asked, named by what is to be done about it.

use std::fmt;
use std::path::PathBuf;

use rdkafka::error::KafkaError;
use schemas::Topic;

#[derive(Debug)]
pub enum LogError {
    /// Again: another process has taken the task over; this one has committed nothing since.
    Fenced {
        task: String,
    },
    /// Again: nothing of this commit counts; the task is to be made anew from what was committed before.
    Aborted {
        task: String,
        source: KafkaError,
    },
    /// Never: the end was asked for while the log did not answer.
    Ended {
        doing: String,
    },
    /// All others stop the process: they do not heal by trying again.
    Open {
        path: PathBuf,
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
    /// Kafka refuses.
    Kafka {
        doing: String,
        source: KafkaError,
    },
    /// The topic on Kafka is not of this generation.
    Partitions {
        name: String,
        found: usize,
        expected: u32,
    },
}

impl LogError {
    /// Whether a task that failed with this is to be made anew.
    pub fn again(&self) -> bool {
        matches!(self, Self::Fenced { .. } | Self::Aborted { .. })
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced { task } => write!(f, "{task} was taken over by another process"),
            Self::Aborted { task, .. } => write!(f, "a commit of {task} was given up: nothing of it counts"),
            Self::Ended { doing } => write!(f, "gave up {doing}: the end was asked for"),
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
                 database or the state beside it; restore both from the same copy, or start with empty ones",
                topic.name
            ),
            Self::OutOfRange { topic, partition, from, first } => write!(
                f,
                "{}/{partition} begins at offset {first} by now, but {from} was to be read next: the reader was away for longer than is kept",
                topic.name
            ),
            Self::Kafka { doing, .. } => write!(f, "Kafka refuses {doing}"),
            Self::Partitions { name, found: 0, .. } => {
                write!(f, "there is no topic {name} on this Kafka yet: `fathom parser` makes it when it starts")
            }
            Self::Partitions { name, found, expected } => write!(
                f,
                "the topic {name} has {found} partitions, but this generation is made with {expected}: it was made by \
                 another version or by hand; use the version that made it, or another cluster"
            ),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Write { source } | Self::Read { source, .. } => Some(source),
            Self::Aborted { source, .. } | Self::Kafka { source, .. } => Some(source),
            _ => None,
        }
    }
}
