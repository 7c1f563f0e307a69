//! What waits for one connection. A heartbeat goes before everything and answers before data; then what subscriptions begin
//! with, each event, and of what changes the last value of each key. What waits is bounded: who lets more come is cut off.

mod waiting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{Notify, watch};

use super::shelf::{Item, Update};
use super::{Filter, Heard};
use crate::channel::{Channel, Subject};
use crate::replay::Stretch;
use crate::websocket::{Ending, frames};
use waiting::{MAX_ANSWERS, ROWS_PER_PART, Snapshot, Waiting};

pub(crate) struct Outlet {
    waiting: Mutex<Waiting>,
    /// There is something to be written.
    filled: Notify,
    /// Something that is waited for has been taken: an answer, a part of a snapshot, what the log keeps.
    answered: Notify,
    ending: watch::Sender<Option<Ending>>,
}

/// A subscription as its connection knows it.
#[derive(Clone)]
pub(crate) struct Subscribed {
    pub(crate) id: u64,
    /// Whose results it is told.
    pub(crate) generation: u32,
    pub(crate) channel: &'static Channel,
    pub(crate) subject: Subject,
    pub(crate) filter: Filter,
    /// Of the last frame; the first frame has 1.
    pub(crate) seq: u64,
    /// What is before these offsets was told, or was in the rows it began with.
    pub(crate) next: BTreeMap<u32, u64>,
    /// It is told this once more, and nothing that is live.
    pub(crate) replay: Option<Stretch>,
}

/// What is to be written next.
pub(crate) enum Next {
    Beat(Utf8Bytes),
    Answer(Utf8Bytes),
    Part(Subscribed, Part),
    Update(Subscribed, Arc<Update>),
    /// Something that has happened before.
    Replayed(Subscribed, Arc<Update>),
}

/// Some of the rows that a subscription begins with.
pub(crate) struct Part {
    pub(crate) number: usize,
    pub(crate) of: usize,
    pub(crate) rows: Vec<Item>,
}

/// What a subscription did not hear because its connection was too slow.
pub(crate) struct Lost {
    pub(crate) subscribed: Subscribed,
    pub(crate) frames: u64,
}

pub(crate) const MAX_EVENTS: usize = 8_192;
pub(crate) const MAX_CHANGES: usize = 16_384;
const MAX_SNAPSHOTS: usize = 8;
/// Of each stretch of the past; the log is read no faster than they are taken.
const MAX_PLAYED: usize = 64;

impl Outlet {
    pub(crate) fn new() -> Self {
        let (ending, _) = watch::channel(None);
        Self { waiting: Mutex::default(), filled: Notify::new(), answered: Notify::new(), ending }
    }

    pub(crate) fn beat(&self, text: Utf8Bytes) {
        self.waiting().beat = Some(text);
        self.filled.notify_one();
    }

    /// Returns when there is room: a client that does not read hears no more answers.
    pub(crate) async fn answer(&self, text: Utf8Bytes) {
        loop {
            let room = self.answered.notified();
            if self.waiting().answers.len() < MAX_ANSWERS {
                break;
            }
            room.await;
        }
        self.waiting().answers.push_back(text);
        self.filled.notify_one();
    }

    /// Returns when there is room for one more snapshot: what waits of them is bounded by waiting for the client.
    pub(crate) async fn room_for_a_snapshot(&self) {
        loop {
            let room = self.answered.notified();
            if self.waiting().snapshots.len() < MAX_SNAPSHOTS {
                return;
            }
            room.await;
        }
    }

    /// With how things are, and when that is not where somebody was cut it is said, and why.
    pub(super) fn begin(&self, mut subscribed: Subscribed, rows: Vec<Item>, cut_by: Option<&str>) {
        let mut waiting = self.waiting();
        if let Some(reason) = cut_by.filter(|_| subscribed.channel.tells_events()) {
            waiting.answers.push_back(frames::resync_required(&subscribed, reason));
        }
        // What was read from the log for it is a part of how things are.
        waiting.replays.retain(|(id, _)| *id != subscribed.id);
        subscribed.seq = waiting.subscriptions.get(&subscribed.id).map_or(0, |known| known.seq);
        let parts = rows.len().div_ceil(ROWS_PER_PART).max(1);
        waiting.snapshots.push_back(Snapshot { id: subscribed.id, rows: rows.into_iter(), parts, told: 0 });
        waiting.subscriptions.insert(subscribed.id, subscribed);
        self.filled.notify_one();
    }

    /// With what has happened since somebody was cut, or behind what was read from the log for it.
    pub(super) fn resume(&self, subscribed: Subscribed, rows: Vec<Item>) {
        let mut waiting = self.waiting();
        waiting.replays.push_back((subscribed.id, rows.into_iter()));
        waiting.subscriptions.entry(subscribed.id).or_insert(subscribed);
        self.filled.notify_one();
    }

    /// What the log keeps is read for it: it is told nothing else until it goes on from there.
    pub(crate) fn expect(&self, subscribed: Subscribed) {
        self.waiting().subscriptions.insert(subscribed.id, subscribed);
    }

    /// It is read from here on.
    pub(crate) fn stands_at(&self, id: u64, heard: &Heard) {
        if let Some(subscribed) = self.waiting().heard_by(id, heard.generation) {
            subscribed.next.clone_from(&heard.next);
        }
    }

