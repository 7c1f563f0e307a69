//! A type that travels on a topic.

use alloc::vec::Vec;

use serde::Serialize;

use crate::{Batch, Topic};

/// The one thing every result and fact type says about itself.
pub trait Message: Serialize {
    const TOPIC: &'static Topic;
    /// The name and version of the type, as the `schema` header carries it.
    const SCHEMA: &'static str;
    /// What the `kind` header says, on a topic of several types.
    const KIND: Option<&'static [u8]> = None;

    /// Of a topic that is partitioned by two things: whether everybody who reads what is written by the first is told,
    /// in partition after partition from the first one on.
    const TO_ALL_READERS: bool = false;

    /// Writes the record key: what compaction keeps the last one of.
    fn write_key(&self, key: &mut Vec<u8>);

    /// The partition, of so many for each thing that the topic is partitioned by.
    fn partition(&self, partitions: u32) -> u32;

    /// Event time, in milliseconds UTC.
    fn time(&self) -> i64;

    /// Nothing follows under this key: readers still see this record, compaction forgets the key.
    fn ends_its_key(&self) -> bool {
        false
    }

    /// Appends this message as a record.
    fn append_to(&self, batch: &mut Batch, headers: &[u8]) {
        batch.push_with(self.time(), headers, |key| self.write_key(key), |value| write_json(value, self));
    }
}

/// Every type of the contract has string keys and no failing parts, so that writing it cannot fail.
pub(crate) fn write_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = value.serialize(&mut serde_json::Serializer::new(out));
    debug_assert!(written.is_ok(), "a type of the contract could not be written");
}
