//! Records of facts → everything that all stages say of them, in memory: what one stage says is read by the next, until
//! nobody goes on. For whoever computes something once more, and for tests: a task can be given a piece at a time, and
//! dropped and made again, at any moment.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use schemas::{Batch, Generation, Outbox, Record};

use crate::definition::{Definition, Rules};
use crate::stage::{Refused, SetAside, Stage};

pub struct Topology {
    generation: Generation,
    rules: Rules,
    tasks: Vec<Task>,
    partitions: BTreeMap<Place, Partition>,
    set_aside: Vec<SetAside>,
}

/// A partition, by the name of its topic.
type Place = (&'static str, u32);

struct Task {
    definition: &'static Definition,
    share: u32,
    stage: Stage,
    /// Of each lane, where it is and which offset comes next.
    lanes: Vec<(Place, u64)>,
    /// What it has saved.
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What it says in one piece of work.
    out: Outbox,
}

/// What is read of a partition: kept as long as one of its readers, or whoever comes in its place, needs it.
#[derive(Default)]
struct Partition {
    /// Each with the offset of its first record.
    batches: VecDeque<(u64, Batch)>,
    next: u64,
    /// A task and one of its lanes.
    readers: Vec<(usize, usize)>,
}

impl Topology {
    /// All stages, before anything has happened.
    pub fn new(generation: Generation, rules: Rules) -> Self {
        Self::of(&crate::stages(), generation, rules)
    }

    /// Some of them, in the order of the flow; what the others say has to be appended.
    pub fn of(stages: &[&'static Definition], generation: Generation, rules: Rules) -> Self {
        let tasks: Vec<Task> = stages
            .iter()
            .flat_map(|definition| {
                let shares = 0..generation.partitions(definition.state);
                shares.map(move |share| Task::new(definition, &rules, generation, share))
            })
            .collect();
        let mut partitions: BTreeMap<Place, Partition> = BTreeMap::new();
        for (at, task) in tasks.iter().enumerate() {
            for (lane, (place, _)) in task.lanes.iter().enumerate() {
                partitions.entry(*place).or_default().readers.push((at, lane));
            }
        }
        Self { generation, rules, tasks, partitions, set_aside: Vec::new() }
    }

    /// Appends records to their partitions, as one commit does it. What nobody reads is not kept.
    pub fn append(&mut self, records: &Outbox) {
        for (topic, partition, batch) in records.filled() {
            self.append_to((topic.name, partition), batch);
        }
    }

    fn append_to(&mut self, place: Place, batch: &Batch) {
        if let Some(partition) = self.partitions.get_mut(&place) {
            partition.append(batch);
        }
    }

    /// Works until nobody goes on, and adds what is said to `out`.
    pub fn go_on(&mut self, out: &mut Outbox) {
        let mut goes_on = true;
        while goes_on {
            goes_on = (0..self.tasks.len()).filter(|task| self.work(*task, || usize::MAX, out)).count() > 0;
        }
    }

    /// One piece of one task's work, of each of its lanes at most so many records; whether there was one.
    pub fn work(&mut self, task: usize, most: impl FnMut() -> usize, out: &mut Outbox) -> bool {
        let it = &mut self.tasks[task];
        let took = it.take(&self.partitions, most);
        it.go_on(&self.partitions);
        self.set_aside.append(&mut it.stage.set_aside());
        self.publish(task, out);
        self.forget_what_was_read(task);
        took
    }

    /// Puts another one in a task's place, that knows only what this one saves now.
    pub fn replace(&mut self, task: usize, out: &mut Outbox) -> Result<(), Refused> {
        let it = &mut self.tasks[task];
        it.stage.save(&mut it.out);
        self.publish(task, out);
        self.tasks[task].begin_anew(&self.rules, self.generation)
    }

    fn publish(&mut self, task: usize, out: &mut Outbox) {
        let mut said = core::mem::replace(&mut self.tasks[task].out, Outbox::new(self.generation));
        for (topic, partition, batch) in said.filled() {
            if core::ptr::eq(topic, self.tasks[task].definition.state) {
                self.tasks[task].keep(batch);
            } else {
                self.append_to((topic.name, partition), batch);
                out.batch(topic, partition).append(batch);
            }
        }
        said.clear();
        self.tasks[task].out = said;
    }

    fn forget_what_was_read(&mut self, task: usize) {
        for (place, _) in &self.tasks[task].lanes {
            let Some(partition) = self.partitions.get_mut(place) else { continue };
            let needs = |(task, lane): &(usize, usize)| self.tasks[*task].stage.needs(*lane);
            let needed = partition.readers.iter().map(needs).min().unwrap_or_default();
            partition.forget_before(needed);
        }
    }

    /// The tasks, in the order of the flow.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = &Stage> {
        self.tasks.iter().map(|task| &task.stage)
    }

    /// What no fold could read since the last time.
    pub fn set_aside(&mut self) -> Vec<SetAside> {
        core::mem::take(&mut self.set_aside)
    }

    /// Records that are kept for those who have not read them.
    pub fn records_kept(&self) -> usize {
        self.partitions.values().map(Partition::records_kept).sum()
    }
}

impl Task {
    fn new(definition: &'static Definition, rules: &Rules, generation: Generation, share: u32) -> Self {
        let stage = definition.task_by(rules, generation, share);
        let lanes = stage.lanes().map(|(topic, partition, _)| ((topic.name, partition), 0)).collect();
        Self { definition, share, stage, lanes, state: BTreeMap::new(), out: Outbox::new(generation) }
    }

    fn take(&mut self, partitions: &BTreeMap<Place, Partition>, mut most: impl FnMut() -> usize) -> bool {
        let mut took = false;
        for (lane, (place, next)) in self.lanes.iter_mut().enumerate() {
            let Some(partition) = partitions.get(place).filter(|_| self.stage.wants_more_of(lane)) else { continue };
            let before = *next;
            for (offset, record) in partition.records_from(*next).take(most()) {
                self.stage.take(lane, offset, &record, &mut self.out);
                *next = offset + 1;
            }
            if *next > before {
                self.stage.has_read(lane, *next);
                took = true;
            }
        }
        took
    }

    /// Applies what can be applied.
    fn go_on(&mut self, partitions: &BTreeMap<Place, Partition>) {
        let end = |place: &Place| partitions.get(place).map_or(0, |partition| partition.next);
        for (lane, (place, next)) in self.lanes.iter().enumerate() {
            if *next >= end(place) {
                self.stage.has_all_of(lane);
            }
        }
        while let Some(lane) = self.stage.go_on(&mut self.out) {
            self.stage.ends_at(lane, end(&self.lanes[lane].0));
        }
    }

    fn keep(&mut self, saved: &Batch) {
        for record in saved.records() {
            match record.value {
                Some(value) => self.state.insert(record.key.to_vec(), value.to_vec()),
                None => self.state.remove(record.key),
            };
        }
    }

    fn begin_anew(&mut self, rules: &Rules, generation: Generation) -> Result<(), Refused> {
        self.stage = self.definition.task_by(rules, generation, self.share);
        for (key, value) in &self.state {
            self.stage.restore(key, value)?;
        }
        self.stage.restored();
        for ((_, next), (_, _, from)) in self.lanes.iter_mut().zip(self.stage.lanes()) {
            *next = from.unwrap_or_default();
        }
        Ok(())
    }
}

impl Partition {
    fn append(&mut self, batch: &Batch) {
        self.batches.push_back((self.next, batch.clone()));
        self.next += u64::from(batch.count());
    }

    fn records_from(&self, offset: u64) -> impl Iterator<Item = (u64, Record<'_>)> {
        let first = self.batches.partition_point(|batch| end_of(batch) <= offset);
        let records = self.batches.range(first..).flat_map(|(first, batch)| (*first..).zip(batch.records()));
        records.skip_while(move |(at, _)| *at < offset)
    }

    fn forget_before(&mut self, offset: u64) {
        while self.batches.pop_front_if(|batch| end_of(batch) <= offset).is_some() {}
    }

    fn records_kept(&self) -> usize {
        self.batches.iter().map(|(_, batch)| batch.count() as usize).sum()
    }
}

fn end_of((first, batch): &(u64, Batch)) -> u64 {
    first + u64::from(batch.count())
}
