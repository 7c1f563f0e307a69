//! Database and live results → REST, WebSocket and the page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use api::{Context, Dependency, Live, Status};
use schemas::{Keeps, TOPICS};

use super::sink::topics_of_tables;
use super::{PATIENCE, Shared, now_ms};
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::stop::Upstream;

const READER: &str = "feed";
/// So much is told before clients are looked after: far less than they may be behind.
const FEED_BYTES: usize = 256 * 1024;
const TAKEN_WITHIN: Duration = Duration::from_millis(200);

/// Where live results begin: where the database stands now. From there on sink and feed need what there is.
pub fn begin(shared: &Shared, live: &Live, positions: &BTreeMap<(String, u32), u64>) {
    for topic in topics_of_tables() {
        for partition in shared.log.partitions(topic) {
            let next = positions.get(&(topic.name.to_owned(), partition)).copied().unwrap_or_default();
            live.begin(topic, partition, next);
            for reader in [super::sink::READER, READER] {
                shared.log.needs(reader, topic, partition, next);
            }
        }
    }
}

/// Results as they are committed → those who have subscribed. Begins where the database was, so that a snapshot of
/// the database and what follows it meet.
pub fn feed(
    shared: &Shared,
    live: &Live,
    mut next: BTreeMap<(String, u32), u64>,
    upstream: &Upstream,
) -> Result<(), Failure> {
    let Shared { log, stop, .. } = shared;
    loop {
        let seen = log.commits();
        let over = shared.is_over(upstream);
        if stop.at_once() {
            return Ok(());
        }
        let mut idle = true;
        for topic in topics_of_tables() {
            for partition in log.partitions(topic) {
                let from = next.entry((topic.name.to_owned(), partition)).or_default();
                let slice = log.read(topic, partition, *from, FEED_BYTES)?;
                for (offset, record) in (slice.from..).zip(slice.records()) {
                    live.publish(topic, partition, offset, &record);
                }
                let_clients_take(live);
                idle &= slice.is_empty();
                *from = slice.next;
                log.needs(READER, topic, partition, slice.next);
            }
        }
        if idle {
            if over {
                return Ok(());
            }
            log.wait(seen, PATIENCE);
        }
    }
}

/// A burst is told no faster than clients take it, as long as they do take it.
fn let_clients_take(live: &Live) {
    let began = Instant::now();
    loop {
        let (waiting, most) = live.waiting();
        if waiting < most / 4 || began.elapsed() > TAKEN_WITHIN {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// What the API knows of the rest of the process.
pub fn context(shared: &Shared, data: &DataDir, database: sqlx::SqlitePool, live: Live) -> Context {
    let (status, metrics, ready) = (shared.clone(), shared.clone(), shared.clone());
    let (market, path) = (data.market, data.path().display().to_string());
    Context {
        database,
        live,
        generation: shared.log.generation().number,
        simulated: market == Market::Simulated,
        started: now_ms(),
        describe: Arc::new(move || describe(&status, market, &path)),
        metrics: Arc::new(move || metrics.stats.render(&metrics.log)),
        ready: Arc::new(move || dependencies(&ready)),
    }
}

fn describe(shared: &Shared, market: Market, data: &str) -> Status {
    let source = &shared.stats.source;
    let seen = |number: u64| (number > 0).then_some(number);
    let kept = TOPICS.iter().filter(|topic| !matches!(topic.keeps, Keeps::State));
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        market: market.name().to_owned(),
        head_block: seen(source.block.load(Ordering::Relaxed)),
        head_time: Some(source.block_time.load(Ordering::Relaxed)).filter(|time| *time > 0),
        since_block: seen(source.first_block.load(Ordering::Relaxed)),
        since_time: Some(source.first_time.load(Ordering::Relaxed)).filter(|time| *time > 0),
        stored_block: shared.stats.stored().map(|stored| stored.block),
        clock: shared.stats.stored().map(|stored| stored.clock),
        topics: kept.map(|topic| (topic.name.to_owned(), shared.log.records_kept(topic))).collect(),
        data: data.to_owned(),
    }
}

/// A feed that is silent for this long is not one to rely on.
const STALE: Duration = Duration::from_secs(10);

fn dependencies(shared: &Shared) -> Vec<Dependency> {
    let age = now_ms() - shared.stats.source.block_time.load(Ordering::Relaxed);
    let fresh = age < STALE.as_millis() as i64;
    let behind: u64 = shared.stats.tasks().iter().map(|(.., task)| task.behind.load(Ordering::Relaxed)).sum();
    let dependency = |name: &str, ok: bool, reason: String| Dependency { name: name.to_owned(), ok, reason };
    vec![
        dependency(
            "source",
            fresh,
            if fresh {
                format!("last block {age} ms ago")
            } else {
                format!("no block for {age} ms: is the node running and in sync?")
            },
        ),
        dependency("pipeline", behind < 100_000, format!("{behind} records are still to be worked on")),
    ]
}
