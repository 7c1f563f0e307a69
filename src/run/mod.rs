//! The roles. Each is a loop that takes a bounded piece of its input, finishes it, commits, and takes the next; so
//! what is not read yet is the only queue. A role ends when its upstream has ended and nothing is left to read.

mod accounts;
mod admin;
pub mod alone;
pub mod api;
mod as_it_was;
mod between;
pub mod computer;
mod database;
pub mod dead_letters;
mod demo;
pub mod generations;
mod healing;
mod housekeeping;
pub mod import;
mod info;
mod jobs;
mod lanes;
mod listing;
pub mod market;
mod markets;
pub mod metrics_listener;
mod misc_events;
pub mod parser;
mod past;
mod public_feed;
pub mod roles;
pub mod server;
pub mod sink;
mod snapshots;
pub mod sources;
mod state;
pub mod streams;
pub mod tape;
mod tasks;
#[cfg(test)]
mod tests;
pub mod up;
mod watches;

pub use lanes::Lanes;
pub use public_feed::Exchange;
pub use server::{Most, allow_open_files};
pub use snapshots::HOUR_MS;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::computer::Rules;

use crate::log::Log;
use crate::stats::Stats;
use crate::stop::{Stop, Upstream};

/// What every role holds.
#[derive(Clone)]
pub struct Shared {
    pub log: Arc<dyn Log>,
    pub stats: Arc<Stats>,
    pub stop: Stop,
    /// Whether at the end everything that was written is read first, or reading just stops.
    pub drains: bool,
    /// By which results are made.
    pub rules: Rules,
    /// At most so many bytes are read before what was made of them is committed.
    pub chunk_bytes: usize,
}

const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// How long a reader with nothing to read waits before it looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(100);

impl Shared {
    /// By the rules where nothing is chosen.
    pub fn new(log: Arc<dyn Log>, stop: Stop, drains: bool) -> Self {
        let stats = Arc::new(Stats::of(log.generation().number));
        let (rules, chunk_bytes) = (Rules::default(), CHUNK_BYTES);
        Self { log, stats, stop, drains, rules, chunk_bytes }
    }

    /// Whether a role that has read everything there is shall end.
    fn is_over(&self, upstream: &Upstream) -> bool {
        self.stop.asked() && upstream.has_ended() || self.ends_at_once()
    }

    /// Whether a role shall end between two commits, whatever is still to be read.
    fn ends_at_once(&self) -> bool {
        self.stop.asked() && !self.drains || self.stop.at_once()
    }
}

/// The time of day: for when something was received, and for nothing that is computed.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
