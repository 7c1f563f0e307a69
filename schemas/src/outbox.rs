//! What a stage has made and not yet committed: one batch per topic and partition, and the state that goes with it.

use alloc::vec::Vec;

use crate::message::{Message, write_json};
use crate::{Batch, Gap, Generation, Headers, ResultClock, Topic, kind};

#[derive(Debug)]
pub struct Outbox {
    generation: Generation,
    slots: Vec<Slot>,
    /// Headers of the input that is being worked on, which every record made of it inherits.
    inherited: Vec<u8>,
    headers: Vec<u8>,
}

#[derive(Debug)]
struct Slot {
    topic: &'static Topic,
    partition: u32,
    batch: Batch,
}

impl Outbox {
    pub fn new(generation: Generation) -> Self {
        Self { generation, slots: Vec::new(), inherited: Vec::new(), headers: Vec::new() }
    }

    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Every record from here on carries the time its input was received.
    pub fn inherit(&mut self, headers: Headers<'_>) {
        self.inherited.clear();
        if let Some(received) = headers.get("received") {
            Headers::write(&mut self.inherited, "received", received);
        }
    }

    pub fn send<M: Message>(&mut self, message: &M) {
        let partition = message.partition(self.generation.partitions);
        let mut headers = core::mem::take(&mut self.headers);
        headers.clear();
        Headers::write(&mut headers, "schema", M::SCHEMA.as_bytes());
        if let Some(kind) = M::KIND {
            Headers::write(&mut headers, kind::HEADER, kind);
        }
        headers.extend_from_slice(&self.inherited);
        for partition in partition..partition + if M::TO_ALL_READERS { self.generation.partitions } else { 1 } {
            message.append_to(self.batch(M::TOPIC, partition), &headers);
        }
        if message.ends_its_key() {
            let mut key = Vec::new();
            message.write_key(&mut key);
            self.batch(M::TOPIC, partition).push(message.time(), &key, None, &headers);
        }
        self.headers = headers;
    }

    /// Says the clock in one partition of a result topic.
    pub fn send_clock(&mut self, topic: &'static Topic, partition: u32, clock: &ResultClock) {
        let mut headers = Vec::new();
        Headers::write(&mut headers, "schema", ResultClock::SCHEMA.as_bytes());
        Headers::write(&mut headers, kind::HEADER, kind::CLOCK);
        headers.extend_from_slice(&self.inherited);
        let write_key = |key: &mut Vec<u8>| key.extend_from_slice(ResultClock::KEY);
        self.batch(topic, partition).push_with(clock.time, &headers, write_key, |value| write_json(value, clock));
    }

    /// Says a hole in one partition of a topic that another stage reads.
    pub fn send_gap(&mut self, topic: &'static Topic, partition: u32, gap: &Gap) {
        let mut headers = Vec::new();
        Headers::write(&mut headers, "schema", b"gap/1");
        Headers::write(&mut headers, kind::HEADER, kind::GAP);
        let write_key = |key: &mut Vec<u8>| key.extend_from_slice(kind::GAP);
        self.batch(topic, partition).push_with(gap.to_time, &headers, write_key, |value| write_json(value, gap));
    }

    pub fn batch(&mut self, topic: &'static Topic, partition: u32) -> &mut Batch {
        let is_it = |slot: &Slot| slot.partition == partition && core::ptr::eq(slot.topic, topic);
        let at = self.slots.iter().position(is_it).unwrap_or_else(|| {
            self.slots.push(Slot { topic, partition, batch: Batch::default() });
            self.slots.len() - 1
        });
        &mut self.slots[at].batch
    }

    /// What there is to commit.
    pub fn filled(&self) -> impl Iterator<Item = (&'static Topic, u32, &Batch)> {
        self.slots.iter().filter(|slot| !slot.batch.is_empty()).map(|slot| (slot.topic, slot.partition, &slot.batch))
    }

    pub fn records(&self) -> usize {
        self.slots.iter().map(|slot| slot.batch.count() as usize).sum()
    }

    pub fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.batch.bytes().len()).sum()
    }

    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.batch.clear();
        }
    }
}
