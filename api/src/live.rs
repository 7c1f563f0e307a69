//! Live results in, told to every connection. Publishing never waits: who cannot follow is cut off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::{Record, ResultClock, Topic, kind};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, broadcast, watch};

use crate::channel::{CHANNELS, Subject};
use crate::database::SNAPSHOTS;

/// Where the live results come in.
#[derive(Clone)]
pub struct Live {
    updates: broadcast::Sender<Arc<Update>>,
    heard: Arc<Mutex<Heard>>,
    stop: watch::Receiver<bool>,
    pub(crate) snapshots: Arc<Semaphore>,
}

/// What has come in so far.
#[derive(Default)]
struct Heard {
    next: Offsets,
    clocks: BTreeMap<(&'static str, u32), ResultClock>,
}

/// The next offset per topic and partition.
type Offsets = BTreeMap<(&'static str, u32), u64>;

/// A live result, made ready once for all who hear it.
pub(crate) struct Update {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    /// When what it was made of was received.
    pub(crate) received: Option<i64>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) data: Box<RawValue>,
}

/// How far a connection may fall behind: several seconds of a busy market.
const BACKLOG: usize = 16_384;

impl Live {
    pub fn new(stop: watch::Receiver<bool>) -> Self {
        let (updates, _) = broadcast::channel(BACKLOG);
        Self { updates, heard: Arc::default(), stop, snapshots: Arc::new(Semaphore::new(SNAPSHOTS)) }
    }

    /// Says where the live results of a partition begin: what is before is in the rows, or will be. To be called for
    /// every partition before the first connection, or a client could miss what nobody publishes any more.
    pub fn begin(&self, topic: &'static Topic, partition: u32, offset: u64) {
        let mut heard = self.heard();
        let stands_at = heard.next.entry((topic.name, partition)).or_default();
        *stands_at = offset.max(*stands_at);
    }

    /// Tells a record that is on the log to whoever listens. To be called in the order of the offsets.
    pub fn publish(&self, topic: &'static Topic, partition: u32, offset: u64, record: &Record<'_>) {
        // Before it is told: a connection that listens too late to hear it waits for its row.
        self.heard().next.insert((topic.name, partition), offset + 1);
        let Some(value) = record.value else { return };
        let told = match record.headers.get(kind::HEADER) {
            Some(kind::CLOCK) => self.tick(topic, partition, value),
            _ => self.tell(topic, partition, offset, record, value),
        };
        if let Err(error) = told {
            tracing::error!(%error, topic = topic.name, partition, offset, "a live result is not what its schema says");
        }
    }

    fn tick(&self, topic: &'static Topic, partition: u32, value: &[u8]) -> serde_json::Result<()> {
        let clock = serde_json::from_slice(value)?;
        self.heard().clocks.insert((topic.name, partition), clock);
        Ok(())
    }

    fn tell(
        &self,
        topic: &'static Topic,
        partition: u32,
        offset: u64,
        record: &Record<'_>,
        value: &[u8],
    ) -> serde_json::Result<()> {
        let kind = record.headers.get(kind::HEADER);
        let channel = CHANNELS.into_iter().find(|channel| channel.topic == topic && channel.kind == kind);
        let (Some(channel), true) = (channel, self.has_clients()) else { return Ok(()) };
        let row = (channel.live)(value)?;
        let subjects = channel.subjects(&row);
        // Nobody may be left to hear it.
        let _ = self.updates.send(Arc::new(Update {
            partition,
            offset,
            received: record.headers.received(),
            subjects,
            data: row.data,
        }));
        Ok(())
    }

    /// The latest clock that came in, of whatever partition.
    pub fn head(&self) -> Option<ResultClock> {
        self.heard().clocks.values().copied().max_by_key(|clock| clock.time)
    }

    /// Everything up to this event time has come in.
    pub(crate) fn watermark(&self) -> Option<i64> {
        self.heard().clocks.values().map(|clock| clock.time).min()
    }

    pub fn has_clients(&self) -> bool {
        self.updates.receiver_count() > 0
    }

    /// How many results the slowest connection has still to take; how many it may.
    pub fn waiting(&self) -> (usize, usize) {
        (self.updates.len(), BACKLOG)
    }

    /// The next offset per topic and partition.
    pub fn next(&self) -> Offsets {
        self.heard().next.clone()
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Update>> {
        self.updates.subscribe()
    }

    /// Returns when everything is to end.
    pub(crate) async fn stopped(&self) {
        if self.stop.clone().wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could say so.
            std::future::pending::<()>().await;
        }
    }

    /// Nothing can fail half-way while it is held.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
