//! The log: partitioned topics that stages append to, all or nothing, and read from an offset. One small interface,
//! two implementations: `embedded` under a data directory, and `kafka`.
//!
//! What a stage commits are records, of results as of state, and its input position is one of the records of its
//! state: so a commit is one atomic append over several partitions, and there is nothing else to keep in step.

mod clocks;
pub mod embedded;
mod error;
pub mod kafka;
mod slice;
#[cfg(test)]
pub mod tests;
mod to_the_end;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use schemas::{Generation, Outbox, Topic};
use tracing::warn;

pub use clocks::first_behind_a_clock;
pub use error::LogError;
pub use slice::Slice;
pub use to_the_end::read_to_the_end;

pub trait Log: Send + Sync {
    fn generation(&self) -> Generation;

    /// Another generation on the same facts: its topics are made where they are not there.
    fn of_generation(&self, number: u32) -> Result<Arc<dyn Log>, LogError>;

    /// The tape as it was written, for who reads it in the name of this generation.
    fn of_the_facts(&self) -> Result<Arc<dyn Log>, LogError>;

    /// Takes away everything that a generation has computed. The tape that was written in its name stays: it is everybody's.
    fn forget(&self, number: u32) -> Result<(), LogError>;

    /// Which generation is told, as this process knows it.
    fn told(&self) -> &AtomicU32;

    /// Whether this one is.
    fn is_told(&self) -> bool {
        self.told().load(Ordering::Relaxed) == self.generation().number
    }

    fn partitions(&self, topic: &Topic) -> Range<u32> {
        0..self.generation().partitions(topic)
    }

    /// Takes part in the work of a stage: partitions of its topic are shared out among all who do.
    fn membership(&self, stage: &'static str, topic: &'static Topic) -> Result<Box<dyn Membership>, LogError>;

    /// Becomes the one writer of a task: whoever was before is shut out, and what it left open is settled.
    fn writer(self: Arc<Self>, task: &str) -> Result<Box<dyn Writer>, LogError>;

    /// Reads these partitions, each from where it is said.
    fn reader(self: Arc<Self>, starts: &[Start]) -> Result<Box<dyn Reader>, LogError>;

    /// The last value of every key of a topic that keeps them, as they are at one offset.
    fn last_values(
        &self,
        topic: &'static Topic,
        partition: u32,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<LastValues, LogError>;

    /// The last value of one key.
    fn last_value(&self, topic: &'static Topic, partition: u32, name: &[u8]) -> Result<Option<Vec<u8>>, LogError>;

    /// The first offset whose record is not before `time`; the next one when there is none.
    fn offset_at(self: Arc<Self>, topic: &'static Topic, partition: u32, time: i64) -> Result<u64, LogError>;

    /// How far a partition reaches, as it was known lately.
    fn extent(&self, topic: &'static Topic, partition: u32) -> Result<Extent, LogError>;

    /// How many records there are from an offset on.
    fn unread(&self, topic: &'static Topic, partition: u32, next: u64) -> Result<u64, LogError>;

    /// Records kept, over all partitions, as far as that is known without waiting.
    fn records_kept(&self, topic: &'static Topic) -> u64;

    /// Bytes kept, compressed; 0 where only the brokers know.
    fn bytes_kept(&self, topic: &'static Topic) -> u64;

    /// A reader has finished with everything before `next`: what follows is kept for it, and who writes it waits.
    fn done(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64);

    /// A reader has come as far as `next`, and takes of the rest what there is: nothing is kept for it, and nobody waits.
    fn has_come_to(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64);

    /// How far a reader has said that it is, in either way.
    fn progress(&self, reader: &'static str, topic: &'static Topic, partition: u32) -> Result<Option<u64>, LogError>;

    /// Whether nobody may write to a partition now, because its readers are too far behind.
    fn is_held_up(&self, topic: &'static Topic, partition: u32) -> bool;

    /// The same for whoever may write to any partition of these topics.
    fn is_any_held_up(&self, topics: &[&'static Topic]) -> bool {
        topics.iter().any(|topic| self.partitions(topic).any(|partition| self.is_held_up(topic, partition)))
    }

    /// What is to be done now and then.
    fn keep_house(&self) -> Result<(), LogError>;

    /// Wakes every reader that waits, so that it sees what else has changed.
    fn wake(&self);

    /// What the log takes on this machine's disk.
    fn disk_bytes(&self) -> Option<u64>;

    /// Whether all who read and write it are of this process, and it keeps what they still need. Brokers ask nobody.
    fn is_of_one_process(&self) -> bool {
        self.disk_bytes().is_some()
    }
}

/// A share in a stage's work.
pub trait Membership: Send {
    /// The partitions that are ours, when that has changed. Waits for it for so long; must be called often.
    fn assigned(&mut self, patience: Duration) -> Result<Option<BTreeSet<u32>>, LogError>;
}

pub trait Writer: Send {
    /// Appends everything in the outbox, or nothing. When this returns it is kept and readers see it.
    fn commit(&mut self, out: &Outbox) -> Result<(), LogError>;
}

pub trait Reader: Send {
    /// What has come, up to so many bytes of each partition; waits for something for so long. Partitions without
    /// anything new are left out.
    fn read(&mut self, max_bytes: usize, patience: Duration) -> Result<Vec<Slice>, LogError> {
        self.read_of(&|_| true, max_bytes, patience)
    }

    /// The same, of those partitions alone that are wanted, by their place among the starts.
    fn read_of(
        &mut self,
        is_wanted: &dyn Fn(usize) -> bool,
        max_bytes: usize,
        patience: Duration,
    ) -> Result<Vec<Slice>, LogError>;

    /// What is no longer kept of a partition when its turn comes is passed over, and that is said.
    fn may_pass_over(&mut self, place: usize);

    /// Whether nothing more had been written to a partition when it was read last.
    fn is_at_the_end(&self, place: usize) -> bool;

    /// The offset behind everything that was committed when it is asked for first after a reading, where that can be
    /// said; 0 when nothing of it is left to be read.
    fn end(&mut self, place: usize) -> Result<Option<u64>, LogError>;

    /// How many records are still to be read, as far as is known.
    fn behind(&self) -> u64;
}

/// What was handed over of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastValues {
    pub count: u64,
    /// What was written before this offset is in them, and nothing else: who reads on from there misses nothing.
    pub next: u64,
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub topic: &'static Topic,
    pub partition: u32,
    /// The next offset to be read; the oldest that is kept, when absent.
    pub from: Option<u64>,
}

/// What a reader that may pass it over came too late for. On Kafka the offsets of commits are counted with them.
fn say_what_went(topic: &Topic, partition: u32, from: u64, first: u64) {
    let records = first.saturating_sub(from);
    warn!(
        "{records} records of {}/{partition} were no longer there when they were to be read: it goes on at offset {first}",
        topic.name
    );
}

/// How far a partition reaches, and what it takes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The oldest offset that is kept.
    pub first: u64,
    /// The offset that the next record gets.
    pub next: u64,
    /// Bytes kept, compressed; 0 when it is not known.
    pub bytes: u64,
    /// The latest event time; 0 when it is not known.
    pub last_time: i64,
}
