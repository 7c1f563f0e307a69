//! What happens in the market, for those who are connected: each block's line comes in; what it means for them goes out,
//! and how the market stands is kept for whoever asks.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast;

use crate::Faults;
use crate::dice::Dice;
use crate::engine::Engine;
use crate::faults::Fault;
use crate::feed_contexts::Contexts;
use crate::frames;
use crate::now::Now;
use crate::pairs;

/// A market's public face: the market publishes to it, `serve` answers from it. What it knows of the past begins with
/// it.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    seed: u64,
    faults: Faults,
    now: Mutex<Now>,
    public: broadcast::Sender<Event>,
    blocks: broadcast::Sender<Event>,
    connected: AtomicU64,
    /// The numbers of the connections that something may still be sent to.
    speaking: Mutex<BTreeSet<u64>>,
}

#[derive(Clone)]
pub(crate) enum Event {
    Published(Arc<Published>),
    Block(Arc<WholeBlock>),
    /// Every connection dies.
    Dropped,
    /// Nothing more is sent to the connection of this number.
    Silenced(u64),
    /// The server stops.
    Ended,
}

/// What one block brought to the public.
pub(crate) struct Published {
    pub(crate) block: u64,
    /// A frame for each coin that was traded.
    pub(crate) trades: Vec<(String, Utf8Bytes)>,
    pub(crate) contexts: Option<Arc<Contexts>>,
}

/// A block as the node wrote it.
pub(crate) struct WholeBlock {
    pub(crate) block: u64,
    pub(crate) frame: Utf8Bytes,
}

/// One connection's place among those who are told.
pub(crate) struct Follower {
    feed: Feed,
    number: u64,
    pub(crate) events: broadcast::Receiver<Event>,
}

/// Blocks that a connection may be behind before it is given up. Whole blocks are large, and fewer of them wait.
const MOST_BEHIND: usize = 1024;
const MOST_BLOCKS_BEHIND: usize = 256;

impl Feed {
    pub(crate) fn new(engine: &Engine, faults: Faults) -> Self {
        Self(Arc::new(Shared {
            seed: engine.seed,
            faults,
            now: Mutex::new(Now::of(engine)),
            public: broadcast::Sender::new(MOST_BEHIND),
            blocks: broadcast::Sender::new(MOST_BLOCKS_BEHIND),
            connected: AtomicU64::new(0),
            speaking: Mutex::default(),
        }))
    }

    /// The block that was just made, with its line; and what goes wrong with those who are told of it.
    pub(crate) fn publish(&self, engine: &Engine, line: &[u8]) {
        self.tell(engine, line);
        if self.hits(Fault::Dropped, engine.block) {
            self.send(&Event::Dropped);
        }
        if self.hits(Fault::Silent, engine.block) {
            self.silence_the_oldest();
        }
    }

    fn tell(&self, engine: &Engine, line: &[u8]) {
        let pairs = pairs::of_line(line);
        let mut now = self.now();
        let published = now.pass(engine, line, &pairs);
        // Still under the lock: who begins a subscription sees a block in what is now or in what follows, never in
        // both. Nobody may be connected.
        self.0.public.send(Event::Published(Arc::new(published))).ok();
        if self.0.blocks.receiver_count() > 0 {
            let whole = WholeBlock { block: engine.block, frame: frames::whole_block(line) };
            self.0.blocks.send(Event::Block(Arc::new(whole))).ok();
        }
    }

    pub(crate) fn send(&self, event: &Event) {
        for channel in [&self.0.public, &self.0.blocks] {
            channel.send(event.clone()).ok();
        }
    }

    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What everybody may hear.
    pub(crate) fn follow(&self) -> Follower {
        self.follower(&self.0.public)
    }

    /// The node's own lines.
    pub(crate) fn follow_blocks(&self) -> Follower {
        self.follower(&self.0.blocks)
    }

    pub(crate) fn hits(&self, fault: Fault, place: u64) -> bool {
        self.0.faults.hits(fault, self.0.seed, place)
    }

    pub(crate) fn dice(&self, fault: Fault, place: u64) -> Dice {
        fault.dice(self.0.seed, place)
    }

    fn follower(&self, channel: &broadcast::Sender<Event>) -> Follower {
        let number = self.0.connected.fetch_add(1, Ordering::Relaxed);
        self.speaking().insert(number);
        Follower { feed: self.clone(), number, events: channel.subscribe() }
    }

    fn silence_the_oldest(&self) {
        let oldest = self.speaking().pop_first();
        if let Some(number) = oldest {
            self.send(&Event::Silenced(number));
        }
    }

    fn speaking(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.speaking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower {
    pub(crate) fn is(&self, number: u64) -> bool {
        self.number == number
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.feed.speaking().remove(&self.number);
    }
}
