//! The log's interface on the embedded storage: all partitions are ours, a writer is as good as another one, and a
//! reader waits for the commits of this process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use schemas::{Generation, Outbox, Topic, topics};
use tracing::debug;

use super::{Embedded, retention};
use crate::log::{Extent, LastValues, Log, LogError, Membership, Reader, Slice, Start, Writer, say_what_went};

impl Log for Embedded {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn of_generation(&self, number: u32) -> Result<Arc<dyn Log>, LogError> {
        Ok(Arc::new(self.seen_as(self.generation.other(number), number)))
    }

    fn of_the_facts(&self) -> Result<Arc<dyn Log>, LogError> {
        Ok(Arc::new(self.seen_as(self.generation.of_the_facts(), self.reads_for)))
    }

    fn forget(&self, number: u32) -> Result<(), LogError> {
        Embedded::forget(&self.seen_as(self.generation.other(number), number))
    }

    fn told(&self) -> &AtomicU32 {
        self.told()
    }

    fn membership(&self, _: &'static str, topic: &'static Topic) -> Result<Box<dyn Membership>, LogError> {
        Ok(Box::new(Alone { partitions: Some(self.partitions(topic).collect()) }))
    }

    fn writer(self: Arc<Self>, task: &str) -> Result<Box<dyn Writer>, LogError> {
        Ok(Box::new(TaskWriter { log: self, task: task.to_owned() }))
    }

    fn reader(self: Arc<Self>, starts: &[Start]) -> Result<Box<dyn Reader>, LogError> {
        let parts = starts.iter().map(|start| Part::beginning(start, &self)).collect();
        Ok(Box::new(PartsReader { log: self, parts }))
    }

    fn last_values(
        &self,
        topic: &'static Topic,
        partition: u32,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<LastValues, LogError> {
        Embedded::last_values(self, topic, partition, each)
    }

    fn last_value(&self, topic: &'static Topic, partition: u32, name: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        Embedded::last_value(self, topic, partition, name)
    }

    fn offset_at(self: Arc<Self>, topic: &'static Topic, partition: u32, time: i64) -> Result<u64, LogError> {
        Embedded::offset_at(&self, topic, partition, time)
    }

    fn extent(&self, topic: &'static Topic, partition: u32) -> Result<Extent, LogError> {
        Ok(Embedded::extent(self, topic, partition))
    }

    fn unread(&self, topic: &'static Topic, partition: u32, next: u64) -> Result<u64, LogError> {
        Ok(Embedded::extent(self, topic, partition).next.saturating_sub(next))
    }

    fn records_kept(&self, topic: &'static Topic) -> u64 {
        Embedded::records_kept(self, topic)
    }

    fn bytes_kept(&self, topic: &'static Topic) -> u64 {
        self.partitions(topic).map(|partition| Embedded::extent(self, topic, partition).bytes).sum()
    }

    fn done(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        self.needs(reader, topic, partition, next);
    }

    fn has_come_to(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        self.takes_what_there_is(reader, topic, partition, next);
    }

    fn progress(&self, reader: &'static str, topic: &'static Topic, partition: u32) -> Result<Option<u64>, LogError> {
        Ok(self.reached(reader, topic, partition))
    }

    fn is_held_up(&self, topic: &'static Topic, partition: u32) -> bool {
        Embedded::is_held_up(self, topic, partition)
    }

    fn keep_house(&self) -> Result<(), LogError> {
        let mut forgotten = retention::forget(self)?;
        if self.generation != self.generation.of_the_facts() {
            // Sources go on writing it, also when nobody makes that generation any more.
            let tape = self.seen_as(self.generation.of_the_facts(), self.reads_for);
            forgotten += retention::forget_of(&tape, &topics::FILLS)?;
        }
        if forgotten > 0 {
            debug!("{forgotten} old records went");
        }
        Ok(())
    }

    fn wake(&self) {
        Embedded::wake(self);
    }

    fn disk_bytes(&self) -> Option<u64> {
        Some(Embedded::disk_bytes(self))
    }
}

/// One process owns the directory: everything is its own, once and for all.
struct Alone {
    partitions: Option<BTreeSet<u32>>,
}

impl Membership for Alone {
    fn assigned(&mut self, patience: Duration) -> Result<Option<BTreeSet<u32>>, LogError> {
        if self.partitions.is_none() {
            std::thread::park_timeout(patience);
        }
        Ok(self.partitions.take())
    }
}

struct TaskWriter {
    log: Arc<Embedded>,
    task: String,
}

impl Writer for TaskWriter {
    fn commit(&mut self, out: &Outbox) -> Result<(), LogError> {
        self.log.commit(&self.task, out)
    }
}

struct PartsReader {
    log: Arc<Embedded>,
    parts: Vec<Part>,
}

struct Part {
    topic: &'static Topic,
    partition: u32,
    next: u64,
    may_pass_over: bool,
}

impl Reader for PartsReader {
    fn read_of(
        &mut self,
        is_wanted: &dyn Fn(usize) -> bool,
        max_bytes: usize,
        patience: Duration,
    ) -> Result<Vec<Slice>, LogError> {
        let seen = self.log.commits();
        let slices = self.take(is_wanted, max_bytes)?;
        if !slices.is_empty() {
            return Ok(slices);
        }
        self.log.wait(seen, patience);
        self.take(is_wanted, max_bytes)
    }

    fn behind(&self) -> u64 {
        self.parts.iter().map(|part| part.end(&self.log).saturating_sub(part.next)).sum()
    }

    fn may_pass_over(&mut self, place: usize) {
        self.parts[place].may_pass_over = true;
    }

    fn is_at_the_end(&self, place: usize) -> bool {
        let part = &self.parts[place];
        part.end(&self.log) <= part.next
    }

    fn end(&mut self, place: usize) -> Result<Option<u64>, LogError> {
        Ok(Some(self.parts[place].end(&self.log)))
    }
}

impl PartsReader {
    fn take(&mut self, is_wanted: &dyn Fn(usize) -> bool, max_bytes: usize) -> Result<Vec<Slice>, LogError> {
        let mut slices = Vec::new();
        for (_, part) in self.parts.iter_mut().enumerate().filter(|(place, _)| is_wanted(*place)) {
            let slice = part.read(&self.log, max_bytes)?;
            if !slice.is_empty() {
                part.next = slice.next;
                slices.push(slice);
            }
        }
        Ok(slices)
    }
}

impl Part {
    fn beginning(&Start { topic, partition, from }: &Start, log: &Embedded) -> Self {
        let next = from.unwrap_or_else(|| log.extent(topic, partition).first);
        Self { topic, partition, next, may_pass_over: false }
    }

    fn read(&mut self, log: &Embedded, max_bytes: usize) -> Result<Slice, LogError> {
        loop {
            match log.read(self.topic, self.partition, self.next, max_bytes) {
                Err(LogError::OutOfRange { first, .. }) if self.may_pass_over => {
                    say_what_went(self.topic, self.partition, self.next, first);
                    self.next = first;
                }
                read => return read,
            }
        }
    }

    fn end(&self, log: &Embedded) -> u64 {
        log.extent(self.topic, self.partition).next
    }
}
