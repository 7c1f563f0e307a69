//! What every wallet holds of every coin. Trades go in; what was held before and what was gained come out. The truth
//! is read from here and from nowhere else.

use crate::crowd::Crowd;
use crate::dice::{Dice, Stream};
use crate::markets::MARKETS;

/// All holdings, coin by coin, all wallets of a coin side by side.
#[derive(Clone)]
pub(crate) struct Accounts {
    wallets: usize,
    holdings: Vec<Holding>,
    traded: Vec<bool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Lots of a perp, signed; hundred-millionths of a spot token.
    pub(crate) amount: i64,
    /// What was paid for it, in the smallest unit of the quote; never negative.
    pub(crate) cost: i64,
    /// Of an isolated perp: the margin put aside for it, less what it cost. With it at the mark price it is what the
    /// position is worth.
    pub(crate) raw: i64,
}

/// What a booking found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) start: i64,
    pub(crate) closed_pnl: i64,
}

/// How many accounts stand on each side of a coin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) long: u32,
    pub(crate) short: u32,
}

impl Accounts {
    /// Nobody has traded and nobody has a position; spot tokens are handed out.
    pub(crate) fn new(seed: u64, crowd: &Crowd) -> Self {
        let mut accounts = Self::empty(crowd);
        for (market, terms) in MARKETS.iter().enumerate().filter(|(_, terms)| terms.is_spot()) {
            for wallet in 0..crowd.wallets() {
                let place = (market as u64) << 32 | u64::from(wallet);
                let amount = crowd.first_balance(terms, wallet, &mut Dice::new(seed, Stream::Balance, place));
                let cost = terms.value(amount, terms.anchor);
                *accounts.holding_mut(market, wallet) = Holding { amount, cost, raw: 0 };
            }
        }
        accounts
    }

    pub(crate) fn empty(crowd: &Crowd) -> Self {
        let wallets = crowd.accounts() as usize;
        let holdings = vec![Holding::default(); wallets * MARKETS.len()];
        Self { wallets, holdings, traded: vec![false; MARKETS.len()] }
    }

    /// Adds `change` to a holding at the price that makes it worth `value`.
    pub(crate) fn book(&mut self, market: usize, wallet: u32, change: i64, value: i64) -> Booked {
        self.traded[market] = true;
        let holding = self.holding_mut(market, wallet);
        let start = holding.amount;
        holding.amount += change;
        if start == 0 || (start > 0) == (change > 0) {
            holding.cost += value;
            return Booked { start, closed_pnl: 0 };
        }
        let closed = start.abs().min(change.abs());
        let paid = part(holding.cost, closed, start.abs());
        let received = part(value, closed, change.abs());
        holding.cost = if closed == start.abs() { value - received } else { holding.cost - paid };
        Booked { start, closed_pnl: (received - paid) * start.signum() }
    }

    /// Moves tokens without a trade: fees that are taken in the bought token, dust on its way to the pool.
    pub(crate) fn move_tokens(&mut self, market: usize, from: u32, to: u32, amount: i64) {
        self.holding_mut(market, from).amount -= amount;
        self.holding_mut(market, to).amount += amount;
    }

    pub(crate) fn amount(&self, market: usize, wallet: u32) -> i64 {
        self.holdings[market * self.wallets + wallet as usize].amount
    }

    pub(crate) fn has_traded(&self, market: usize) -> bool {
        self.traded[market]
    }

    /// Counted anew each time: a running count could be wrong without anyone noticing.
    pub(crate) fn sides(&self, market: usize) -> Sides {
        let mut sides = Sides::default();
        for holding in self.of_market(market) {
            match holding.amount.signum() {
                1 => sides.long += 1,
                -1 => sides.short += 1,
                _ => {}
            }
        }
        sides
    }

    /// Every holding of a coin; the place is the wallet.
    pub(crate) fn of_market(&self, market: usize) -> &[Holding] {
        &self.holdings[market * self.wallets..][..self.wallets]
    }

    pub(crate) fn holding_mut(&mut self, market: usize, wallet: u32) -> &mut Holding {
        &mut self.holdings[market * self.wallets + wallet as usize]
    }

    /// A copy becomes what the accounts are now.
    pub(crate) fn follow(&mut self, accounts: &Self) {
        self.holdings.copy_from_slice(&accounts.holdings);
        self.traded.copy_from_slice(&accounts.traded);
    }

    pub(crate) fn mark_traded(&mut self, market: usize) {
        self.traded[market] = true;
    }
}

/// `whole * share / all`, towards zero.
pub(crate) fn part(whole: i64, share: i64, all: i64) -> i64 {
    if share == all { whole } else { (i128::from(whole) * i128::from(share) / i128::from(all)) as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::empty(&Crowd::new(1, 20))
    }

    #[test]
    fn profit_is_measured_from_the_average_entry() {
        let mut accounts = accounts();
        assert_eq!(accounts.book(0, 5, 10, 1000), Booked { start: 0, closed_pnl: 0 });
        assert_eq!(accounts.book(0, 5, 10, 2000), Booked { start: 10, closed_pnl: 0 });
        assert_eq!(accounts.book(0, 5, -5, 1000), Booked { start: 20, closed_pnl: 250 });
        assert_eq!(accounts.book(0, 5, -15, 1500), Booked { start: 15, closed_pnl: -750 });
        assert_eq!(*accounts.holding_mut(0, 5), Holding::default());
    }

    #[test]
    fn one_fill_may_cross_zero() {
        let mut accounts = accounts();
        accounts.book(0, 5, -4, 400);
        assert_eq!(accounts.book(0, 5, 10, 900), Booked { start: -4, closed_pnl: 40 });
        assert_eq!(*accounts.holding_mut(0, 5), Holding { amount: 6, cost: 540, raw: 0 });
        assert_eq!(accounts.sides(0), Sides { long: 1, short: 0 });
    }

    #[test]
    fn only_who_holds_something_is_counted() {
        let mut accounts = accounts();
        accounts.book(2, 1, 7, 70);
        accounts.book(2, 2, -7, 70);
        accounts.book(2, 3, 3, 30);
        accounts.book(2, 3, -3, 30);
        assert_eq!(accounts.sides(2), Sides { long: 1, short: 1 });
        assert_eq!(accounts.sides(3), Sides::default());
        assert!(accounts.has_traded(2) && !accounts.has_traded(3));
    }
}
