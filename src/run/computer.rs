//! One task of the coin stage: a partition of `fills` → results, state and position, in one commit.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use computer::Stage;
use parser::{Reject, dead_letter};
use schemas::{Outbox, topics};
use tracing::info;

use super::{CHUNK_BYTES, PATIENCE, Shared};
use crate::failure::Failure;
use crate::stop::Upstream;

const PROGRESS: Duration = Duration::from_secs(2);

pub fn run(shared: &Shared, partition: u32, upstream: &Upstream) -> Result<(), Failure> {
    let Shared { log, stats, stop } = shared;
    let input = &topics::FILLS;
    let name = format!("coin/{partition}");
    let mut stage = restore(shared, partition)?;
    let mut next = stage.checkpoint().next.get(input.name).copied().unwrap_or_default();
    let task = stats.task("coin", partition);
    task.clock.store(stage.checkpoint().clock, Ordering::Relaxed);
    let mut out = Outbox::new(log.generation());
    loop {
        let seen = log.commits();
        let over = shared.is_over(upstream);
        if stop.at_once() {
            return Ok(());
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
        task.clock.store(stage.checkpoint().clock, Ordering::Relaxed);
        next = slice.next;
        task.behind.store(log.extent(input, partition).next.saturating_sub(next), Ordering::Relaxed);
        out.clear();
    }
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
