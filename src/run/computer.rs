//! One task of a stage: its share of the input → results, state and place, in one commit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use computer::{Definition, Input, Joins, Stage};
use parser::{Reject, dead_letter};
use schemas::{Checkpoint, Generation, Outbox, Topic, topics};
use tracing::info;

use super::roles::Roles;
use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, state};
use crate::failure::Failure;
use crate::log::{Log, Reader, Slice, Start, Writer};
use crate::stats;
use crate::stop::Upstream;

pub use computer::{COIN, stages};

const PROGRESS: Duration = Duration::from_secs(2);

pub fn run(shared: &Shared, stage: &'static Definition, upstream: &Upstream) -> Result<(), Failure> {
    tasks::keep(shared, stage.name, stage.state, |shared, share, lease| task(shared, stage, share, lease, upstream))
}

/// Starts all stages: each ends after the one before, and the first after what it reads. The last one is given back.
pub fn start(roles: &mut Roles, upstream: &Upstream) -> Upstream {
    stages().into_iter().fold(upstream.clone(), |before, stage| {
        let this = Upstream::default();
        roles.start(stage.name, &this, move |shared| run(shared, stage, &before));
        this
    })
}

fn task(
    shared: &Shared,
    definition: &'static Definition,
    share: u32,
    lease: &Lease,
    upstream: &Upstream,
) -> Result<(), Failure> {
    let Shared { log, stats, .. } = shared;
    // First the writer: when it has begun, nobody else can change the state that is read next.
    let writer = Arc::clone(log).writer(&format!("{}.{share}", definition.name))?;
    let stage = restore(shared, definition, share)?;
    let starts: Vec<Start> = stage.lanes().map(|(topic, partition, from)| Start { topic, partition, from }).collect();
    let mut reader = Arc::clone(log).reader(&starts)?;
    let inputs = definition.lanes(log.generation(), share).enumerate();
    inputs.filter(|(_, (input, _))| !is_needed(input)).for_each(|(lane, _)| reader.may_pass_over(lane));
    let mut work = Work {
        log: log.as_ref(),
        definition,
        share,
        writer,
        stage,
        starts,
        promised: BTreeSet::new(),
        out: Outbox::new(log.generation()),
        enough_bytes: 2 * shared.chunk_bytes,
        late: 0,
        stats: stats.task(definition.name, share),
    };
    work.say_how_far();
    let written = written_by(definition, log.generation(), share);
    // All lanes together fill one piece.
    let chunk_bytes = shared.chunk_bytes / work.starts.len().max(1);
    loop {
        let over = shared.is_over(upstream);
        if lease.is_over() || shared.ends_at_once() {
            return Ok(());
        }
        // Nobody waits in a circle. Who reads these waits at most for the task of this stage whose clock is the
        // earliest; and a commit takes a task's clock to all of its partitions, so nobody waits for others before that one.
        if written.iter().any(|(topic, partition)| log.is_held_up(topic, *partition)) {
            shared.stop.rest(PATIENCE);
            continue;
        }
        let slices = reader.read_of(&|lane| work.stage.wants_more_of(lane), chunk_bytes, PATIENCE)?;
        work.stats.is_behind(reader.behind());
        if slices.is_empty() && over && work.has_all(reader.as_ref()) {
            return Ok(());
        }
        for slice in &slices {
            work.take(slice);
        }
        work.go_on(reader.as_mut())?;
    }
}

/// A task at work.
struct Work<'a> {
    log: &'a dyn Log,
    definition: &'static Definition,
    share: u32,
    writer: Box<dyn Writer>,
    stage: Stage,
    starts: Vec<Start>,
    /// Lanes that are waited for until they have been read so far.
    promised: BTreeSet<usize>,
    out: Outbox,
    /// So many bytes are enough for one commit: a little input may have much to say.
    enough_bytes: usize,
    /// How many records came too late, as it was said last.
    late: u64,
    stats: Arc<stats::Task>,
}

