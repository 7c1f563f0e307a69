//! Result topics → rows and positions, in one database transaction.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use schemas::{Topic, topics};
use sink::{Part, Sink, SinkError, tables};
use tokio::runtime::Handle;
use tracing::warn;

use super::{PATIENCE, Shared};
use crate::failure::Failure;
use crate::log::Slice;
use crate::stop::Upstream;

/// Per partition, so that a transaction stays small.
const CHUNK_BYTES: usize = 512 * 1024;
pub const READER: &str = "sink";
const RETRY: Duration = Duration::from_millis(200);

pub fn run(shared: &Shared, mut sink: Sink, upstream: &Upstream, runtime: &Handle) -> Result<(), Failure> {
    let Shared { log, stats, stop } = shared;
    let generation = log.generation().number;
    let mut next = runtime.block_on(sink.positions(generation)).map_err(stopped)?;
    let task = stats.task("sink", 0);
    loop {
        let seen = log.commits();
        let over = shared.is_over(upstream);
        if stop.at_once() {
            return Ok(());
        }
        stats.has_results.store(has_results(&next), Ordering::Relaxed);
        // What was computed before the reading is on the log: a reading to the end has it.
        let computed = stats.computed();
        let slices = read(shared, &next)?;
        task.behind.store(behind(shared, &next), Ordering::Relaxed);
        if slices.is_empty() {
            stats.set_stored(computed);
            if over {
                return Ok(());
            }
            log.wait(seen, PATIENCE);
            continue;
        }
        let parts: Vec<Part<'_>> = slices
            .iter()
            .map(|(topic, partition, slice)| Part {
                topic,
                partition: *partition,
                from: slice.from,
                next: slice.next,
                batch: &slice.batches,
            })
            .collect();
        let rows = loop {
            match runtime.block_on(sink.write(generation, &parts)) {
                Ok(rows) => break rows,
                Err(error) if error.retry() && !stop.at_once() => {
                    warn!("{}: trying again", Failure::because(error.to_string(), error).chain());
                    stop.rest(RETRY);
                }
                Err(error) => return Err(stopped(error)),
            }
        };
        for (topic, partition, slice) in &slices {
            next.insert((topic.name.to_owned(), *partition), slice.next);
            log.needs(READER, topic, *partition, slice.next);
            task.taken.fetch_add(slice.next - slice.from, Ordering::Relaxed);
        }
        task.made.fetch_add(rows, Ordering::Relaxed);
        task.commits.fetch_add(1, Ordering::Relaxed);
        if !slices.iter().any(|(.., slice)| slice.bytes() >= CHUNK_BYTES) {
            stats.set_stored(computed);
        }
    }
}

/// Topics that rows are made of.
pub fn topics_of_tables() -> Vec<&'static Topic> {
    let mut topics: Vec<&'static Topic> = tables().iter().map(|table| table.topic).collect();
    topics.dedup_by_key(|topic| topic.name);
    topics
}

fn has_results(next: &BTreeMap<(String, u32), u64>) -> bool {
    let stored = |topic: &Topic| next.keys().any(|(name, _)| name == topic.name);
    [&topics::POSITIONS, &topics::LONG_SHORT_RATIOS].into_iter().all(stored)
}

fn read(shared: &Shared, next: &BTreeMap<(String, u32), u64>) -> Result<Vec<(&'static Topic, u32, Slice)>, Failure> {
    let mut slices = Vec::new();
    for topic in topics_of_tables() {
        for partition in shared.log.partitions(topic) {
            let from = next.get(&(topic.name.to_owned(), partition)).copied().unwrap_or_default();
            let slice = shared.log.read(topic, partition, from, CHUNK_BYTES)?;
            if !slice.is_empty() {
                slices.push((topic, partition, slice));
            }
        }
    }
    Ok(slices)
}

fn behind(shared: &Shared, next: &BTreeMap<(String, u32), u64>) -> u64 {
    let of_topic = |topic: &'static Topic| -> u64 {
        let of_partition = |partition| {
            let next = next.get(&(topic.name.to_owned(), partition)).copied().unwrap_or_default();
            shared.log.extent(topic, partition).next.saturating_sub(next)
        };
        shared.log.partitions(topic).map(of_partition).sum()
    };
    topics_of_tables().into_iter().map(of_topic).sum()
}

fn stopped(error: SinkError) -> Failure {
    Failure::because(error.to_string(), error)
}
