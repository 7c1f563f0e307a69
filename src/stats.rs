//! What the runner counts, and how far its tasks are. What the program asks itself stands here; all else is only counted,
//! under the names of `names`, and told as Prometheus reads it.

mod hops;
pub mod names;
mod page;
mod recorder;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, counter, gauge};
use schemas::{Keeps, TOPICS};

use crate::log::Log;
use crate::run::now_ms;

pub use hops::{committed, passed};
pub use page::page;
pub use recorder::{begin, keep, restarts};

/// Of one generation; what it stands on is the same for all.
pub struct Stats {
    generation: u32,
    tasks: Mutex<BTreeMap<(&'static str, u32), Arc<Task>>>,
    pub source: Arc<Source>,
    pub feed: Arc<Feed>,
    /// Every result has rows in the database: a client finds something.
    pub has_results: Arc<AtomicBool>,
}

/// How far something is, in event time and in blocks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    pub clock: i64,
    pub block: u64,
}

/// One task of a stage.
pub struct Task {
    pub taken: Counter,
    pub made: Counter,
    pub rejected: Counter,
    pub late: Counter,
    pub commits: Counter,
    behind: AtomicU64,
    lag_records: Gauge,
    lag_seconds: Gauge,
    clock: Gauge,
    /// The first clock that it reached; 0 before.
    began: AtomicI64,
    reached: Mutex<Reached>,
}

/// What the source of fills is to this process.
#[derive(Default)]
pub struct Source {
    /// Whether this process reads one.
    pub is_read: AtomicBool,
    pub bytes_behind: AtomicU64,
}

/// What the public feed is to this process.
#[derive(Default)]
pub struct Feed {
    /// Whether this process follows it.
    pub is_followed: AtomicBool,
    pub connected: AtomicBool,
    pub last_frame_time: AtomicI64,
}

impl Stats {
    pub fn of(generation: u32) -> Self {
        let (tasks, source, feed, has_results) = Default::default();
        Self { generation, tasks, source, feed, has_results }
    }

    /// Of another one, beside it.
    pub fn of_another(&self, generation: u32) -> Self {
        let (source, feed) = (Arc::clone(&self.source), Arc::clone(&self.feed));
        Self { generation, tasks: Mutex::default(), source, feed, has_results: Arc::clone(&self.has_results) }
    }

    pub fn task(&self, stage: &'static str, partition: u32) -> Arc<Task> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            tasks.entry((stage, partition)).or_insert_with(|| Arc::new(Task::new(stage, partition, self.generation))),
        )
    }

    pub fn tasks(&self) -> Vec<(&'static str, Arc<Task>)> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().map(|((stage, _), task)| (*stage, Arc::clone(task))).collect()
    }

    /// Each task of this process with the event time at which it began here, and the one that it has reached.
    pub fn clocks(&self) -> Vec<(&'static str, u32, i64, i64)> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let each = tasks.iter().map(|((stage, partition), task)| {
            (*stage, *partition, task.began.load(Ordering::Relaxed), task.reached().clock)
        });
        each.collect()
    }

    /// Prometheus' text form: what was counted, and what is only known when somebody asks.
    pub fn render(&self, log: &dyn Log) -> String {
        self.tasks().iter().for_each(|(_, task)| task.say_how_far());
        for topic in TOPICS.iter().filter(|topic| !matches!(topic.keeps, Keeps::State)) {
            gauge!("fathom_topic_records", "topic" => topic.name).set(log.records_kept(topic) as f64);
            gauge!("fathom_topic_bytes", "topic" => topic.name).set(log.bytes_kept(topic) as f64);
        }
        if let Some(bytes) = log.disk_bytes() {
            gauge!("fathom_log_disk_bytes").set(bytes as f64);
        }
        recorder::render()
    }
}

impl Source {
    pub fn is_behind(&self, bytes: u64) {
        self.bytes_behind.store(bytes, Ordering::Relaxed);
        gauge!("fathom_source_bytes_behind", "source" => schemas::NODE_FILLS).set(bytes as f64);
    }
}

impl Task {
    fn new(stage: &'static str, partition: u32, generation: u32) -> Self {
        let labels =
            [("stage", stage.to_owned()), ("partition", partition.to_string()), ("generation", generation.to_string())];
        Self {
            taken: counter!("fathom_records_in_total", &labels),
            made: counter!("fathom_records_out_total", &labels),
            rejected: counter!("fathom_records_rejected_total", &labels),
            late: counter!("fathom_records_late_total", &labels),
            commits: counter!("fathom_commits_total", &labels),
            behind: AtomicU64::default(),
            lag_records: gauge!("fathom_lag_records", &labels),
            lag_seconds: gauge!("fathom_lag_seconds", &labels),
            clock: gauge!("fathom_clock_timestamp_seconds", &labels),
            began: AtomicI64::default(),
            reached: Mutex::default(),
        }
    }

    /// How many records of its input are still to come.
    pub fn behind(&self) -> u64 {
        self.behind.load(Ordering::Relaxed)
    }

    pub fn is_behind(&self, records: u64) {
        self.behind.store(records, Ordering::Relaxed);
        self.lag_records.set(records as f64);
    }

    pub fn reach(&self, clock: i64, block: u64) {
        // There is one who says it.
        let _ = self.began.compare_exchange(0, clock, Ordering::Relaxed, Ordering::Relaxed);
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Reached { clock, block };
    }

    fn reached(&self) -> Reached {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn commit(&self, records: u64) {
        self.made.increment(records);
        self.commits.increment(1);
    }

    /// Time goes on also for who stands still.
    fn say_how_far(&self) {
        let Reached { clock, .. } = self.reached();
        if clock > 0 {
            self.clock.set(clock as f64 / 1_000.0);
            self.lag_seconds.set((now_ms() - clock).max(0) as f64 / 1_000.0);
        }
    }
}
