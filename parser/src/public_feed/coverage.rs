//! What of the tape may be missing → gaps. The feed numbers nothing, so a gap is a stretch of event time, of all coins.
//!
//! It begins where the tape was last heard, by the exchange's own clock: a frame's time of arrival is later than
//! trades that were under way behind it. It ends when everything is subscribed again: what happens after that is
//! heard, and what a coin's backlog reaches back to as well. It is not said when the backlog of every coin reaches
//! back to a trade that was published: then nothing is missing.

use std::collections::BTreeSet;

use schemas::Coin;

use super::state::{FeedCursor, Hole};

/// What this connection has brought so far.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Coins of which a first frame has come: their backlog.
    heard: BTreeSet<Coin>,
    subscribed: Option<Subscribed>,
}

#[derive(Debug)]
struct Subscribed {
    coins: Vec<Coin>,
    until: i64,
}

/// The trades of a block reach one coin after another. In the recordings no trade came behind one of another coin
/// with a later time; so much is allowed for.
const UNDER_WAY_MS: i64 = 2_000;
/// An event time further ahead of the own clock measures nothing.
const CLOCK_SKEW_MS: i64 = 60_000;

impl Coverage {
    /// The first frame of a coin on a connection is its backlog, and nothing in it says so.
    pub fn has_heard(&self, coin: &Coin) -> bool {
        self.heard.contains(coin)
    }

    pub fn hear_backlog(&mut self, coin: &Coin, reaches_back: bool, cursor: &mut FeedCursor) {
        self.heard.insert(coin.clone());
        if let Some(hole) = &mut cursor.hole {
            hole.is_certain |= !reaches_back;
        }
    }

    /// Every coin is subscribed: what may be missing is from before this moment.
    pub fn subscribe(&mut self, coins: Vec<Coin>, time: i64, cursor: &mut FeedCursor) {
        self.subscribed = Some(Subscribed { coins, until: time.max(cursor.heard_until) });
        if self.heard.is_empty() && cursor.hole.is_none() {
            cursor.heard_until = cursor.heard_until.max(time);
        }
    }

    /// Something else is wanted than what is subscribed.
    pub fn unsubscribe(&mut self) {
        self.subscribed = None;
    }

    /// Closes the hole as soon as its end is known and what is in it. Gives from when to when something may be
    /// missing, if so. `is_settled`: what has not come by now is taken for missing.
    pub fn close_hole(&mut self, is_settled: bool, cursor: &mut FeedCursor) -> Option<(i64, i64)> {
        let (Some(hole), Some(subscribed)) = (cursor.hole, &self.subscribed) else { return None };
        let is_whole = subscribed.coins.iter().all(|coin| self.heard.contains(coin));
        if !is_whole && !hole.is_certain && !is_settled {
            return None;
        }
        cursor.hole = None;
        if self.heard.is_empty() {
            cursor.heard_until = cursor.heard_until.max(subscribed.until);
        }
        (hole.is_certain || !is_whole).then(|| (hole.from, subscribed.until.max(hole.from)))
    }
}

/// From the last that was heard on, something may be missing.
pub fn lose(cursor: &mut FeedCursor) {
    // Before anything was heard nothing was promised.
    if cursor.heard_until > 0 {
        open_hole(cursor, cursor.heard_until.saturating_sub(UNDER_WAY_MS), false);
    }
}

pub fn open_hole(cursor: &mut FeedCursor, from: i64, is_certain: bool) {
    let hole = cursor.hole.get_or_insert(Hole { from, is_certain });
    hole.from = hole.from.min(from);
    hole.is_certain |= is_certain;
}

pub fn hear(cursor: &mut FeedCursor, time: i64, received: i64) {
    if time <= received.saturating_add(CLOCK_SKEW_MS) {
        cursor.heard_until = cursor.heard_until.max(time);
    }
}
