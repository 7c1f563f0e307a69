//! Results in as they are committed → the state of the present, and updates to every connection that has subscribed.
//! Whatever is applied is applied under one lock, and so is a subscription: what it begins with and what follows meet
//! without a seam. Nobody is waited for: who cannot follow is cut off.

mod filter;
mod heard;
mod hub;
mod last_rows;
mod outlet;
mod recent_rows;
mod shelf;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::{Record, ResultClock, Topic};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::channel::{Channel, Key, Subject};
use crate::error::ApiError;
use crate::row::{Shape, Told};
use crate::standing::Standing;
use hub::Hub;

pub(crate) use filter::Filter;
pub(crate) use heard::{Beginning, CURSOR_EXPIRED, GENERATION_CHANGED, Heard};
pub(crate) use outlet::{Lost, MAX_CHANGES, MAX_EVENTS, Next, Outlet, Part, Subscribed};
pub(crate) use shelf::Update;

/// Where the live results come in.
#[derive(Clone)]
pub struct Live {
    hub: Arc<Mutex<Hub>>,
    present: Arc<watch::Sender<bool>>,
    stop: watch::Receiver<bool>,
}

/// Results are told the time once a second, and take a little to come here.
const CLOCKS_COME_WITHIN: Duration = Duration::from_millis(1_500);

