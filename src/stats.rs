//! What the runner counts. Processors are silent; this is all there is to say about them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use parser::FeedCursor;
use schemas::{Keeps, TOPICS};

use crate::log::Log;

#[derive(Default)]
pub struct Stats {
    tasks: Mutex<BTreeMap<(&'static str, u32), Arc<Task>>>,
    pub source: Source,
    pub feed: Feed,
    pub info: Info,
    /// Every result has rows in the database: a client finds something.
    pub has_results: AtomicBool,
}

/// How far something is, in event time and in blocks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    pub clock: i64,
    pub block: u64,
}

/// One task of a stage.
#[derive(Default)]
pub struct Task {
    pub taken: AtomicU64,
    pub made: AtomicU64,
    pub rejected: AtomicU64,
    /// Since it was taken over, of what has no clock of its own.
    pub late: AtomicU64,
    pub commits: AtomicU64,
    /// How many records of its input are still to come.
    pub behind: AtomicU64,
    reached: Mutex<Reached>,
}

/// What the source of fills has seen and missed.
#[derive(Default)]
pub struct Source {
    /// Whether this process reads one.
    pub is_read: AtomicBool,
    /// What was before it is not known.
    pub first_block: AtomicU64,
    pub first_time: AtomicI64,
    pub block: AtomicU64,
    pub block_time: AtomicI64,
    pub bytes_behind: AtomicU64,
    pub blocks_missed: AtomicU64,
    pub blocks_repeated: AtomicU64,
    pub blocks_healed: AtomicU64,
    pub fills: AtomicU64,
    pub gaps: AtomicU64,
    pub dead_letters: AtomicU64,
}

/// What the public feed has heard and missed.
#[derive(Default)]
pub struct Feed {
    /// Whether this process follows it.
    pub is_followed: AtomicBool,
    pub connected: AtomicBool,
    pub last_frame_time: AtomicI64,
    pub bytes: AtomicU64,
    pub trades: AtomicU64,
    pub contexts: AtomicU64,
    pub duplicates: AtomicU64,
    pub gaps: AtomicU64,
    pub connections: AtomicU64,
}

/// What the info endpoint was asked, and what for.
#[derive(Default)]
pub struct Info {
    pub requests: AtomicU64,
    pub failed: AtomicU64,
    pub refused: AtomicU64,
    pub weight_in_last_minute: AtomicU64,
    pub accounts: AtomicU64,
    pub oldest_age_ms: AtomicI64,
}

impl Feed {
    pub fn show(&self, cursor: &FeedCursor, bytes: u64) {
        self.connected.store(cursor.connected, Ordering::Relaxed);
        self.last_frame_time.store(cursor.last_frame_time, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.trades.store(cursor.trades, Ordering::Relaxed);
        self.contexts.store(cursor.contexts, Ordering::Relaxed);
        self.duplicates.store(cursor.duplicates, Ordering::Relaxed);
        self.gaps.store(cursor.gaps, Ordering::Relaxed);
        self.connections.store(cursor.connection, Ordering::Relaxed);
    }
}

impl Stats {
    pub fn task(&self, stage: &'static str, partition: u32) -> Arc<Task> {
        Arc::clone(self.tasks.lock().unwrap_or_else(PoisonError::into_inner).entry((stage, partition)).or_default())
    }

    pub fn tasks(&self) -> Vec<(&'static str, u32, Arc<Task>)> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().map(|((stage, partition), task)| (*stage, *partition, Arc::clone(task))).collect()
    }