    /// Returns when what was read before is on its way, or nobody waits for it any more.
    pub(crate) async fn room_for_a_replay(&self, id: u64) {
        loop {
            let room = self.answered.notified();
            let waits = self.waiting().replays.iter().any(|(of, rows)| *of == id && rows.len() > 0);
            if !waits || self.ending.borrow().is_some() {
                return;
            }
            room.await;
        }
    }

    /// Some of what the log keeps of a generation. Whether it is still heard.
    pub(crate) fn replay(&self, id: u64, generation: u32, rows: Vec<Arc<Update>>) -> bool {
        let mut waiting = self.waiting();
        let is_heard = waiting.heard_by(id, generation).is_some() && self.ending.borrow().is_none();
        if is_heard && !rows.is_empty() {
            let rows: Vec<Item> = rows.into_iter().map(Item::Update).collect();
            waiting.replays.push_back((id, rows.into_iter()));
            self.filled.notify_one();
        }
        is_heard
    }

    /// A row of a stretch of the past, when there is room for it: nobody else waits for it, so it may wait.
    pub(crate) async fn play(&self, id: u64, update: Arc<Update>) {
        loop {
            let room = self.answered.notified();
            if self.waiting().played.iter().filter(|(of, _)| *of == id).count() < MAX_PLAYED {
                break;
            }
            room.await;
        }
        let mut waiting = self.waiting();
        if waiting.subscriptions.contains_key(&id) {
            waiting.played.push_back((id, update));
            self.filled.notify_one();
        }
    }

    /// Says behind its last row that it is over, and tells nothing more of it. Who has ended it hears nothing.
    pub(crate) async fn end_replay(&self, id: u64, text: Utf8Bytes) {
        loop {
            let told = self.answered.notified();
            if self.ending.borrow().is_some() || self.waiting().end_replay(id, &text) {
                break;
            }
            told.await;
        }
        self.filled.notify_one();
    }

    /// Returns when nothing more is told of it, or of anything.
    pub(crate) async fn forgets(&self, id: u64) {
        loop {
            let forgotten = self.answered.notified();
            if !self.waiting().subscriptions.contains_key(&id) || self.ending.borrow().is_some() {
                return;
            }
            forgotten.await;
        }
    }

    pub(super) fn tell(&self, id: u64, is_event: bool, update: &Arc<Update>) {
        let mut waiting = self.waiting();
        if self.ending.borrow().is_some() {
            return;
        }
        waiting.add(id, is_event, update);
        let is_too_much = waiting.events.len() > MAX_EVENTS || waiting.changed.len() > MAX_CHANGES;
        drop(waiting);
        if is_too_much {
            self.end(Ending::Slow);
        }
        self.filled.notify_one();
    }

    /// Nothing more is told of it.
    pub(crate) fn forget(&self, id: u64) {
        let mut waiting = self.waiting();
        waiting.subscriptions.remove(&id);
        waiting.snapshots.retain(|snapshot| snapshot.id != id);
        waiting.replays.retain(|(of, _)| *of != id);
        waiting.events.retain(|(of, _)| *of != id);
        waiting.changes.retain(|(of, _)| *of != id);
        waiting.changed.retain(|(of, _), _| *of != id);
        waiting.played.retain(|(of, _)| *of != id);
        self.answered.notify_waiters();
    }

    /// How many updates wait.
    pub(super) fn updates_waiting(&self) -> usize {
        let waiting = self.waiting();
        waiting.events.len() + waiting.changes.len()
    }

    pub(crate) fn subscriptions(&self) -> Vec<(Subject, u64)> {
        let waiting = self.waiting();
        waiting.subscriptions.values().map(|subscribed| (subscribed.subject.clone(), subscribed.id)).collect()
    }

    /// As it stands.
    pub(super) fn subscribed(&self, id: u64) -> Option<Subscribed> {
        self.waiting().subscriptions.get(&id).cloned()
    }

    /// Each subscription as it stands.
    pub(crate) fn listed(&self) -> Vec<Subscribed> {
        self.waiting().subscriptions.values().cloned().collect()
    }

    pub(crate) async fn next(&self) -> Next {
        loop {
            let filled = self.filled.notified();
            if let Some(next) = self.next_now() {
                return next;
            }
            filled.await;
        }
    }

    /// What waits already.
    pub(crate) fn next_now(&self) -> Option<Next> {
        let next = self.waiting().take();
        if matches!(next, Some(Next::Answer(_) | Next::Part(..) | Next::Replayed(..))) {
            self.answered.notify_waiters();
        }
        next
    }

    /// What was not told, of each subscription, when it ended because the client was too slow.
    pub(crate) fn lost(&self) -> Vec<Lost> {
        std::mem::take(&mut self.waiting().lost)
    }

    /// The first reason counts. Who was too slow is told what it did not hear.
    pub(crate) fn end(&self, ending: Ending) {
        if ending == Ending::Slow {
            self.waiting().lose_everything();
        }
        self.ending.send_if_modified(|ended| ended.is_none() && ended.replace(ending).is_none());
        self.answered.notify_waiters();
    }

    pub(crate) async fn ended(&self) -> Ending {
        let mut endings = self.ending.subscribe();
        let ended = endings.wait_for(Option::is_some).await.ok().and_then(|ending| *ending);
        // The sender is ours.
        ended.unwrap_or(Ending::Gone)
    }

    /// Nothing can fail half-way while it is held.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
