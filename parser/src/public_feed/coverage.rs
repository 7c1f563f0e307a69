//! What of the tape may be missing, coin by coin → gaps. The feed numbers nothing, so a gap is a stretch of event time.
//!
//! A coin's hole begins where the connection that carried it was last heard, by the exchange's own clock: a frame's
//! time of arrival is later than trades that were under way behind it. It ends where the coin is heard again, on
//! whichever connection: at the first trade of its backlog, or, when none comes, at the answer to the subscription. It
//! is none when the backlog reaches back to a trade that was published.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Coin;

use super::gap::Gap;
use super::memory::Memory;
use super::state::{FeedCursor, Hole, Latest};

/// What the connections are to bring, and have brought so far.
#[derive(Debug)]
pub struct Coverage {
    connections: Vec<Connection>,
    /// Which connection is to carry which coin.
    carriers: BTreeMap<Coin, usize>,
    /// What is missing and nobody was told yet.
    pub unsaid: Vec<Gap>,
}

#[derive(Debug, Default)]
struct Connection {
    /// Coins of which a first frame has come: their backlog.
    heard: BTreeSet<Coin>,
    is_subscribed: bool,
    /// Subscribed, with a hole: until when something may be missing if no backlog comes.
    awaited: BTreeMap<Coin, i64>,
}

/// The trades of a block reach one coin after another. In the recordings no trade came behind one of another coin
/// with a later time; so much is allowed for.
const UNDER_WAY_MS: i64 = 2_000;
/// An event time further ahead of the own clock measures nothing.
const CLOCK_SKEW_MS: i64 = 60_000;

impl Coverage {
    pub fn of(connections: usize) -> Self {
        let connections = std::iter::repeat_with(Connection::default).take(connections).collect();
        Self { connections, carriers: BTreeMap::new(), unsaid: Vec::new() }
    }

    /// Other coins are carried than before, or elsewhere. A new one may have been traded unheard since `unheard_since`;
    /// of one that nobody is to carry any more nothing is promised from now on.
    pub fn follow(
        &mut self,
        carriers: BTreeMap<Coin, usize>,
        unheard_since: Option<i64>,
        time: i64,
        cursor: &FeedCursor,
        memory: &mut Memory,
    ) {
        let is_known = |latest: &Latest| latest.heard_on.is_some() || latest.hole.is_some();
        let dropped = memory.coins_where(|coin, latest| is_known(latest) && !carriers.contains_key(coin));
        self.unsaid.extend(Gap::of_holes(None, &dropped, time, memory));
        dropped.iter().for_each(|coin| memory.change(coin).heard_on = None);
        let moved = memory.coins_where(|coin, latest| latest.heard_on.is_some_and(|on| carriers[coin] != on));
        self.unsaid.extend(Gap::of_holes(None, &moved, time, memory));
        open_holes(&moved, cursor, memory);
        let is_new = |coin: &&Coin| !self.carriers.contains_key(*coin) && !memory.of(coin).is_some_and(is_known);
        let new: Vec<Coin> = carriers.keys().filter(is_new).cloned().collect();
        if let Some(from) = unheard_since {
            new.iter().for_each(|coin| memory.change(coin).open_hole(from));
        }
        for (on, connection) in self.connections.iter_mut().enumerate() {
            connection.awaited.retain(|coin, _| carriers.get(coin) == Some(&on));
        }
        self.carriers = carriers;
    }

    /// The first frame of a coin on a connection is its backlog, and nothing in it says so.
    pub fn has_heard(&self, on: usize, coin: &Coin) -> bool {
        self.connections[on].heard.contains(coin)
    }

