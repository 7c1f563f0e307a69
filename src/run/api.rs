//! Database and live results → REST, WebSocket and the page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use api::{Context, Database, Dependency, Gate, Live, Status};
use metrics::gauge;
use schemas::{Keeps, TOPICS};
use tokio::runtime::Runtime;
use tracing::info;

use super::{PATIENCE, Shared, now_ms};
use crate::data_dir::Market;
use crate::failure::Failure;
use crate::log::Start;
use crate::stats;
use crate::stop::Upstream;

const READER: &str = "feed";
/// So much is told before clients are looked after: far less than they may be behind.
const FEED_BYTES: usize = 256 * 1024;
const TAKEN_WITHIN: Duration = Duration::from_millis(200);

/// The next offset to be told, per topic and partition.
pub type Told = BTreeMap<(String, u32), u64>;

/// Where live results begin: where the database stands now. From there on the feed needs what there is.
pub fn begin(shared: &Shared, live: &Live, database: &Database, runtime: &Runtime) -> Result<Told, Failure> {
    let generation = shared.log.generation().number;
    let positions = runtime.block_on(database.positions(generation, &api::topics()));
    let positions = positions.map_err(|cause| Failure::because("could not read where the rows stand", cause))?;
    for topic in api::topics() {
        for partition in shared.log.partitions(topic) {
            let next = positions.get(&(topic.name.to_owned(), partition)).copied().unwrap_or_default();
            live.begin(topic, partition, next);
            shared.log.done(READER, topic, partition, next);
        }
    }
    Ok(positions)
}

/// Results as they are committed → those who have subscribed. Begins where the database was, so that a snapshot of
/// the database and what follows it meet.
pub fn feed(shared: &Shared, live: &Live, mut told: Told, upstream: &Upstream) -> Result<(), Failure> {
    stats::restarts(READER, 0);
    loop {
        match tell(shared, live, &mut told, upstream) {
            Err(Failure::Again { what, .. }) if !shared.stop.asked() => {
                stats::restarts(READER, 1);
                info!("the feed begins again: {what}");
            }
            outcome => return outcome,
        }
    }
}

fn tell(shared: &Shared, live: &Live, told: &mut Told, upstream: &Upstream) -> Result<(), Failure> {
    let log = &shared.log;
    let all = api::topics().into_iter().flat_map(|topic| log.partitions(topic).map(move |part| (topic, part)));
    let start = |(topic, partition): (&'static schemas::Topic, u32)| {
        let from = told.get(&(topic.name.to_owned(), partition)).copied();
        Start { topic, partition, from }
    };
    let starts: Vec<Start> = all.map(start).collect();
    let mut reader = Arc::clone(log).reader(&starts)?;
    let task = shared.stats.task(READER, 0);
    loop {
        let over = shared.is_over(upstream);
        if shared.ends_at_once() {
            return Ok(());
        }
        let slices = reader.read(FEED_BYTES, PATIENCE)?;
        task.is_behind(reader.behind());
        if slices.is_empty() && over && reader.behind() == 0 {
            return Ok(());
        }
        stats::passed(READER, &slices);
        task.reach(live.head().map_or(0, |clock| clock.time), 0);
        for slice in slices {
            task.taken.increment(slice.count());
            for (offset, record) in slice.records() {
                live.publish(slice.topic, slice.partition, offset, &record);
            }
            let_clients_take(live);
            told.insert((slice.topic.name.to_owned(), slice.partition), slice.next);
            log.done(READER, slice.topic, slice.partition, slice.next);
        }
    }
}

/// A burst is told no faster than clients take it, as long as they do take it.
fn let_clients_take(live: &Live) {
    let began = Instant::now();
    loop {
        let (waiting, most) = live.waiting();
        gauge!("fathom_live_queue_updates").set(waiting as f64);
        if waiting < most / 4 || began.elapsed() > TAKEN_WITHIN {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// What the API knows of the rest of the process.
pub fn context(shared: &Shared, market: Market, kept: &str, database: Database, live: Live, gate: Gate) -> Context {
    let (status, metrics, ready, heard) = (shared.clone(), shared.clone(), shared.clone(), live.clone());
    let kept = kept.to_owned();
    Context {
        database,
        live,
        gate,
        generation: shared.log.generation().number,
        simulated: market == Market::Simulated,
        started: now_ms(),
        describe: Arc::new(move || describe(&status, market, &kept)),
        metrics: Arc::new(move || metrics.stats.render(metrics.log.as_ref())),
        ready: Arc::new(move || dependencies(&ready, &heard)),
    }
}

fn describe(shared: &Shared, market: Market, kept: &str) -> Status {
    let log = &shared.log;
    let topics = TOPICS.iter().filter(|topic| !matches!(topic.keeps, Keeps::State));
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        market: market.name().to_owned(),
        topics: topics.map(|topic| (topic.name.to_owned(), log.records_kept(topic))).collect(),
        data: kept.to_owned(),
    }
}

/// A source that is silent for this long is not one to rely on.
const STALE_MS: i64 = 5_000;

fn dependencies(shared: &Shared, live: &Live) -> Vec<Dependency> {
    // An API by itself has no tasks and no sources: of other processes it knows what comes of them, and nothing else.
    let mut tasks = shared.stats.tasks();
    tasks.retain(|(stage, _)| *stage != READER);
    let reads_a_node = shared.stats.source.is_read.load(Ordering::Relaxed) || tasks.is_empty();
    let node = reads_a_node.then(|| node(live));
    let feed = shared.stats.feed.is_followed.load(Ordering::Relaxed).then(|| feed_is_heard(&shared.stats.feed));
    let behind: u64 = tasks.iter().map(|(_, task)| task.behind()).sum();
    let still = format!("{behind} records are still to be worked on");
    let pipeline = (!tasks.is_empty()).then(|| dependency("pipeline", behind < 100_000, still));
    node.into_iter().chain(feed).chain(pipeline).collect()
}

fn node(live: &Live) -> Dependency {
    match live.head().map(|clock| now_ms() - clock.time) {
        Some(age) if age < STALE_MS => dependency("source", true, format!("last block {age} ms ago")),
        Some(age) => dependency("source", false, format!("no block for {age} ms: is the node or stream running?")),
        None => dependency("source", false, "no block so far: is the node or stream running?".to_owned()),
    }
}

fn feed_is_heard(feed: &crate::stats::Feed) -> Dependency {
    let age = now_ms() - feed.last_frame_time.load(Ordering::Relaxed);
    match feed.connected.load(Ordering::Relaxed) {
        true if age < STALE_MS => dependency("public-feed", true, format!("last frame {age} ms ago")),
        true => dependency("public-feed", false, format!("no frame for {age} ms: the connections are replaced")),
        false => dependency("public-feed", false, "not connected: is the exchange within reach?".to_owned()),
    }
}

fn dependency(name: &str, ok: bool, reason: String) -> Dependency {
    Dependency { name: name.to_owned(), ok, reason }
}
