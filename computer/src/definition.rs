//! What a stage is, before there is a task of it: the line that the registry has of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;

use schemas::{Coin, Entity, Generation, Topic, WhaleRule};

use crate::processor::{Description, Run};
use crate::stage::{Refused, Stage};

#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    /// What its work is shared out by; nothing is one task for all of it.
    pub by: Option<Entity>,
    pub inputs: &'static [Input],
    pub state: &'static Topic,
    pub(crate) processors: fn(&Rules) -> Vec<Box<dyn Run>>,
}

/// What those who run it may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What is said of whales tells what it was.
    pub whales: WhaleRule,
    /// So long a position that was closed is remembered: what comes of the time before is known to be old.
    pub remember_closed_minutes: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { whales: WhaleRule::default(), remember_closed_minutes: 60 }
    }
}

/// A topic that a stage reads: of a task, each partition that concerns its share is a lane.
#[derive(Debug)]
pub struct Input {
    pub topic: &'static Topic,
    pub joins: Joins,
    /// How the events of each kind are read.
    pub(crate) events: &'static [(Option<&'static [u8]>, Read)],
}

/// How what is read comes together with the other lanes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// Clock by clock: nothing is done before each lane of this kind has come as far. What lies between two clocks is
    /// applied in the order of the events, or as it stands when there is but one lane.
    ByClock,
    /// By its own time, once the clock is past it. What has not been written by then comes at the next clock.
    Beside,
    /// As it comes.
    AtOnce,
}

pub(crate) type Read = fn(&[u8]) -> Result<Event, Refused>;

/// What a record says, and where it stands among the others.
pub(crate) struct Event {
    pub time: i64,
    pub block: u64,
    pub index: u32,
    pub coin: Option<Coin>,
    pub what: Box<dyn Any + Send>,
}

impl Definition {
    /// A task for one share of the work, before anything has been restored.
    pub fn task(&'static self, generation: Generation, share: u32) -> Stage {
        self.task_by(&Rules::default(), generation, share)
    }

    /// The same, by other rules than where nothing is chosen.
    pub fn task_by(&'static self, rules: &Rules, generation: Generation, share: u32) -> Stage {
        Stage::of(self, rules, generation, share)
    }

    /// What the registry says of its processors.
    pub fn describe(&self) -> Vec<Description> {
        (self.processors)(&Rules::default()).iter().map(|processor| processor.describe(self.name)).collect()
    }

    /// What a task reads.
    pub fn lanes(&'static self, generation: Generation, share: u32) -> impl Iterator<Item = (&'static Input, u32)> {
        let partitions = move |input: &'static Input| generation.share(input.topic, self.by, share);
        self.inputs.iter().flat_map(move |input| partitions(input).map(move |partition| (input, partition)))
    }

    /// Whether its tasks go from clock to clock.
    pub fn has_clocks(&self) -> bool {
        self.inputs.iter().any(|input| input.joins == Joins::ByClock)
    }

    /// Whether its tasks tell the time in a topic: each in partitions that nobody else writes.
    pub fn tells_the_time(&self, topic: &Topic) -> bool {
        self.has_clocks() && self.writes_alone().iter().any(|alone| core::ptr::eq(*alone, topic))
    }

    /// The topics of which each task writes its own partitions, and nobody else does.
    pub(crate) fn writes_alone(&self) -> Vec<&'static Topic> {
        let mut topics: Vec<&'static Topic> = Vec::new();
        for topic in self.describe().iter().flat_map(|processor| processor.writes) {
            if topic.partitioned_by.first() == self.by.as_ref() && !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        topics
    }
}