    /// `begins`: of a backlog in which nothing is known, the time of its first trade.
    pub fn hear_backlog(&mut self, on: usize, coin: &Coin, begins: Option<i64>, memory: &mut Memory) {
        self.connections[on].heard.insert(coin.clone());
        if self.carriers.get(coin) == Some(&on) {
            self.connections[on].awaited.remove(coin);
            let hole = memory.of(coin).and_then(|latest| latest.hole);
            let is_after_the_hole_began = |begins: &i64| hole.is_some_and(|hole| hole.from <= *begins);
            resume(on, coin, begins.filter(is_after_the_hole_began), memory);
            self.finish(on, memory);
        }
    }

    /// These coins are subscribed: what may be missing of them is from before this moment.
    pub fn subscribe(&mut self, on: usize, coins: &[Coin], time: i64, cursor: &mut FeedCursor, memory: &mut Memory) {
        let heard_until = cursor.connections[on].heard_until;
        for coin in coins {
            let latest = memory.change(coin);
            if latest.heard_on.is_none() && latest.hole.is_none() {
                // From here on it is promised that nothing is missing.
                latest.heard_on = Some(on);
            } else if latest.heard_on.is_none() {
                self.connections[on].awaited.entry(coin.clone()).or_insert(time.max(heard_until));
            }
        }
        self.connections[on].is_subscribed = true;
        if self.connections[on].heard.is_empty() || heard_until == 0 {
            hear_until(cursor, on, time);
        }
        self.finish(on, memory);
    }

    /// What has not come by now is taken for missing.
    pub fn settle(&mut self, on: usize, memory: &mut Memory) {
        for (coin, until) in std::mem::take(&mut self.connections[on].awaited) {
            resume(on, &coin, Some(until), memory);
        }
        self.finish(on, memory);
    }

    /// From the last that was heard on it, something may be missing of each coin it carried.
    pub fn lose(&mut self, on: usize, cursor: &FeedCursor, memory: &mut Memory) {
        self.tell_finished(on, memory);
        self.connections[on] = Connection::default();
        open_holes(&memory.coins_where(|_, latest| latest.heard_on == Some(on)), cursor, memory);
    }

    /// Once nothing is awaited any more, it is known what is missing.
    fn finish(&mut self, on: usize, memory: &mut Memory) {
        if self.connections[on].is_subscribed && self.connections[on].awaited.is_empty() {
            self.tell_finished(on, memory);
        }
    }

    fn tell_finished(&mut self, on: usize, memory: &mut Memory) {
        let finished = memory.coins_where(|_, latest| latest.heard_on == Some(on) && latest.hole.is_some());
        self.unsaid.extend(Gap::of_holes(Some(on), &finished, 0, memory));
    }
}

/// A coin is heard on a connection from here on; its hole, if it has one, ends there.
fn resume(on: usize, coin: &Coin, missing_until: Option<i64>, memory: &mut Memory) {
    let Some((None, Some(hole))) = memory.of(coin).map(|latest| (latest.heard_on, latest.hole)) else { return };
    let latest = memory.change(coin);
    latest.heard_on = Some(on);
    latest.hole = missing_until.map(|until| Hole { until: Some(until.max(hole.from)), ..hole });
}

fn open_holes(coins: &[Coin], cursor: &FeedCursor, memory: &mut Memory) {
    for coin in coins {
        let latest = memory.change(coin);
        let heard_on = latest.heard_on.take().and_then(|on| cursor.connections.get(on));
        let heard_until = heard_on.map_or(0, |connection| connection.heard_until);
        latest.open_hole(lost_since(heard_until));
    }
}

/// From when on something may be missing of what was heard until then.
pub fn lost_since(heard_until: i64) -> i64 {
    heard_until.saturating_sub(UNDER_WAY_MS)
}

pub fn hear(cursor: &mut FeedCursor, on: usize, time: i64, received: i64) {
    if time <= received.saturating_add(CLOCK_SKEW_MS) {
        hear_until(cursor, on, time);
    }
}

fn hear_until(cursor: &mut FeedCursor, on: usize, time: i64) {
    let connection = &mut cursor.connections[on];
    connection.heard_until = connection.heard_until.max(time);
    cursor.heard_until = cursor.heard_until.max(time);
}
