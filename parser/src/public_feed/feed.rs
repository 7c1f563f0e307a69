//! What the connection gives → facts, gaps and state. Knows no clock: every event comes with its time.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{AssetContext, Coin, FeedStatus, Outbox, SourceStatus, Trade, topics};
use serde_json::value::RawValue;

use super::coverage::{self, Coverage};
use super::facts::{self, Origin};
use super::frame::{Frame, understand};
use super::markets::Markets;
use super::state::{CURSOR, Entry, FeedCursor, Latest};
use crate::dead_letter::Reject;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct Feed {
    markets: Markets,
    cursor: FeedCursor,
    latest: BTreeMap<Coin, Latest>,
    /// Whose latest has to be written.
    changed: BTreeSet<Coin>,
    coverage: Coverage,
    /// Of this connection.
    frame: u64,
    /// How often other coins came to be wanted.
    edition: u64,
    wants_metadata: bool,
}

/// What happens on the connection, in order.
#[derive(Debug)]
pub enum Event {
    Opened,
    Frame {
        bytes: Vec<u8>,
        received: i64,
    },
    /// Every subscription of an edition of the markets was answered; the trades of these coins are heard.
    Subscribed {
        time: i64,
        coins: Vec<Coin>,
        edition: u64,
    },
    /// And by now their backlogs should have come.
    Settled {
        time: i64,
    },
    Lost {
        time: i64,
        reason: String,
    },
}

impl Feed {
    pub fn new(
        entries: impl IntoIterator<Item = Entry>,
        generation: u32,
        markets: Markets,
        time: i64,
    ) -> Result<Self, SourceError> {
        let (mut cursor, mut latest) = (FeedCursor::default(), BTreeMap::new());
        for entry in entries {
            match entry {
                Entry::Cursor(read) => cursor = read,
                Entry::Coin(coin, read) => drop(latest.insert(coin, read)),
            }
        }
        if cursor.generation != 0 && cursor.generation != generation {
            return Err(SourceError::Generation { found: cursor.generation });
        }
        coverage::lose(&mut cursor);
        if cursor.hole.is_some() && markets.traded().any(|coin| !latest.contains_key(coin)) {
            let markets_time = cursor.markets_time;
            coverage::open_hole(&mut cursor, markets_time, false);
        }
        (cursor.generation, cursor.markets_time) = (generation, time);
        let (changed, coverage) = (BTreeSet::new(), Coverage::default());
        Ok(Self { markets, cursor, latest, changed, coverage, frame: 0, edition: 0, wants_metadata: false })
    }

    pub fn cursor(&self) -> &FeedCursor {
        &self.cursor
    }

    pub fn wants_metadata(&self) -> bool {
        self.wants_metadata
    }

    /// Newer metadata; gives the edition of what is wanted. A market that was listed since the metadata before may
    /// have been traded unheard.
    pub fn follow(&mut self, markets: Markets, time: i64) -> u64 {
        let followed: BTreeSet<&Coin> = self.markets.traded().collect();
        if markets.traded().any(|coin| !followed.contains(coin)) {
            self.edition += 1;
            self.coverage.unsubscribe();
            let since = self.cursor.markets_time;
            coverage::open_hole(&mut self.cursor, since, true);
        }
        (self.markets, self.cursor.markets_time, self.wants_metadata) = (markets, time, false);
        self.edition
    }

    pub fn take(&mut self, event: &Event, out: &mut Outbox) {
        match event {
            Event::Opened => self.open(out),
            Event::Frame { bytes, received } => self.take_frame(bytes, *received, out),
            Event::Subscribed { time, coins, edition } => {
                if *edition == self.edition {
                    self.coverage.subscribe(coins.clone(), *time, &mut self.cursor);
                }
                if !self.cursor.connected {
                    self.say(SourceStatus::Connected, *time, &format!("{} coins are followed", coins.len()), out);
                }
                self.cursor.connected = true;
                self.close_hole(false, *time, out);
            }
            Event::Settled { time } => self.close_hole(true, *time, out),
            Event::Lost { time, reason } => self.lose(*time, reason, out),
        }
    }

    fn open(&mut self, out: &mut Outbox) {
        if self.cursor.connected {
            let last = self.cursor.last_frame_time;
            self.lose(last, "the process that was connected has ended", out);
        }
        self.cursor.connection += 1;
        self.frame = 0;
        self.coverage = Coverage::default();
    }

    fn lose(&mut self, time: i64, reason: &str, out: &mut Outbox) {
        if self.cursor.connected {
            self.say(SourceStatus::Disconnected, time, reason, out);
        }
        self.cursor.connected = false;
        self.coverage = Coverage::default();
        coverage::lose(&mut self.cursor);
    }

    fn close_hole(&mut self, is_settled: bool, time: i64, out: &mut Outbox) {
        let Some((from, to)) = self.coverage.close_hole(is_settled, &mut self.cursor) else { return };
        self.cursor.gaps += 1;
        let reason = "trades between two connections, or before a market was followed, may be missing".to_owned();
        let gap = FeedStatus::of(facts::SOURCE, SourceStatus::Gap, time, reason);
        out.send(&FeedStatus { from_time: Some(from), to_time: Some(to), ..gap });
    }

