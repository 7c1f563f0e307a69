//! Database and live results → REST, WebSocket and the page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use api::{Context, Database, Dependency, Gate, Live, LiveTopic, Status};
use metrics::gauge;
use schemas::{Keeps, TOPICS, Topic};
use tracing::info;

use tokio::runtime::Runtime;

use super::as_it_was::Desk;
use super::between::replay;
use super::generations::MakeContext;
use super::past::read_again;
use super::watches::Watches;
use super::{PATIENCE, Shared, database, now_ms};
use crate::args::Serving;
use crate::data_dir::Market;
use crate::failure::Failure;
use crate::keys::KeysFile;
use crate::log::Start;
use crate::stats;
use crate::stop::{Stop, Upstream};

const READER: &str = "feed";
const FEED_BYTES: usize = 256 * 1024;
/// How often it is looked what waits for clients.
const MEASURED_EVERY: Duration = Duration::from_secs(1);
/// So many records are read sooner than the place of a time among them is found.
const LITTLE: u64 = 20_000;

/// Where each partition is read on.
type Told = BTreeMap<(&'static str, u32), u64>;

/// Results as they are committed → the state of the present, and those who have subscribed. What the log keeps of it is
/// read first.
pub fn feed(shared: &Shared, live: &Live, upstream: &Upstream) -> Result<(), Failure> {
    let mut told = Told::new();
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
    let starts = begin(shared, live, told)?;
    let mut reader = Arc::clone(log).reader(&starts)?;
    (0..starts.len()).for_each(|place| reader.may_pass_over(place));
    let (mut unread, mut is_present): (BTreeSet<usize>, _) = ((0..starts.len()).collect(), false);
    let task = shared.stats.task(READER, 0);
    let waiting = gauge!("fathom_live_queue_updates");
    let mut measured = Instant::now();
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
        if is_present && log.is_told() {
            stats::passed(READER, &slices);
        }
        task.reach(live.head().map_or(0, |clock| clock.time), 0);
        for slice in slices {
            task.taken.increment(slice.count());
            for (offset, record) in slice.records() {
                live.publish(slice.topic, slice.partition, offset, &record);
            }
            told.insert((slice.topic.name, slice.partition), slice.next);
            // What was written before it began is no reason to keep anybody waiting.
            if is_present {
                log.done(READER, slice.topic, slice.partition, slice.next);
            }
        }
        if measured.elapsed() > MEASURED_EVERY {
            measured = Instant::now();
            if log.is_told() {
                waiting.set(live.waiting() as f64);
            }
        }
        unread.retain(|place| !reader.is_at_the_end(*place));
        if !is_present && unread.is_empty() {
            is_present = true;
            live.is_present();
            info!("the present is known: it is served");
        }
    }
}

/// Where each partition is read from: what the log knows of it by key is restored, of the rest so much is read as the
/// present is made of.
fn begin(shared: &Shared, live: &Live, told: &mut Told) -> Result<Vec<Start>, Failure> {
    let (mut by_key, mut by_time): (Vec<LiveTopic>, Vec<LiveTopic>) =
        Live::topics().into_iter().partition(|it| matches!(it.topic.keeps, Keeps::LastPerKey { .. }));
    for LiveTopic { topic, .. } in &by_key {
        restore(shared, live, topic, told)?;
    }
    let head = live.head().map(|clock| clock.time);
    for LiveTopic { topic, reaches_back } in &by_time {
        for partition in shared.log.partitions(topic) {
            let from = match told.get(&(topic.name, partition)) {
                Some(next) => *next,
                None => far_enough_back(shared, topic, partition, head, *reaches_back)?,
            };
            told.insert((topic.name, partition), from);
        }
    }
    by_key.append(&mut by_time);
    let mut starts = Vec::new();
    for LiveTopic { topic, .. } in by_key {
        for partition in shared.log.partitions(topic) {
            let from = told.get(&(topic.name, partition)).copied();
            live.begin(topic, partition, from.unwrap_or_default());
            starts.push(Start { topic, partition, from });
        }
    }
    Ok(starts)
}

fn restore(shared: &Shared, live: &Live, topic: &'static Topic, told: &mut Told) -> Result<(), Failure> {
    for partition in shared.log.partitions(topic) {
        if told.contains_key(&(topic.name, partition)) {
            continue;
        }
        let each = &mut |key: &[u8], value: &[u8]| live.restore(topic, partition, key, value);
        let values = shared.log.last_values(topic, partition, each)?;
        told.insert((topic.name, partition), values.next);
    }
    Ok(())
}

/// Little is read whole, and so is everything as long as nothing has a clock: there are no fills then.
fn far_enough_back(
    shared: &Shared,
    topic: &'static Topic,
    partition: u32,
    head: Option<i64>,
    reaches_back: i64,
) -> Result<u64, Failure> {
    let log = &shared.log;
    let first = log.extent(topic, partition)?.first;
    let is_little = reaches_back == i64::MAX || log.unread(topic, partition, first)? < LITTLE;
    match head {
        Some(head) if !is_little => Ok(Arc::clone(log).offset_at(topic, partition, head - reaches_back)?),
        _ => Ok(first),
    }
}

/// Makes what the API knows of each generation, when the sink has made its tables.
pub fn context_by(
    serving: &Serving,
    keys: Option<&Arc<KeysFile>>,
    (market, kept): (Market, String),
    url: &str,
    runtime: &Runtime,
    stop: &Stop,
) -> MakeContext {
    let (gate, url, runtime, stop) = (serving.gate(keys), url.to_owned(), runtime.handle().clone(), stop.clone());
    Box::new(move |shared, live| {
        let database = database::open_to_read(&url, &runtime, &stop)?;
        context(shared, market, &kept, database, live, gate.clone())
    })
}

/// What the API knows of the rest of the process.
pub fn context(
    shared: &Shared,
    market: Market,
    kept: &str,
    database: Database,
    live: Live,
    gate: Gate,
) -> Result<Context, Failure> {
    let (status, metrics, ready, heard) = (shared.clone(), shared.clone(), shared.clone(), live.clone());
    let (kept_records, kept_stretches) = (shared.clone(), shared.clone());
    let (watches, desk) = (Watches::start(shared, &live)?, Desk::new(shared));
    let kept = kept.to_owned();
    Ok(Context {
        database,
        live,
        gate,
        generation: shared.log.generation().number,
        simulated: market == Market::Simulated,
        started: now_ms(),
        describe: Arc::new(move || describe(&status, market, &kept)),
        metrics: Arc::new(move || metrics.stats.render(metrics.log.as_ref())),
        ready: Arc::new(move || dependencies(&ready, &heard)),
        read_again: Arc::new(move |topic, whence, each| read_again(&kept_records, topic, whence, each)),
        as_it_was: Arc::new(move |topic, coin, time| desk.ask(topic, coin, time)),
        replay: Arc::new(move |topics, between, each| replay(&kept_stretches, topics, between, each)),
        watch: Arc::new(move |watch| watches.write(watch)),
    })
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
