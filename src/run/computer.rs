//! One task of a stage: its share of the input → results, state and place, in one commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use computer::{Definition, Input, Joins, Stage};
use parser::{Reject, dead_letter};
use schemas::{Checkpoint, Generation, Outbox, Topic, topics};
use tracing::info;

use super::lanes::Lanes;
use super::roles::Roles;
use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, snapshots, state};
use crate::failure::Failure;
use crate::log::{Log, Writer};
use crate::stats;
use crate::stop::Upstream;

pub use computer::{COIN, stages};

const PROGRESS: Duration = Duration::from_secs(2);

pub fn run(shared: &Shared, stage: &'static Definition, upstream: &Upstream) -> Result<(), Failure> {
    tasks::keep(shared, stage.name, stage.state, |shared, share, lease| task(shared, stage, share, lease, upstream))
}

/// Starts all stages: each ends after the one before, and the first after what it reads. The last one is given back.
pub fn start(roles: &mut Roles, upstream: &Upstream) -> Upstream {
    let last = stages().into_iter().fold(upstream.clone(), |before, stage| {
        let this = Upstream::default();
        roles.start(stage.name, &this, move |shared| run(shared, stage, &before));
        this
    });
    let computed = last.clone();
    roles.start("snapshots", &Upstream::default(), move |shared| snapshots::run(shared, &computed));
    last
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
    let mut lanes = Lanes::open(log, stage)?;
    let inputs = definition.lanes(log.generation(), share).enumerate();
    inputs.filter(|(_, (input, _))| !is_needed(input)).for_each(|(lane, _)| lanes.may_pass_over(lane));
    let mut work = Work {
        log: log.as_ref(),
        definition,
        share,
        writer,
        lanes,
        out: Outbox::new(log.generation()),
        enough_bytes: 2 * shared.chunk_bytes,
        late: 0,
        stats: stats.task(definition.name, share),
    };
    work.say_how_far();
    let written = written_by(definition, log.generation(), share);
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
        let slices = work.lanes.read(shared.chunk_bytes, PATIENCE)?;
        work.stats.is_behind(work.lanes.behind());
        if slices.is_empty() && over && work.lanes.has_all() {
            return Ok(());
        }
        for slice in &slices {
            work.lanes.take(slice, &mut work.out);
            work.stats.taken.increment(slice.count());
        }
        work.go_on()?;
    }
}

/// A task at work.
struct Work<'a> {
    log: &'a dyn Log,
    definition: &'static Definition,
    share: u32,
    writer: Box<dyn Writer>,
    lanes: Lanes,
    out: Outbox,
    /// So many bytes are enough for one commit: a little input may have much to say.
    enough_bytes: usize,
    /// How many records came too late, as it was said last.
    late: u64,
    stats: Arc<stats::Task>,
}

impl Work<'_> {
    /// Applies what can be applied, and commits it.
    fn go_on(&mut self) -> Result<(), Failure> {
        self.lanes.look_again()?;
        let enough = self.enough_bytes;
        loop {
            self.lanes.go_on(&mut self.out, |stage, out| stage.go_on_until(enough, out))?;
            if self.lanes.stage.has_gone_on() {
                self.commit()?;
            }
            if !self.lanes.stage.can_go_on() {
                return Ok(());
            }
        }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let set_aside = self.lanes.stage.set_aside();
        // Every generation sets the same aside: there is one letter of it.
        for record in set_aside.iter().filter(|_| self.log.is_told()) {
            let reject = Reject::Fill { reason: record.reason.clone() };
            let position = format!("{}@{}", record.partition, record.offset);
            self.out.send(&dead_letter(record.topic.name, &position, &record.value, &reject, record.time));
        }
        self.lanes.stage.save(&mut self.out);
        self.writer.commit(&self.out)?;
        if self.log.is_told() {
            stats::committed(self.definition.name, &self.out);
        }
        self.stats.rejected.increment(set_aside.len() as u64);
        let late = self.lanes.stage.late_beside();
        self.stats.late.increment(late - std::mem::replace(&mut self.late, late));
        self.stats.commit(self.out.records() as u64);
        self.say_how_far();
        self.out.clear();
        Ok(())
    }

    fn say_how_far(&self) {
        let Checkpoint { clock, block, .. } = *self.lanes.stage.checkpoint();
        self.stats.reach(clock, block);
        say_how_far(self.log, self.definition, self.share, &self.lanes.stage);
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
    if definition.inputs.iter().any(|input| input.joins == Joins::Beside) {
        topics.push(&topics::LATE_JOINS);
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