    fn say(&self, status: SourceStatus, time: i64, reason: &str, out: &mut Outbox) {
        out.send(&FeedStatus::of(facts::SOURCE, status, time, reason));
    }

    fn take_frame(&mut self, bytes: &[u8], received: i64, out: &mut Outbox) {
        self.frame += 1;
        self.cursor.frames += 1;
        self.cursor.last_frame_time = received;
        let position = format!("{}-{}", self.cursor.connection, self.frame);
        let origin = Origin { position: &position, received };
        let facts_before = self.cursor.trades + self.cursor.contexts;
        match understand(bytes) {
            Ok(Frame::Trades(elements)) => self.take_trades(&elements, &origin, out),
            Ok(Frame::AllContexts(dexs)) => {
                dexs.iter().for_each(|(dex, contexts)| self.take_contexts(dex, contexts, &origin, out));
            }
            Ok(Frame::Context(coin, context)) => self.take_context(&coin, context, "", &origin, out),
            Ok(Frame::Error(_)) => self.cursor.errors += 1,
            Ok(Frame::Greeting | Frame::Accepted(_) | Frame::Pong | Frame::Other) => {}
            Err(reject) => self.set_aside("", bytes, &reject, &origin, out),
        }
        if self.cursor.trades + self.cursor.contexts > facts_before {
            origin.keep_raw(bytes, out);
        }
        self.close_hole(false, received, out);
    }

    fn take_trades(&mut self, elements: &[&RawValue], origin: &Origin<'_>, out: &mut Outbox) {
        let mut of_coins = BTreeMap::<Coin, Vec<(Trade, String)>>::new();
        for (index, element) in elements.iter().enumerate() {
            match facts::trade(element) {
                Ok((trade, text)) => of_coins.entry(trade.coin.clone()).or_default().push((trade, text)),
                Err(reject) => self.set_aside(&format!("#{index}"), element.get().as_bytes(), &reject, origin, out),
            }
        }
        for (coin, trades) in of_coins {
            self.take_trades_of(coin, &trades, origin, out);
        }
    }

    fn take_trades_of(&mut self, coin: Coin, trades: &[(Trade, String)], origin: &Origin<'_>, out: &mut Outbox) {
        let window = &mut self.latest.entry(coin.clone()).or_default().trades;
        let is_backlog = !self.coverage.has_heard(&coin);
        let known_before = if is_backlog { window.reaches_back_to() } else { None };
        let is_older = |trade: &Trade| known_before.is_some_and(|time| trade.time < time);
        if is_backlog {
            let reaches_back = trades.iter().any(|(trade, _)| is_older(trade) || window.holds((trade.time, trade.tid)));
            self.coverage.hear_backlog(&coin, reaches_back, &mut self.cursor);
        }
        for (trade, text) in trades {
            if is_older(trade) || window.holds((trade.time, trade.tid)) {
                self.cursor.duplicates += 1;
                continue;
            }
            origin.send_trade(trade, text, out);
            window.add((trade.time, trade.tid));
            coverage::hear(&mut self.cursor, trade.time, origin.received);
            self.cursor.trades += 1;
            self.changed.insert(coin.clone());
        }
    }

    /// Contexts stand in the order of the dex's universe; those beyond it are of markets that are not known yet.
    fn take_contexts(&mut self, dex: &str, contexts: &[&RawValue], origin: &Origin<'_>, out: &mut Outbox) {
        for (place, context) in contexts.iter().enumerate() {
            let Some(coin) = self.markets.at(dex, place).cloned() else {
                self.wants_metadata = true;
                return;
            };
            self.take_context(&coin, context, &format!("#{coin}"), origin, out);
        }
    }

    fn take_context(&mut self, coin: &Coin, context: &RawValue, place: &str, origin: &Origin<'_>, out: &mut Outbox) {
        let latest = self.latest.entry(coin.clone()).or_default();
        if latest.context.as_ref().is_some_and(|before| before.get() == context.get()) {
            return;
        }
        latest.context = Some(context.to_owned());
        self.changed.insert(coin.clone());
        match facts::context(coin, context, origin.received) {
            Ok((context, text)) => self.publish(&context, &text, origin, out),
            Err(reject) => self.set_aside(place, context.get().as_bytes(), &reject, origin, out),
        }
    }

    fn publish(&mut self, context: &AssetContext, text: &str, origin: &Origin<'_>, out: &mut Outbox) {
        origin.send_context(context, text, out);
        self.cursor.contexts += 1;
    }

    fn set_aside(&mut self, place: &str, bytes: &[u8], reject: &Reject, origin: &Origin<'_>, out: &mut Outbox) {
        origin.set_aside(place, bytes, reject, out);
        self.cursor.dead_letters += 1;
    }

    /// What has changed since it was written last.
    pub fn write_state(&mut self, out: &mut Outbox) {
        let batch = out.batch(&topics::STATE_PARSER_PUBLIC_FEED, 0);
        for coin in std::mem::take(&mut self.changed) {
            let Ok(value) = serde_json::to_vec(&self.latest[&coin]) else { continue };
            batch.push(self.cursor.last_frame_time, coin.as_str().as_bytes(), Some(&value), &[]);
        }
        let Ok(value) = serde_json::to_vec(&self.cursor) else { return };
        batch.push(self.cursor.last_frame_time, CURSOR.as_bytes(), Some(&value), &[]);
    }
}
