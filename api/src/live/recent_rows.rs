//! The latest rows of a channel, in the order of their times: what has happened. At least those of the last five minutes
//! are there, and fifty, but no more than memory is meant for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::shelf::{Item, Update};
use super::{Filter, Heard};
use crate::channel::{Channel, Subject};

pub(crate) struct RecentRows {
    channel: &'static Channel,
    in_a_snapshot: usize,
    rows: BTreeMap<Place, Arc<Update>>,
    /// Where the row of each key stands: one that is told again moves.
    places: HashMap<Arc<[u8]>, Place>,
    /// Of each partition everything from this offset on is here.
    since: BTreeMap<u32, u64>,
}

/// Time, partition and offset.
type Place = (i64, u32, u64);

const AT_MOST: usize = 20_000;

impl RecentRows {
    pub(crate) fn new(channel: &'static Channel, in_a_snapshot: usize) -> Self {
        let (rows, places, since) = Default::default();
        Self { channel, in_a_snapshot, rows, places, since }
    }

    pub(crate) fn put(&mut self, update: Arc<Update>) {
        let place = (update.time, update.partition, update.offset);
        if let Some(before) = self.places.insert(Arc::clone(&update.key), place) {
            self.rows.remove(&before);
        }
        self.rows.insert(place, update);
        while self.rows.len() > AT_MOST {
            self.forget_first();
        }
    }

    /// The latest so many of the subject, oldest first.
    pub(crate) fn of(&self, subject: &Subject, filter: &Filter) -> Vec<Item> {
        let all = self.rows.values().rev().filter(|update| self.is_of(subject, filter, update));
        let latest = all.take(self.in_a_snapshot);
        let mut rows: Vec<Item> = latest.map(|update| Item::Update(Arc::clone(update))).collect();
        rows.reverse();
        rows
    }

    pub(crate) fn begin(&mut self, partition: u32, offset: u64) {
        self.since.entry(partition).or_insert(offset);
    }

    /// Of a channel whose rows do not change: each that was not heard, in the order of its partition.
    pub(crate) fn since(&self, heard: &Heard, subject: &Subject, filter: &Filter) -> Option<Vec<Item>> {
        let next = |partition: &u32| heard.next.get(partition).copied().unwrap_or_default();
        let is_known = self.since.iter().all(|(partition, since)| next(partition) >= *since);
        if !is_known || !self.channel.tells_events() {
            return None;
        }
        let unheard = self.rows.values().filter(|update| update.offset >= next(&update.partition));
        let mut rows: Vec<_> = unheard.filter(|update| self.is_of(subject, filter, update)).map(Arc::clone).collect();
        rows.sort_by_key(|update| (update.offset, update.partition));
        Some(rows.into_iter().map(Item::Update).collect())
    }

    fn is_of(&self, subject: &Subject, filter: &Filter, update: &Update) -> bool {
        self.channel.subjects(&update.row).contains(subject) && filter.lets(&update.row)
    }

    fn forget_first(&mut self) {
        if let Some((_, first)) = self.rows.pop_first() {
            self.places.remove(&first.key);
            self.since.insert(first.partition, first.offset + 1);
        }
    }
}
