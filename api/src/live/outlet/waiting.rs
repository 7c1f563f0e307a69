//! What waits for a connection, and what of it is written next.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use super::{Lost, Next, Part, Subscribed};
use crate::live::shelf::{Item, Update};

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) beat: Option<Utf8Bytes>,
    pub(super) answers: VecDeque<Utf8Bytes>,
    pub(super) subscriptions: BTreeMap<u64, Subscribed>,
    pub(super) snapshots: VecDeque<Snapshot>,
    pub(super) replays: VecDeque<(u64, std::vec::IntoIter<Item>)>,
    pub(super) events: VecDeque<(u64, Arc<Update>)>,
    pub(super) changes: VecDeque<Change>,
    pub(super) changed: HashMap<Change, Arc<Update>>,
    /// Of stretches of the past: what is live goes before it.
    pub(super) played: VecDeque<(u64, Arc<Update>)>,
    pub(super) lost: Vec<Lost>,
}

/// Rows that a subscription begins with, as far as they have not been told.
pub(super) struct Snapshot {
    pub(super) id: u64,
    pub(super) rows: std::vec::IntoIter<Item>,
    pub(super) parts: usize,
    pub(super) told: usize,
}

/// A subscription and a key.
pub(super) type Change = (u64, Arc<[u8]>);

pub(super) const MAX_ANSWERS: usize = 64;
pub(super) const ROWS_PER_PART: usize = 1_000;

impl Waiting {
    /// A subscription, as long as it hears of this generation.
    pub(super) fn heard_by(&mut self, id: u64, generation: u32) -> Option<&mut Subscribed> {
        self.subscriptions.get_mut(&id).filter(|subscribed| subscribed.generation == generation)
    }

    pub(super) fn add(&mut self, id: u64, is_event: bool, update: &Arc<Update>) {
        // Somebody may come back who has heard more elsewhere than was told here.
        let heard = self.subscriptions.get(&id).and_then(|subscribed| subscribed.next.get(&update.partition));
        if is_event && heard.is_some_and(|next| update.offset < *next) {
            return;
        }
        if is_event {
            self.events.push_back((id, Arc::clone(update)));
            return;
        }
        let change = (id, Arc::clone(&update.key));
        if self.changed.insert(change.clone(), Arc::clone(update)).is_none() {
            self.changes.push_back(change);
        }
    }

    pub(super) fn take(&mut self) -> Option<Next> {
        let spoken = self.beat.take().map(Next::Beat).or_else(|| self.answers.pop_front().map(Next::Answer));
        let missed = |waiting: &mut Self| waiting.take_part().or_else(|| waiting.take_replayed());
        spoken.or_else(|| missed(self)).or_else(|| self.take_update()).or_else(|| self.take_played())
    }

    fn take_part(&mut self) -> Option<Next> {
        let snapshot = self.snapshots.front_mut()?;
        snapshot.told += 1;
        let rows = snapshot.rows.by_ref().take(ROWS_PER_PART).collect();
        let (id, part) = (snapshot.id, Part { number: snapshot.told, of: snapshot.parts, rows });
        if part.number == part.of {
            self.snapshots.pop_front();
        }
        let subscribed = self.subscriptions.get_mut(&id)?;
        subscribed.seq += 1;
        Some(Next::Part(subscribed.clone(), part))
    }

    fn take_update(&mut self) -> Option<Next> {
        let (id, update) = self.events.pop_front().or_else(|| {
            let change = self.changes.pop_front()?;
            Some((change.0, self.changed.remove(&change)?))
        })?;
        Some(Next::Update(self.heard(id, &update)?, update))
    }

    fn take_replayed(&mut self) -> Option<Next> {
        loop {
            let (id, rows) = self.replays.front_mut()?;
            match (*id, rows.next()) {
                (id, Some(Item::Update(update))) => return Some(Next::Replayed(self.heard(id, &update)?, update)),
                (_, Some(Item::Row(_))) => {}
                (_, None) => drop(self.replays.pop_front()),
            }
        }
    }

    fn take_played(&mut self) -> Option<Next> {
        let (id, update) = self.played.pop_front()?;
        Some(Next::Replayed(self.heard(id, &update)?, update))
    }

    /// Whether that is done: when all of it was told, and there is room to say so.
    pub(super) fn end_replay(&mut self, id: u64, text: &Utf8Bytes) -> bool {
        let is_told = self.played.iter().all(|(of, _)| *of != id) && self.answers.len() < MAX_ANSWERS;
        if is_told && self.subscriptions.remove(&id).is_some() {
            self.answers.push_back(text.clone());
        }
        !self.subscriptions.contains_key(&id)
    }

    /// The subscription as it is with this update.
    fn heard(&mut self, id: u64, update: &Update) -> Option<Subscribed> {
        let subscribed = self.subscriptions.get_mut(&id)?;
        subscribed.seq += 1;
        let next = subscribed.next.entry(update.partition).or_default();
        *next = (update.offset + 1).max(*next);
        Some(subscribed.clone())
    }

    /// What waits is told no more, and counted instead.
    pub(super) fn lose_everything(&mut self) {
        let events = self.events.drain(..).map(|(id, _)| (id, 1));
        let changes = self.changes.drain(..).map(|(id, _)| (id, 1));
        let parts = self.snapshots.drain(..).map(|snapshot| (snapshot.id, snapshot.parts - snapshot.told));
        let replays = self.replays.drain(..).map(|(id, rows)| (id, rows.len()));
        let played = self.played.drain(..).map(|(id, _)| (id, 1));
        let all = events.chain(changes).chain(parts).chain(replays).chain(played);
        for (id, frames) in all.filter(|(_, frames)| *frames > 0) {
            let Some(subscribed) = self.subscriptions.get(&id) else { continue };
            match self.lost.iter_mut().find(|lost| lost.subscribed.id == id) {
                Some(lost) => lost.frames += frames as u64,
                None => self.lost.push(Lost { subscribed: subscribed.clone(), frames: frames as u64 }),
            }
        }
        self.changed.clear();
    }
}
