//! What happens in the market, for those who are connected: each block's line and the contexts of each second come in;
//! frames of trades and what is needed to begin a subscription go out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast;

use crate::engine::{Engine, MILLISECOND};
use crate::feed_contexts::Contexts;
use crate::feed_trades::{self, Trade};
use crate::frames;

/// A market's public face: the market publishes to it, `serve` answers from it.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    now: Mutex<Now>,
    live: broadcast::Sender<Event>,
}

/// How the market stands.
pub(crate) struct Now {
    pub(crate) block: u64,
    moment: Moment,
    pub(crate) contexts: Arc<Contexts>,
    recent: BTreeMap<String, VecDeque<Trade>>,
}

/// What contexts are told anew for: a second that is over, or new marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    second: i64,
    marks: u64,
}

#[derive(Clone)]
pub(crate) enum Event {
    Published(Arc<Published>),
    /// Every connection dies.
    Dropped,
    /// The server stops.
    Ended,
}

/// What one block brought.
pub(crate) struct Published {
    pub(crate) block: u64,
    /// A frame for each coin that was traded.
    pub(crate) trades: Vec<(String, Utf8Bytes)>,
    pub(crate) contexts: Option<Arc<Contexts>>,
}

/// How many trades of a coin a new subscriber is shown.
const BACKLOG: usize = 30;
/// Blocks that a connection may be behind before it is given up.
const MOST_BEHIND: usize = 1024;

impl Feed {
    pub(crate) fn new(engine: &Engine) -> Self {
        let now = Now {
            block: engine.block,
            moment: Moment::of(engine),
            contexts: Arc::new(Contexts::of(engine)),
            recent: BTreeMap::new(),
        };
        Self(Arc::new(Shared { now: Mutex::new(now), live: broadcast::Sender::new(MOST_BEHIND) }))
    }

    /// The block that was just made, with its line.
    pub(crate) fn publish(&self, engine: &Engine, line: &[u8]) {
        let trades = feed_trades::of_line(line);
        let mut now = self.now();
        now.block = engine.block;
        let contexts = now.passes(Moment::of(engine)).then(|| Arc::new(Contexts::of(engine)));
        if let Some(contexts) = &contexts {
            now.contexts = contexts.clone();
        }
        let frames = trades.iter().map(|(coin, trades)| (coin.clone(), frames::trades(trades, engine.seed))).collect();
        trades.into_iter().for_each(|(coin, trades)| now.remember(coin, trades));
        let published = Published { block: engine.block, trades: frames, contexts };
        // Still under the lock: who begins a subscription sees a block in what is now or in what follows, never in
        // both. Nobody may be connected.
        self.0.live.send(Event::Published(Arc::new(published))).ok();
    }

    pub(crate) fn send(&self, event: Event) {
        self.0.live.send(event).ok();
    }

    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn follow(&self) -> broadcast::Receiver<Event> {
        self.0.live.subscribe()
    }
}

impl Now {
    /// The last trades of a coin, the oldest first.
    pub(crate) fn recent(&self, coin: &str) -> Vec<&Trade> {
        self.recent.get(coin).into_iter().flatten().collect()
    }

    fn passes(&mut self, moment: Moment) -> bool {
        std::mem::replace(&mut self.moment, moment) != moment
    }

    fn remember(&mut self, coin: String, trades: Vec<Trade>) {
        let recent = self.recent.entry(coin).or_default();
        recent.extend(trades);
        recent.drain(..recent.len().saturating_sub(BACKLOG));
    }
}

impl Moment {
    fn of(engine: &Engine) -> Self {
        Self { second: engine.time.div_euclid(1_000 * MILLISECOND), marks: engine.quotes.count }
    }
}
