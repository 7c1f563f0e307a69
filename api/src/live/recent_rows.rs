//! The latest rows of a channel, in the order of their times: of what happens so many in all, of what changes for a while so
//! many of each coin and interval.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use schemas::Interval;

use super::shelf::{Item, Update};
use super::{Filter, Heard};
use crate::channel::{Channel, Key, Subject};

pub(crate) struct RecentRows {
    channel: &'static Channel,
    in_a_snapshot: usize,
    rows: BTreeMap<Place, Arc<Update>>,
    /// Where the row of each key stands: one that is told again moves.
    places: HashMap<Arc<[u8]>, Place>,
    groups: HashMap<Group, BTreeSet<Place>>,
    /// Of each partition everything from this offset on is here.
    since: BTreeMap<u32, u64>,
}

/// Time, partition and offset.
type Place = (i64, u32, u64);
/// Rows that are forgotten for each other's sake.
type Group = Option<(Key, Option<Interval>)>;

const EVENTS_AT_MOST: usize = 20_000;

impl RecentRows {
    pub(crate) fn new(channel: &'static Channel, in_a_snapshot: usize) -> Self {
        let (rows, places, groups, since) = Default::default();
        Self { channel, in_a_snapshot, rows, places, groups, since }
    }

    pub(crate) fn put(&mut self, update: Arc<Update>) {
        let place = (update.time, update.partition, update.offset);
        let at_most = if self.channel.tells_events() { EVENTS_AT_MOST } else { self.in_a_snapshot };
        let before = self.places.insert(Arc::clone(&update.key), place);
        let group = self.groups.entry(group_of(self.channel, &update)).or_default();
        if let Some(before) = before {
            self.rows.remove(&before);
            group.remove(&before);
        }
        group.insert(place);
        let first = if group.len() > at_most { group.pop_first() } else { None };
        self.rows.insert(place, update);
        if let Some(first) = first.and_then(|first| self.rows.remove(&first)) {
            self.forget(&first);
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
        self.channel.is_heard(subject, &update.row) && filter.lets(&update.row)
    }

    /// Times are not in the order of offsets: what is forgotten may be before what was forgotten already.
    fn forget(&mut self, first: &Update) {
        self.places.remove(&first.key);
        let since = self.since.entry(first.partition).or_default();
        *since = (first.offset + 1).max(*since);
    }
}

/// Events are one group. What changes is told by coin.
fn group_of(channel: &Channel, update: &Update) -> Group {
    if channel.tells_events() {
        return None;
    }
    let coin = update.row.keys.iter().find(|key| matches!(key, Key::Coin(_)));
    coin.map(|coin| (coin.clone(), update.row.interval))
}
