//! Who still has to read what. Retention takes nothing that a reader needs, and whoever writes waits while a reader is
//! too far behind: so the log is bounded, and nothing is dropped.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use schemas::Topic;

use super::retention::bytes_kept;
use super::{Embedded, Extent, Place};

/// Of each partition: where each reader is, of which generation it may be.
pub type Readers = BTreeMap<Place, BTreeMap<(u32, &'static str), Reached>>;

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
        let (place, reader) = (self.place(topic, partition), (self.reads_for, reader));
        self.readers().entry(place).or_default().insert(reader, reached);
    }

    /// How far a reader has said that it is.
    pub fn reached(&self, reader: &'static str, topic: &'static Topic, partition: u32) -> Option<u64> {
        let reader = (self.reads_for, reader);
        self.readers().get(&self.place(topic, partition))?.get(&reader).map(|reached| reached.next)
    }

    /// The oldest offset of a partition that somebody still needs.
    pub(super) fn needed_from(&self, topic: &'static Topic, partition: u32) -> Option<u64> {
        self.needed_by(|_| true, topic, partition)
    }

    fn needed_by(&self, whom: impl Fn(u32) -> bool, topic: &'static Topic, partition: u32) -> Option<u64> {
        let readers = self.readers();
        let needing = readers.get(&self.place(topic, partition))?.iter();
        needing.filter(|((number, _), reached)| reached.needs && whom(*number)).map(|(_, reached)| reached.next).min()
    }

    /// Whether a reader of a partition is behind by half of what that may keep. Then nobody may write to it. For a
    /// generation that is not told yet what it needs is kept, but the sources do not wait for it.
    pub fn is_held_up(&self, topic: &'static Topic, partition: u32) -> bool {
        let (told, own) = (self.told().load(Ordering::Relaxed), self.generation.number);
        let waits_for = |number| number == told || number == own && self.generation.owns(topic);
        let (Some(limit), Some(needed)) = (bytes_kept(self, topic), self.needed_by(waits_for, topic, partition)) else {
            return false;
        };
        let Extent { first, next, bytes, .. } = self.extent(topic, partition);
        let (unread, kept) = (next.saturating_sub(needed), next.saturating_sub(first).max(1));
        u128::from(bytes) * u128::from(unread) / u128::from(kept) > u128::from(limit / 2)
    }
}
