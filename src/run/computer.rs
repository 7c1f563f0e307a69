//! One task of a stage: a partition of its input → results, state and position, in one commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use computer::{Definition, Stage};
use parser::{Reject, dead_letter};
use schemas::{Checkpoint, Outbox};
use tracing::info;

use super::sink::topics_of_tables;
use super::tasks::{self, Lease};
use super::{CHUNK_BYTES, PATIENCE, Shared, state};
use crate::failure::Failure;
use crate::log::{Log, Slice, Start};
use crate::stop::Upstream;

pub use computer::{COIN, stages};

const PROGRESS: Duration = Duration::from_secs(2);

pub fn run(shared: &Shared, stage: &'static Definition, upstream: &Upstream) -> Result<(), Failure> {
    tasks::keep(shared, stage.name, stage.input, |shared, partition, lease| {
        task(shared, stage, partition, lease, upstream)
    })
}

fn task(
    shared: &Shared,
    definition: &'static Definition,
    partition: u32,
    lease: &Lease,
    upstream: &Upstream,
) -> Result<(), Failure> {
    let Shared { log, stats, .. } = shared;
    let Definition { name, input, .. } = definition;
    // First the writer: when it has begun, nobody else can change the state that is read next.
    let mut writer = Arc::clone(log).writer(&format!("{name}.{partition}"))?;
    let mut stage = restore(shared, definition, partition)?;
    let from = stage.checkpoint().next.get(input.name).copied();
    let mut reader = Arc::clone(log).reader(&[Start { topic: input, partition, from }])?;
    let task = stats.task(name, partition);
    task.reach(stage.checkpoint().clock, stage.checkpoint().block);
    let (mut out, results) = (Outbox::new(log.generation()), topics_of_tables());
    loop {
        let over = shared.is_over(upstream);
        if lease.is_over() || shared.ends_at_once() {
            return Ok(());
        }
        if log.is_held_up(&results) {
            shared.stop.rest(PATIENCE);
            continue;
        }
        let slices = reader.read(CHUNK_BYTES, PATIENCE)?;
        task.behind.store(reader.behind(), Ordering::Relaxed);
        if slices.is_empty() && over && reader.behind() == 0 {
            return Ok(());
        }
        for slice in &slices {
            let rejected = apply(&mut stage, slice, &mut out);
            stage.save(input, slice.next, &mut out);
            writer.commit(&out)?;
            task.rejected.fetch_add(rejected, Ordering::Relaxed);
            task.taken.fetch_add(slice.count(), Ordering::Relaxed);
            task.made.fetch_add(out.records() as u64, Ordering::Relaxed);
            task.commits.fetch_add(1, Ordering::Relaxed);
            task.reach(stage.checkpoint().clock, stage.checkpoint().block);
            log.done(name, input, partition, slice.next);
            out.clear();
        }
    }
}

/// Folds the records of a slice; how many of them no fold could read.
fn apply(stage: &mut Stage, slice: &Slice, out: &mut Outbox) -> u64 {
    let mut rejected = 0;
    for (offset, record) in slice.records() {
        if let Err(refused) = stage.apply(&record, out) {
            let reject = Reject::Fill { reason: refused.reason };
            let position = format!("{}@{offset}", slice.partition);
            out.send(&dead_letter(slice.topic.name, &position, record.value.unwrap_or_default(), &reject, record.time));
            rejected += 1;
        }
    }
    rejected
}

/// Says what the tasks still have to read, before anything is forgotten.
pub fn announce(log: &dyn Log) -> Result<(), Failure> {
    for stage in stages() {
        for partition in log.partitions(stage.state) {
            let checkpoint = checkpoint(log, stage, partition)?;
            let next = checkpoint.next.get(stage.input.name).copied().unwrap_or_default();
            log.done(stage.name, stage.input, partition, next);
        }
    }
    Ok(())
}

/// What a task of a stage has committed last.
pub fn checkpoint(log: &dyn Log, stage: &Definition, partition: u32) -> Result<Checkpoint, Failure> {
    let what = format!("the checkpoint of {}/{partition}", stage.name);
    Ok(state::read(log, stage.state, partition, Checkpoint::KEY, &what)?.unwrap_or_default())
}

/// The stage as its predecessor left it.
fn restore(shared: &Shared, definition: &'static Definition, partition: u32) -> Result<Stage, Failure> {
    let (generation, name) = (shared.log.generation(), definition.name);
    let mut stage = definition.task(generation, partition);
    let (mut failed, mut entries, mut said) = (None, 0_u64, Instant::now());
    shared.log.last_values(definition.state, partition, &mut |key, value| {
        failed = failed.take().or_else(|| stage.restore(key, value).err());
        entries += 1;
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            info!("restoring {name}/{partition}: {entries} entries so far");
        }
    })?;
    if let Some(refused) = failed {
        return Err(Failure::because(
            format!(
                "the state of {name}/{partition} cannot be read: run the version that wrote it, or start with an empty log"
            ),
            refused,
        ));
    }
    stage.restored();
    let found = stage.checkpoint().generation;
    if found != generation.number {
        return Err(Failure::stop(format!(
            "the state of {name}/{partition} belongs to generation {found}: run the version that made it"
        )));
    }
    if entries > 0 {
        info!("{name}/{partition} goes on at clock {} with {} entries", stage.checkpoint().clock, stage.entries());
    }
    Ok(stage)
}