/// The next offset per topic and partition.
pub(crate) type Offsets = BTreeMap<(&'static str, u32), u64>;

/// A topic of which the present is kept.
pub struct LiveTopic {
    pub topic: &'static Topic,
    /// Behind the head of event time, in milliseconds; all there is where that is endless.
    pub reaches_back: i64,
}

impl Live {
    pub fn new(stop: watch::Receiver<bool>) -> Self {
        Self { hub: Arc::default(), present: Arc::default(), stop }
    }

    /// Each topic that is told, once, and how far back of its head it has to be read to know the present.
    pub fn topics() -> Vec<LiveTopic> {
        let mut topics: Vec<LiveTopic> = Vec::new();
        for channel in crate::channel::CHANNELS {
            match topics.iter_mut().find(|known| known.topic.name == channel.topic.name) {
                Some(known) => known.reaches_back = known.reaches_back.max(channel.reaches_back),
                None => topics.push(LiveTopic { topic: channel.topic, reaches_back: channel.reaches_back }),
            }
        }
        topics
    }

    /// The last value of a key, as the log keeps it: what was before it is not needed to know the present.
    pub fn restore(&self, topic: &'static Topic, partition: u32, key: &[u8], value: &[u8]) {
        self.hub().restore(topic, partition, key, value);
    }

    /// Says where the results of a partition begin that are published: what is before is restored, or too old to tell.
    pub fn begin(&self, topic: &'static Topic, partition: u32, offset: u64) {
        self.hub().begin(topic, partition, offset);
    }

    /// Everything that was on the log has been told: from now on it is the present.
    pub fn is_present(&self) {
        self.present.send_replace(true);
    }

    /// Whether everything that was on the log has been told.
    pub fn knows_the_present(&self) -> bool {
        *self.present.borrow()
    }

    /// Returns when the present is known, or nobody wants to know it any more.
    pub async fn is_known_or_ends(&self) {
        let mut present = self.present.subscribe();
        tokio::select! {
            // The sender is ours.
            _ = present.wait_for(|present| *present) => {}
            () = self.stopped() => {}
        }
    }

    /// Tells a record that is on the log to whoever listens. To be called in the order of the offsets.
    pub fn publish(&self, topic: &'static Topic, partition: u32, offset: u64, record: &Record<'_>) {
        if let Err(error) = self.hub().publish(topic, partition, offset, record) {
            tracing::error!(%error, topic = topic.name, partition, offset, "a live result is not what its schema says");
        }
    }

    /// The latest clock that came in, of whatever partition.
    pub fn head(&self) -> Option<ResultClock> {
        self.hub().clocks.values().copied().max_by_key(|clock| clock.time)
    }

    /// The event time that it is by now: that of the latest clock, and what has gone by since it came.
    pub fn head_by_now(&self) -> Option<i64> {
        let (clock, came) = self.hub().head?;
        Some(clock + came.elapsed().min(CLOCKS_COME_WITHIN).as_millis() as i64)
    }

    /// Everything up to this event time has come in.
    pub(crate) fn watermark(&self) -> Option<i64> {
        self.hub().clocks.values().map(|clock| clock.time).min()
    }

    /// Whether anybody listens to anything.
    #[cfg(test)]
    pub(crate) fn is_heard(&self) -> bool {
        self.hub().is_heard()
    }

    /// How many updates the slowest client has still to take.
    pub fn waiting(&self) -> usize {
        self.hub().waiting()
    }

    /// The next offset per topic and partition.
    pub fn next(&self) -> BTreeMap<(&'static str, u32), u64> {
        self.hub().next.clone()
    }

    /// An error that says what is waited for, until the present is known.
    pub(crate) fn known_present(&self) -> Result<(), ApiError> {
        if self.knows_the_present() { Ok(()) } else { Err(ApiError::NotReady) }
    }

    /// What the state of some topics stands for.
    pub(crate) fn standing(&self, topics: &[&'static Topic]) -> Standing {
        let hub = self.hub();
        Standing::of_state(topics, &hub.next, &hub.clocks)
    }

    /// The rows of a table as they are now, of a channel that keeps its state.
    pub(crate) fn rows(&self, shape: &'static Shape, subject: &Subject) -> Vec<Told> {
        let Some(place) = Channel::of(shape.of.topic, shape.of.kind) else { return Vec::new() };
        let rows = self.hub().shelves[place].rows(subject, &Filter::default());
        let told = |row: shelf::Item| row.value().and_then(|value| shape.live(&value).ok());
        rows.into_iter().filter_map(told).collect()
    }

    /// What was said last of each key of a channel that keeps its state.
    pub(crate) fn last<M: DeserializeOwned>(&self, channel: &'static Channel, subject: &Subject) -> Vec<M> {
        let Some(place) = Channel::of(channel.topic, channel.kind) else { return Vec::new() };
        let rows = self.hub().shelves[place].rows(subject, &Filter::default());
        rows.into_iter().filter_map(|row| serde_json::from_slice(&row.value()?).ok()).collect()
    }

    /// The same of every key, also of those of which the end was told.
    pub(crate) fn last_and_ended<M: DeserializeOwned>(&self, channel: &'static Channel) -> Vec<M> {
        let Some(place) = Channel::of(channel.topic, channel.kind) else { return Vec::new() };
        let rows = self.hub().shelves[place].rows_and_ended();
        rows.into_iter().filter_map(|row| serde_json::from_slice(&row.value()?).ok()).collect()
    }

    /// A coin as its market is called, of what is known at present.
    pub(crate) fn coin(&self, asked: &str) -> Option<String> {
        crate::coin::among(asked, |name| self.hub().knows(name), || self.hub().coins())
    }

    pub(crate) fn leave(&self, outlet: &Arc<Outlet>) {
        self.hub().leave(outlet);
    }

    /// From here on the outlet hears of it, beginning with how things are, or where somebody was cut.
    /// Given back, it is to be told first what the log keeps.
    pub(crate) fn subscribe(
        &self,
        outlet: &Arc<Outlet>,
        subscribed: Subscribed,
        beginning: &Beginning,
    ) -> Option<Subscribed> {
        self.hub().subscribe(outlet, subscribed, beginning)
    }

    /// Whether a subscription that was told what the log keeps hears the rest from here on, or is there no more.
    pub(crate) fn go_on(&self, outlet: &Arc<Outlet>, id: u64, heard: &Heard) -> bool {
        self.hub().go_on(outlet, id, heard.generation, &Beginning::Behind(heard.clone()))
    }

    /// The log could not tell a subscription what it missed: it begins with how things are.
    pub(crate) fn begin_anew(&self, outlet: &Arc<Outlet>, id: u64, generation: u32, reason: &'static str) {
        self.hub().go_on(outlet, id, generation, &Beginning::Anew(reason));
    }

    pub(crate) fn unsubscribe(&self, outlet: &Arc<Outlet>, subject: &Subject, id: u64) {
        self.hub().unsubscribe(outlet, subject, id);
    }

    /// A coin that nobody knows yet is taken at its word: its market may open while the client listens.
    pub(crate) fn by_its_own_name(&self, asked: Subject) -> Subject {
        let Key::Coin(coin) = &asked.key else { return asked };
        let known = self.coin(coin);
        Subject { key: Key::Coin(known.unwrap_or_else(|| coin.clone())), ..asked }
    }

    /// Returns when everything is to end.
    pub(crate) async fn stopped(&self) {
        if self.stop.clone().wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could say so.
            std::future::pending::<()>().await;
        }
    }

    /// Nothing can fail half-way while it is held.
    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
