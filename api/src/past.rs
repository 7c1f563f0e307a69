//! What the log still keeps of a topic → one subscription, for as long as that is behind what is remembered; from there
//! on it hears what is told. The log is read by whoever runs the API: it is handed over as `ReadAgain`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Record, Topic};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::Context;
use crate::live::{Heard, Outlet, Subscribed, Update};
use crate::websocket::Ending;

/// Hands over what the log keeps of a topic, from there on up to where it ends, for as long as more is wanted.
pub type ReadAgain =
    dyn Fn(&'static Topic, &Whence, &mut dyn FnMut(Again<'_>) -> bool) -> Result<(), Unread> + Send + Sync;

/// Where it is read from.
#[derive(Debug, Clone)]
pub enum Whence {
    /// The next offset of each partition: its first one where none is said.
    Behind(BTreeMap<u32, u64>),
    /// The first record of each partition that is not before it.
    Time(i64),
}

/// What is handed over.
pub enum Again<'a> {
    /// First of all, the next offset of every partition.
    From(BTreeMap<u32, u64>),
    Record {
        partition: u32,
        offset: u64,
        record: &'a Record<'a>,
    },
    /// Everything before this offset was handed over.
    UpTo {
        partition: u32,
        next: u64,
    },
}

/// Why it could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is not kept any more, or never was.
    Gone,
    /// The log does not answer. Whoever reads has said why.
    Failed,
}

/// So many read at once, of all connections together.
const READERS: usize = 8;
static READING: Semaphore = Semaphore::const_new(READERS);
/// How long the events of one reading may wait for a client.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells a subscription what has been since then. Of one connection one reads at a time.
pub(crate) async fn replay(
    context: Arc<Context>,
    outlet: Arc<Outlet>,
    turn: Arc<Semaphore>,
    subscribed: Subscribed,
    whence: Whence,
) {
    let (Ok(_turn), Ok(_place)) = (turn.acquire().await, READING.acquire().await) else { return };
    let heard = Heard { generation: context.generation, next: BTreeMap::new() };
    let (runtime, rows) = (Handle::current(), Vec::new());
    let mut replay = Replay { context, outlet, runtime, subscribed, heard, rows };
    // A task that panicked has been reported where it did.
    let _ = spawn_blocking(move || replay.run(whence)).await;
}

struct Replay {
    context: Arc<Context>,
    outlet: Arc<Outlet>,
    runtime: Handle,
    subscribed: Subscribed,
    /// What is before this was told, or is in `rows`.
    heard: Heard,
    rows: Vec<Arc<Update>>,
}

impl Replay {
    fn run(&mut self, mut whence: Whence) {
        let id = self.subscribed.id;
        loop {
            match self.read(&whence) {
                Ok(true) => {}
                // Nobody listens any more.
                Ok(false) => return,
                Err(unread) => {
                    return self.context.live.begin_anew(
                        &self.outlet,
                        id,
                        self.heard.generation,
                        reason(unread, &whence),
                    );
                }
            }
            if self.context.live.go_on(&self.outlet, id, &self.heard) {
                return;
            }
            whence = Whence::Behind(self.heard.next.clone());
        }
    }

    /// Whether there is still somebody who hears it.
    fn read(&mut self, whence: &Whence) -> Result<bool, Unread> {
        let read_again = Arc::clone(&self.context.read_again);
        let mut is_heard = true;
        read_again(self.subscribed.channel.topic, whence, &mut |again| {
            is_heard = self.take(again);
            is_heard
        })?;
        Ok(is_heard)
    }

    fn take(&mut self, again: Again<'_>) -> bool {
        match again {
            Again::From(next) => {
                let is_first = self.heard.next.is_empty();
                self.heard.next = next;
                if is_first {
                    self.outlet.stands_at(self.subscribed.id, &self.heard);
                }
                true
            }
            Again::Record { partition, offset, record } => {
                self.rows.extend(self.row(partition, offset, record));
                true
            }
            Again::UpTo { partition, next } => {
                self.heard.next.insert(partition, next);
                self.tell()
            }
        }
    }

    fn row(&self, partition: u32, offset: u64, record: &Record<'_>) -> Option<Arc<Update>> {
        let Subscribed { channel, subject, filter, .. } = &self.subscribed;
        Update::heard(channel, subject, filter, partition, offset, record)
    }

    fn tell(&mut self) -> bool {
        let (id, rows) = (self.subscribed.id, std::mem::take(&mut self.rows));
        let told = async {
            self.outlet.room_for_a_replay(id).await;
            self.outlet.replay(id, self.heard.generation, rows)
        };
        match self.runtime.block_on(async { timeout(PATIENCE, told).await }) {
            Ok(is_heard) => is_heard,
            Err(_) => {
                self.outlet.end(Ending::Slow);
                false
            }
        }
    }
}

fn reason(unread: Unread, whence: &Whence) -> &'static str {
    match (unread, whence) {
        (Unread::Failed, _) => "log_unreachable",
        (Unread::Gone, Whence::Behind(_)) => "cursor_expired",
        (Unread::Gone, Whence::Time(_)) => "not_retained",
    }
}
