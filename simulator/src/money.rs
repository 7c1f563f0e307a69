//! The money behind the perps. Deposits, trades, fees and funding go in; what each account and each isolated position
//! holds comes out. Nothing is made or lost: whatever leaves one place arrives at another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::accounts::{Booked, Holding, part};
use crate::engine::Engine;
use crate::habits::Habit;

/// All amounts in millionths of a dollar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Money {
    /// Of each wallet: its cash, less what its cross positions cost. With these at the mark price it is the account
    /// value.
    pub(crate) cross: Vec<i64>,
    pub(crate) deposits: i64,
    pub(crate) fees: i64,
    /// Funding that was paid and, being less than the smallest unit for each receiver, not received.
    pub(crate) rounding: i64,
    /// Until when a wallet's liquidation orders are for the full size, in nanoseconds.
    pub(crate) cooldowns: BTreeMap<u32, i64>,
    /// Follows from everything else, and is kept because it is asked for with each order.
    #[serde(skip)]
    pub(crate) standings: Vec<Standing>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The account value less the initial margin of the cross positions, as of a publication of marks.
    pub(crate) free: i64,
    pub(crate) as_of: u64,
    /// Marks may move by so much altogether, before anything of this wallet can be short of margin.
    pub(crate) safe_until: i64,
    /// One bit for each market with a perp position.
    pub(crate) held: u32,
}

/// One side of a trade, as money sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Signed lots.
    pub(crate) change: i64,
    /// Price times size.
    pub(crate) value: i64,
    pub(crate) fee: i64,
}

impl Money {
    pub(crate) fn new(accounts: u32) -> Self {
        let accounts = accounts as usize;
        Self {
            cross: vec![0; accounts],
            deposits: 0,
            fees: 0,
            rounding: 0,
            cooldowns: BTreeMap::new(),
            standings: vec![Standing::default(); accounts],
        }
    }

    /// A copy becomes what is held now.
    pub(crate) fn follow(&mut self, money: &Self) {
        self.cross.copy_from_slice(&money.cross);
        self.standings.copy_from_slice(&money.standings);
    }

    pub(crate) fn add(&mut self, wallet: u32, amount: i64) {
        self.cross[wallet as usize] += amount;
        let standing = &mut self.standings[wallet as usize];
        standing.free += amount;
        standing.safe_until = 0;
    }

    pub(crate) fn move_cross(&mut self, from: u32, to: u32, amount: i64) {
        self.add(from, -amount);
        self.add(to, amount);
    }
}

impl Entry {
    /// What leaves the account when the position comes in.
    fn paid(&self) -> i64 {
        if self.change > 0 { self.value } else { -self.value }
    }
}

impl Engine {
    /// Books one side of a perp trade: the position, and the money behind it.
    pub(crate) fn book_perp(&mut self, market: usize, wallet: u32, entry: Entry) -> Booked {
        let habit = self.habits.of(market, wallet);
        let before = *self.accounts.holding_mut(market, wallet);
        let booked = self.accounts.book(market, wallet, entry.change, entry.value);
        self.money.fees += entry.fee;
        let after = before.amount + entry.change;
        if habit.isolated {
            self.pay_isolated(market, wallet, before, entry, habit);
        } else {
            let moved = self.unborrowed(market, after, habit) - self.unborrowed(market, before.amount, habit);
            self.money.add(wallet, -entry.paid() - entry.fee);
            self.money.standings[wallet as usize].free += moved;
        }
        let standing = &mut self.money.standings[wallet as usize];
        standing.held = standing.held & !(1 << market) | u32::from(after != 0) << market;
        standing.safe_until = 0;
        if after == 0 {
            self.cover(wallet);
        }
        booked
    }

    /// What a cross position adds to the free margin: its value at the mark price less its initial margin.
    pub(crate) fn unborrowed(&self, market: usize, amount: i64, habit: Habit) -> i64 {
        let value = amount * self.quotes.of[market].mark;
        value - value.abs() / i64::from(habit.leverage)
    }

    /// Margin is put aside when a position grows, fee included, and comes back in proportion when it shrinks.
    fn pay_isolated(&mut self, market: usize, wallet: u32, before: Holding, entry: Entry, habit: Habit) {
        let closes = before.amount != 0 && (before.amount > 0) != (entry.change > 0);
        let closed = if closes { before.amount.abs().min(entry.change.abs()) } else { 0 };
        let opens = closed < entry.change.abs();
        let value = part(entry.value, closed, entry.change.abs());
        let closing = Entry { value, fee: if opens { 0 } else { entry.fee }, ..entry };
        let opening = Entry { value: entry.value - value, ..entry };
        if closed > 0 {
            self.release(market, wallet, part(before.raw, closed, before.amount.abs()), closing);
        }
        if opens {
            let margin = opening.value / i64::from(habit.leverage) + 1;
            self.accounts.holding_mut(market, wallet).raw += margin - opening.paid() - opening.fee;
            self.money.add(wallet, -margin);
        }
    }

    fn release(&mut self, market: usize, wallet: u32, share: i64, closing: Entry) {
        let proceeds = share - closing.paid() - closing.fee;
        let holding = self.accounts.holding_mut(market, wallet);
        holding.raw -= share;
        match (proceeds >= 0, holding.raw != 0) {
            (true, _) => self.money.add(wallet, proceeds),
            // What is left of the position answers for the loss, and behind the last of it the liquidator.
            (false, true) => holding.raw += proceeds,
            (false, false) => self.money.add(self.crowd.liquidator(), proceeds),
        }
    }

    /// An account without cross positions owes nothing: the liquidator makes good what it lost beyond its cash.
    fn cover(&mut self, wallet: u32) {
        let owed = -self.money.cross[wallet as usize];
        let liquidator = self.crowd.liquidator();
        if owed > 0 && wallet != liquidator && self.cross_positions(wallet).next().is_none() {
            self.money.move_cross(liquidator, wallet, owed);
        }
    }
}
