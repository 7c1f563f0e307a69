//! The trades of a frame → the tape: each of them once, whichever connection brings it, and however often.

use std::collections::BTreeMap;

use schemas::{Coin, Outbox, Trade};
use serde_json::value::RawValue;

use super::coverage;
use super::facts::{self, Origin};
use super::feed::Feed;
use super::state::Latest;

impl Feed {
    pub(super) fn take_trades(&mut self, elements: &[&RawValue], origin: &Origin<'_>, out: &mut Outbox) {
        let mut of_coins = BTreeMap::<Coin, Vec<(Trade, String)>>::new();
        for (index, element) in elements.iter().enumerate() {
            match facts::trade(element) {
                Ok((trade, text)) => of_coins.entry(trade.coin.clone()).or_default().push((trade, text)),
                Err(reject) => self.set_aside(&format!("#{index}"), element.get().as_bytes(), &reject, origin, out),
            }
        }
        for (coin, trades) in of_coins {
            self.take_trades_of(&coin, &trades, origin, out);
        }
    }

    /// On one connection a coin's trades come in their order, so that one from before all that is remembered was
    /// published, or its loss was said: it is of a backlog, or of a connection that is behind another.
    fn take_trades_of(&mut self, coin: &Coin, trades: &[(Trade, String)], origin: &Origin<'_>, out: &mut Outbox) {
        let Latest { trades: window, hole, .. } = self.memory.change(coin);
        let reaches_back_to = window.reaches_back_to();
        let is_older = |trade: &Trade| reaches_back_to.is_some_and(|time| trade.time < time);
        let is_from_before = |id| hole.is_some_and(|hole| hole.is_after(id));
        let reaches_back = trades.iter().any(|(trade, _)| is_from_before((trade.time, trade.tid)));
        for (trade, text) in trades {
            coverage::hear(&mut self.cursor, origin.on, trade.time, origin.received);
            if is_older(trade) || window.holds((trade.time, trade.tid)) {
                self.cursor.duplicates += 1;
                continue;
            }
            origin.send_trade(trade, text, out);
            window.add((trade.time, trade.tid));
            self.cursor.trades += 1;
        }
        if !self.coverage.has_heard(origin.on, coin) {
            let begins = trades.iter().map(|(trade, _)| trade.time).min().max(reaches_back_to);
            self.coverage.hear_backlog(origin.on, coin, begins.filter(|_| !reaches_back), &mut self.memory);
        }
    }
}
