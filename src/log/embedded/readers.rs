//! Who still has to read what. Retention takes nothing that a reader needs, and whoever writes waits while a reader is
//! too far behind: so the log is bounded, and nothing is dropped.

use std::collections::BTreeMap;

use schemas::Topic;

use super::retention::bytes_kept;
use super::{Embedded, Extent};

/// By topic and partition: the offset that each reader reads next.
pub type Readers = BTreeMap<(&'static str, u32), BTreeMap<&'static str, u64>>;

impl Embedded {
    /// A reader has finished with everything before `next`.
    pub fn needs(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        self.readers().entry((topic.name, partition)).or_default().insert(reader, next);
    }

    /// How far a reader has said that it is.
    pub fn reached(&self, reader: &'static str, topic: &'static Topic, partition: u32) -> Option<u64> {
        self.readers().get(&(topic.name, partition))?.get(reader).copied()
    }

    /// The oldest offset of a partition that somebody still needs.
    pub(super) fn needed_from(&self, topic: &'static Topic, partition: u32) -> Option<u64> {
        self.readers().get(&(topic.name, partition))?.values().copied().min()
    }

    /// Whether a reader of these topics is behind by half of what they may keep. Then nobody may write to them.
    pub fn is_held_up(&self, topics: &[&'static Topic]) -> bool {
        let is_full = |topic: &'static Topic, partition| {
            let (Some(limit), Some(needed)) = (bytes_kept(self, topic), self.needed_from(topic, partition)) else {
                return false;
            };
            let Extent { first, next, bytes, .. } = self.extent(topic, partition);
            let (unread, kept) = (next.saturating_sub(needed), next.saturating_sub(first).max(1));
            u128::from(bytes) * u128::from(unread) / u128::from(kept) > u128::from(limit / 2)
        };
        topics.iter().any(|topic| self.partitions(topic).any(|partition| is_full(topic, partition)))
    }
}
