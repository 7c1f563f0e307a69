//! What a stage is, before there is a task of it: the line that the registry has of it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use schemas::{Generation, Outbox, Topic};

use crate::processor::{Description, Run};
use crate::stage::{Refused, Stage};

#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    pub input: &'static Topic,
    pub state: &'static Topic,
    pub(crate) processors: fn() -> Vec<Box<dyn Run>>,
    /// The kind of its events, and how one is taken.
    pub(crate) event: &'static [u8],
    pub(crate) take: fn(&mut Stage, &[u8], &mut Outbox) -> Result<(), Refused>,
}

impl Definition {
    /// A task for one partition, before anything has been restored.
    pub fn task(&'static self, generation: Generation, partition: u32) -> Stage {
        Stage::of(self, generation, partition)
    }

    /// What the registry says of its processors.
    pub fn describe(&self) -> Vec<Description> {
        (self.processors)().iter().map(|processor| processor.describe(self.name)).collect()
    }

    /// The topics that are partitioned as the input is, so that each task writes one partition of them.
    pub(crate) fn written_like_the_input(&self) -> Vec<&'static Topic> {
        let mut topics: Vec<&'static Topic> = Vec::new();
        for topic in self.describe().iter().flat_map(|processor| processor.writes) {
            if topic.partitioned_by == self.input.partitioned_by && !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        topics
    }
}
