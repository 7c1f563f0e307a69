//! Who still has to read what. Retention takes nothing that a reader needs, and whoever writes waits while a reader is
//! too far behind: so the log is bounded, and nothing is dropped.

use std::collections::BTreeMap;

use schemas::Topic;

use super::retention::bytes_kept;
use super::{Embedded, Extent};

/// By topic and partition: where each reader is.
pub type Readers = BTreeMap<(&'static str, u32), BTreeMap<&'static str, Reached>>;

#[derive(Clone, Copy)]
pub struct Reached {
    /// The offset that it reads next.
    next: u64,
    /// Whether it needs what follows, or takes of it what there is.
    needs: bool,
}

impl Embedded {
    /// A reader has finished with everything before `next`.
    pub fn needs(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        self.reaches(reader, topic, partition, Reached { next, needs: true });
    }

    /// A reader has come as far as `next`, and nothing of the rest is kept for it.
    pub fn takes_what_there_is(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        self.reaches(reader, topic, partition, Reached { next, needs: false });
    }

    fn reaches(&self, reader: &'static str, topic: &'static Topic, partition: u32, reached: Reached) {
        self.readers().entry((topic.name, partition)).or_default().insert(reader, reached);
    }

    /// How far a reader has said that it is.
    pub fn reached(&self, reader: &'static str, topic: &'static Topic, partition: u32) -> Option<u64> {
        self.readers().get(&(topic.name, partition))?.get(reader).map(|reached| reached.next)
    }

    /// The oldest offset of a partition that somebody still needs.
    pub(super) fn needed_from(&self, topic: &'static Topic, partition: u32) -> Option<u64> {
        let readers = self.readers();
        let needing = readers.get(&(topic.name, partition))?.values().filter(|reached| reached.needs);
        needing.map(|reached| reached.next).min()
    }

    /// Whether a reader of a partition is behind by half of what that may keep. Then nobody may write to it.
    pub fn is_held_up(&self, topic: &'static Topic, partition: u32) -> bool {
        let (Some(limit), Some(needed)) = (bytes_kept(self, topic), self.needed_from(topic, partition)) else {
            return false;
        };
        let Extent { first, next, bytes, .. } = self.extent(topic, partition);
        let (unread, kept) = (next.saturating_sub(needed), next.saturating_sub(first).max(1));
        u128::from(bytes) * u128::from(unread) / u128::from(kept) > u128::from(limit / 2)
    }
}
