//! How the market stands, for whoever asks: after each block its books, its line and its trades go in; answers are made
//! of what is kept.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::crowd::Address;
use crate::engine::{Engine, MILLISECOND};
use crate::feed::Published;
use crate::feed_contexts::Contexts;
use crate::feed_trades::{self, Trade};
use crate::frames;
use crate::history::History;
use crate::pairs::Pairs;

pub(crate) struct Now {
    /// The books as they are after the last block: a copy, so that a question does not wait for the next one.
    pub(crate) books: Engine,
    pub(crate) contexts: Arc<Contexts>,
    pub(crate) history: History,
    moment: Moment,
    wallets: HashMap<Address, u32>,
    recent: BTreeMap<String, VecDeque<Trade>>,
}

/// What contexts are told anew for: a second that is over, new marks, or a market that came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    second: i64,
    marks: u64,
    markets: usize,
}

/// How many trades of a coin a new subscriber is shown.
const BACKLOG: usize = 30;

impl Now {
    pub(crate) fn of(engine: &Engine) -> Self {
        let wallets = (0..engine.crowd.accounts()).map(|wallet| (*engine.crowd.address(wallet), wallet));
        Self {
            books: engine.clone(),
            contexts: Arc::new(Contexts::of(engine)),
            history: History::default(),
            moment: Moment::of(engine),
            wallets: wallets.collect(),
            recent: BTreeMap::new(),
        }
    }

    /// One block on.
    pub(crate) fn pass(&mut self, engine: &Engine, line: &[u8], pairs: &Pairs<'_>) -> Published {
        self.books.follow(engine);
        self.history.take(engine, line, pairs);
        let trades = feed_trades::of_pairs(pairs);
        let contexts = self.passes(Moment::of(engine)).then(|| Arc::new(Contexts::of(engine)));
        if let Some(contexts) = &contexts {
            self.contexts = contexts.clone();
        }
        let frames = trades.iter().map(|(coin, trades)| (coin.clone(), frames::trades(trades, engine.seed))).collect();
        trades.into_iter().for_each(|(coin, trades)| self.remember(coin, trades));
        Published { block: engine.block, trades: frames, contexts }
    }

    pub(crate) fn block(&self) -> u64 {
        self.books.block
    }

    /// Of the last block, in milliseconds.
    pub(crate) fn time(&self) -> i64 {
        self.books.time / MILLISECOND
    }

    pub(crate) fn wallet(&self, address: &Address) -> Option<u32> {
        self.wallets.get(address).copied()
    }

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
        Self {
            second: engine.time.div_euclid(1_000 * MILLISECOND),
            marks: engine.quotes.count,
            markets: engine.come_and_gone(),
        }
    }
}