    /// Prometheus' text form.
    pub fn render(&self, log: &dyn Log) -> String {
        let mut text = String::new();
        let tasks = self.tasks();
        let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, String)>| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let per_task = |value: fn(&Task) -> String| {
            let sample = |(stage, partition, task): &(&str, u32, Arc<Task>)| {
                (format!("{{stage=\"{stage}\",partition=\"{partition}\"}}"), value(task))
            };
            tasks.iter().map(sample).collect::<Vec<_>>()
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        family(
            "fathom_records_in_total",
            "counter",
            "Records a task has read.",
            per_task(|t| t.taken.load(Ordering::Relaxed).to_string()),
        );
        family(
            "fathom_records_out_total",
            "counter",
            "Records a task has written, state included.",
            per_task(|t| t.made.load(Ordering::Relaxed).to_string()),
        );
        family(
            "fathom_records_rejected_total",
            "counter",
            "Records a task has set aside.",
            per_task(|t| t.rejected.load(Ordering::Relaxed).to_string()),
        );
        family(
            "fathom_records_late_total",
            "counter",
            "Records beside the clocks that came after the clock they were due by.",
            per_task(|t| t.late.load(Ordering::Relaxed).to_string()),
        );
        family(
            "fathom_commits_total",
            "counter",
            "Commits of a task.",
            per_task(|t| t.commits.load(Ordering::Relaxed).to_string()),
        );
        family(
            "fathom_lag_records",
            "gauge",
            "Records a task has still to read.",
            per_task(|t| t.behind.load(Ordering::Relaxed).to_string()),
        );
        family(
            "fathom_clock_ms",
            "gauge",
            "Event time a task has reached, in milliseconds UTC.",
            per_task(|t| t.reached().clock.to_string()),
        );
        let source = |value: String| vec![("{source=\"node-fills\"}".to_owned(), value)];
        family("fathom_source_block", "gauge", "The last block that was read.", source(count(&self.source.block)));
        family(
            "fathom_source_bytes_behind",
            "gauge",
            "Bytes of the source that are still to be read.",
            source(count(&self.source.bytes_behind)),
        );
        family(
            "fathom_source_blocks_missed_total",
            "counter",
            "Blocks that the source never gave.",
            source(count(&self.source.blocks_missed)),
        );
        family(
            "fathom_source_blocks_repeated_total",
            "counter",
            "Blocks that the source gave again.",
            source(count(&self.source.blocks_repeated)),
        );
        family(
            "fathom_dead_letters_total",
            "counter",
            "Lines and fills that could not be understood.",
            source(count(&self.source.dead_letters)),
        );
        family("fathom_source_fills_total", "counter", "Fills published.", source(count(&self.source.fills)));
        family("fathom_source_gaps_total", "counter", "Holes that were noticed.", source(count(&self.source.gaps)));
        family(
            "fathom_source_blocks_healed_total",
            "counter",
            "Blocks of holes that were found elsewhere.",
            source(count(&self.source.blocks_healed)),
        );
        let info = |value: String| vec![("{source=\"info\"}".to_owned(), value)];
        family("fathom_info_requests_total", "counter", "Requests sent.", info(count(&self.info.requests)));
        family("fathom_info_failed_total", "counter", "Requests without a reply.", info(count(&self.info.failed)));
        family("fathom_info_refused_total", "counter", "Requests refused (429).", info(count(&self.info.refused)));
        family(
            "fathom_info_weight",
            "gauge",
            "Weight spent in the last minute, of 1200 per address.",
            info(count(&self.info.weight_in_last_minute)),
        );
        family("fathom_info_accounts", "gauge", "Accounts that are followed.", info(count(&self.info.accounts)));
        family(
            "fathom_info_oldest_account_ms",
            "gauge",
            "How long ago the account was asked that was asked longest ago.",
            info(self.info.oldest_age_ms.load(Ordering::Relaxed).to_string()),
        );
        let feed = |value: String| vec![("{source=\"public-feed\"}".to_owned(), value)];
        family(
            "fathom_feed_connected",
            "gauge",
            "Whether the public feed is connected.",
            feed(u64::from(self.feed.connected.load(Ordering::Relaxed)).to_string()),
        );
        family("fathom_feed_bytes_total", "counter", "Bytes of frames received.", feed(count(&self.feed.bytes)));
        family("fathom_feed_trades_total", "counter", "Trades published.", feed(count(&self.feed.trades)));
        family("fathom_feed_contexts_total", "counter", "Contexts published.", feed(count(&self.feed.contexts)));
        family(
            "fathom_feed_duplicates_total",
            "counter",
            "Trades that came again.",
            feed(count(&self.feed.duplicates)),
        );
        family(
            "fathom_feed_gaps_total",
            "counter",
            "Stretches of time in which trades may be missing.",
            feed(count(&self.feed.gaps)),
        );
        family("fathom_feed_connections_total", "counter", "Connections made.", feed(count(&self.feed.connections)));
        let per_topic = |value: &dyn Fn(&'static schemas::Topic) -> u64| {
            let kept = TOPICS.iter().filter(|topic| !matches!(topic.keeps, Keeps::State));
            kept.map(|topic| (format!("{{topic=\"{}\"}}", topic.name), value(topic).to_string())).collect::<Vec<_>>()
        };
        family(
            "fathom_topic_records",
            "gauge",
            "Records kept of a topic.",
            per_topic(&|topic| log.records_kept(topic)),
        );
        family(
            "fathom_topic_bytes",
            "gauge",
            "Bytes kept of a topic, compressed.",
            per_topic(&|topic| log.bytes_kept(topic)),
        );
        if let Some(bytes) = log.disk_bytes() {
            let sample = vec![(String::new(), bytes.to_string())];
            family("fathom_log_disk_bytes", "gauge", "What the log takes on the disk.", sample);
        }
        text
    }
}

impl Task {
    pub fn reached(&self) -> Reached {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn reach(&self, clock: i64, block: u64) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Reached { clock, block };
    }
}
