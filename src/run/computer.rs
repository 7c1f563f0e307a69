//! One task of the coin stage: a partition of `fills` → results, state and position, in one commit.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use computer::Stage;
use parser::{Reject, dead_letter};
use schemas::{Checkpoint, Outbox, topics};
use tracing::info;

use super::sink::topics_of_tables;
use super::{CHUNK_BYTES, PATIENCE, Shared};
use crate::failure::Failure;
use crate::log::Log;
use crate::stop::Upstream;

const READER: &str = "coin";
const PROGRESS: Duration = Duration::from_secs(2);

pub fn run(shared: &Shared, partition: u32, upstream: &Upstream) -> Result<(), Failure> {
    let Shared { log, stats, stop } = shared;
    let input = &topics::FILLS;
    let name = format!("coin/{partition}");
    let mut stage = restore(shared, partition)?;
    let mut next = stage.checkpoint().next.get(input.name).copied().unwrap_or_default();
    let task = stats.task("coin", partition);
    task.reach(stage.checkpoint().clock, stage.checkpoint().block);
    let (mut out, results) = (Outbox::new(log.generation()), topics_of_tables());
    loop {
        let seen = log.commits();
        let over = shared.is_over(upstream);
        if stop.at_once() {
            return Ok(());
        }
        if log.is_held_up(&results) {
            log.wait(seen, PATIENCE);
            continue;
        }
        let slice = log.read(input, partition, next, CHUNK_BYTES)?;
        if slice.is_empty() {
            if over {
                return Ok(());
            }
            log.wait(seen, PATIENCE);
            continue;
        }
        for (offset, record) in (slice.from..).zip(slice.records()) {
            if let Err(refused) = stage.apply(&record, &mut out) {
                let reject = Reject::Fill { reason: refused.reason };
                let position = format!("{partition}@{offset}");
                out.send(&dead_letter(input.name, &position, record.value.unwrap_or_default(), &reject, record.time));
                task.rejected.fetch_add(1, Ordering::Relaxed);
            }
        }
        stage.save(input, slice.next, &mut out);
        log.commit(&name, &out)?;
        task.taken.fetch_add(slice.next - slice.from, Ordering::Relaxed);
        task.made.fetch_add(out.records() as u64, Ordering::Relaxed);
        task.commits.fetch_add(1, Ordering::Relaxed);
        task.reach(stage.checkpoint().clock, stage.checkpoint().block);
        next = slice.next;
        log.needs(READER, input, partition, next);
        task.behind.store(log.extent(input, partition).next.saturating_sub(next), Ordering::Relaxed);
        out.clear();
    }
}

/// Says what a task of this stage still has to read, before anything is forgotten.
pub fn announce(log: &Log) -> Result<(), Failure> {
    for partition in log.partitions(&topics::STATE_COIN) {
        let checkpoint = log.last_value(&topics::STATE_COIN, partition, Checkpoint::KEY)?;
        let checkpoint: Checkpoint =
            checkpoint.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let next = checkpoint.next.get(topics::FILLS.name).copied().unwrap_or_default();
        log.needs(READER, &topics::FILLS, partition, next);
    }
    Ok(())
}

/// The stage as its predecessor left it.
fn restore(shared: &Shared, partition: u32) -> Result<Stage, Failure> {
    let generation = shared.log.generation();
    let mut stage = Stage::coin(generation, partition);
    let (mut failed, mut entries, mut said) = (None, 0_u64, Instant::now());
    shared.log.last_values(&topics::STATE_COIN, partition, |key, value| {
        failed = failed.take().or_else(|| stage.restore(key, value).err());
        entries += 1;
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            info!("restoring coin/{partition}: {entries} entries so far");
        }
    })?;
    if let Some(refused) = failed {
        return Err(Failure::because(
            format!("the state of coin/{partition} cannot be read: start with an empty data directory"),
            refused,
        ));
    }
    stage.restored();
    let found = stage.checkpoint().generation;
    if found != generation.number {
        return Err(Failure::stop(format!(
            "the state of coin/{partition} belongs to generation {found}: run the version that made it"
        )));
    }
    if entries > 0 {
        info!("coin/{partition} goes on at clock {} with {} entries", stage.checkpoint().clock, stage.entries());
    }
    Ok(stage)
}