impl Work<'_> {
    fn take(&mut self, slice: &Slice) {
        let is_it = |start: &Start| start.partition == slice.partition && std::ptr::eq(start.topic, slice.topic);
        let Some(lane) = self.starts.iter().position(is_it) else { return };
        for (offset, record) in slice.records() {
            self.stage.take(lane, offset, &record, &mut self.out);
        }
        self.stage.has_read(lane, slice.next);
        self.stats.taken.increment(slice.count());
    }

    /// Applies what can be applied, and commits it.
    fn go_on(&mut self, reader: &mut dyn Reader) -> Result<(), Failure> {
        for lane in std::mem::take(&mut self.promised) {
            // Not all that takes an offset is read: at the end it is asked again what there is.
            if !reader.is_at_the_end(lane) || !self.learns_the_end(lane, reader)? {
                self.promised.insert(lane);
            }
        }
        loop {
            while let Some(lane) = self.stage.go_on_until(self.enough_bytes, &mut self.out)
                && self.learns_the_end(lane, reader)?
            {}
            if self.stage.has_gone_on() {
                self.commit()?;
            }
            if !self.stage.can_go_on() {
                return Ok(());
            }
        }
    }

    /// Whether the log says how far a lane reaches now: behind the newest clock that was taken.
    fn learns_the_end(&mut self, lane: usize, reader: &mut dyn Reader) -> Result<bool, Failure> {
        let Some(end) = reader.end(lane)? else { return Ok(false) };
        self.stage.ends_at(lane, end);
        if end > 0 {
            self.promised.insert(lane);
        }
        Ok(true)
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let set_aside = self.stage.set_aside();
        for record in &set_aside {
            let reject = Reject::Fill { reason: record.reason.clone() };
            let position = format!("{}@{}", record.partition, record.offset);
            self.out.send(&dead_letter(record.topic.name, &position, &record.value, &reject, record.time));
        }
        self.stage.save(&mut self.out);
        self.writer.commit(&self.out)?;
        stats::committed(self.definition.name, &self.out);
        self.stats.rejected.increment(set_aside.len() as u64);
        let late = self.stage.late_beside();
        self.stats.late.increment(late - std::mem::replace(&mut self.late, late));
        self.stats.commit(self.out.records() as u64);
        self.say_how_far();
        self.out.clear();
        Ok(())
    }

    fn say_how_far(&self) {
        let Checkpoint { clock, block, .. } = *self.stage.checkpoint();
        self.stats.reach(clock, block);
        say_how_far(self.log, self.definition, self.share, &self.stage);
    }

    /// Whether nothing can come that would let it go on.
    fn has_all(&self, reader: &dyn Reader) -> bool {
        (0..self.starts.len()).all(|lane| reader.is_at_the_end(lane) || !self.stage.wants_more_of(lane))
    }
}

/// Says what the tasks still have to read, before anything is forgotten.
pub fn announce(log: &dyn Log) -> Result<(), Failure> {
    for stage in stages() {
        for share in log.partitions(stage.state) {
            let mut task = stage.task(log.generation(), share);
            task.goes_on_from(checkpoint(log, stage, share)?);
            say_how_far(log, stage, share, &task);
        }
    }
    Ok(())
}

fn say_how_far(log: &dyn Log, definition: &'static Definition, share: u32, task: &Stage) {
    let inputs = definition.lanes(log.generation(), share);
    for ((input, _), (topic, partition, next)) in inputs.zip(task.lanes()) {
        let next = next.unwrap_or_default();
        if is_needed(input) {
            log.done(definition.name, topic, partition, next);
        } else {
            log.has_come_to(definition.name, topic, partition, next);
        }
    }
}

/// What joins beside the clocks is applied only as they come, and while nobody tells the time they never do: the log
/// keeps nothing for that, and nobody waits.
fn is_needed(input: &Input) -> bool {
    input.joins != Joins::Beside
}

/// The partitions that a task writes its results to.
fn written_by(definition: &Definition, generation: Generation, share: u32) -> Vec<(&'static Topic, u32)> {
    let mut topics: Vec<&'static Topic> = definition.describe().iter().flat_map(|told| told.writes).collect();
    if definition.inputs.iter().any(|input| input.topic == &topics::FILLS) {
        topics.push(&topics::LATE_EVENTS);
    }
    topics.sort_unstable_by_key(|topic| topic.name);
    topics.dedup();
    let places = |topic| generation.share(topic, definition.by, share).map(move |partition| (topic, partition));
    topics.into_iter().flat_map(places).collect()
}

/// What a task of a stage has committed last.
pub fn checkpoint(log: &dyn Log, stage: &Definition, partition: u32) -> Result<Checkpoint, Failure> {
    let what = format!("the checkpoint of {}/{partition}", stage.name);
    Ok(state::read(log, stage.state, partition, Checkpoint::KEY, &what)?.unwrap_or_default())
}

/// The stage as its predecessor left it.
pub fn restore(shared: &Shared, definition: &'static Definition, partition: u32) -> Result<Stage, Failure> {
    let (generation, name) = (shared.log.generation(), definition.name);
    let mut stage = definition.task_by(&shared.rules, generation, partition);
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
