//! The roles. Each is a loop that takes a bounded piece of its input, finishes it, commits, and takes the next; so
//! what is not read yet is the only queue. A role ends when its upstream has ended and nothing is left to read.

pub mod api;
pub mod computer;
pub mod housekeeping;
pub mod markets;
pub mod parser;
pub mod sink;
pub mod up;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::args::Role;
use crate::failure::Failure;
use crate::log::Log;
use crate::stats::Stats;
use crate::stop::{Stop, Upstream};

/// What every role holds.
#[derive(Clone)]
pub struct Shared {
    pub log: Arc<Log>,
    pub stats: Arc<Stats>,
    pub stop: Stop,
}

/// At most so many bytes are read before what was made of them is committed.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// How long a reader with nothing to read waits before it looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(100);

impl Shared {
    /// Whether a role that has read everything there is shall end.
    fn is_over(&self, upstream: &Upstream) -> bool {
        self.stop.asked() && upstream.has_ended() || self.stop.at_once()
    }
}

/// The time of day: for when something was received, and for nothing that is computed.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A role in a process of its own needs a log that processes share.
pub fn role_alone(name: &str, role: &Role) -> Result<(), Failure> {
    Err(Failure::Usage(match &role.brokers {
        None => format!(
            "`fathom {name}` runs on Apache Kafka: set KAFKA_BROKERS (or --brokers) to host:port, or run everything in one process with `fathom up`"
        ),
        Some(brokers) => format!(
            "this version cannot use the brokers {brokers}: it carries the embedded log only; run everything in one process with `fathom up`"
        ),
    }))
}
