//! Records of one partition, as far as one reading went.

use schemas::{Batch, Record, Topic};

#[derive(Debug)]
pub struct Slice {
    pub topic: &'static Topic,
    pub partition: u32,
    /// The first and the next offset: what lies between them is in `batches`, or is not there.
    pub from: u64,
    pub next: u64,
    /// Without holes between the offsets of each; the first offset of each is in `firsts`.
    pub batches: Vec<Batch>,
    firsts: Vec<u64>,
}

impl Slice {
    /// Nothing so far, from an offset on.
    pub fn new(topic: &'static Topic, partition: u32, from: u64) -> Self {
        Self { topic, partition, from, next: from, batches: Vec::new(), firsts: Vec::new() }
    }

    /// Appends a batch that begins at this offset.
    pub(super) fn push(&mut self, first: u64, batch: Batch) {
        self.next = first + u64::from(batch.count());
        self.firsts.push(first);
        self.batches.push(batch);
    }

    /// The batch that a record at this offset goes into.
    pub(super) fn batch_at(&mut self, offset: u64) -> &mut Batch {
        if self.batches.is_empty() || offset != self.next {
            self.firsts.push(offset);
            self.batches.push(Batch::default());
        }
        self.next = offset + 1;
        let last = self.batches.len() - 1;
        &mut self.batches[last]
    }

    pub fn is_empty(&self) -> bool {
        self.from == self.next
    }

    /// Each record with its offset.
    pub fn records(&self) -> impl Iterator<Item = (u64, Record<'_>)> {
        self.firsts.iter().zip(&self.batches).flat_map(|(first, batch)| (*first..).zip(batch.records()))
    }

    /// The event time of its last record.
    pub fn last_time(&self) -> Option<i64> {
        self.batches.last()?.records().last().map(|record| record.time)
    }

    pub fn count(&self) -> u64 {
        self.batches.iter().map(|batch| u64::from(batch.count())).sum()
    }
}
