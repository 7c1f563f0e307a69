//! What stands behind the positions at the mark price: positions and money go in; account values, margins, and who has
//! too little come out.

use crate::engine::Engine;
use crate::markets::MARKETS;

/// A cross account or one isolated position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backing {
    pub(crate) value: i64,
    pub(crate) maintenance: i64,
    pub(crate) initial: i64,
    pub(crate) notional: i64,
}

/// In millionths, as everything that says how far marks move.
const MOST_SAFE: i64 = 150_000;

impl Backing {
    pub(crate) fn suffices(&self) -> bool {
        self.value >= self.maintenance
    }

    /// How far marks may move without `suffices` becoming wrong. A move costs the notional's part of it, and a sixth
    /// more as maintenance margin at most; moves that follow each other add up to somewhat more than their sum.
    fn safe(&self) -> i64 {
        let spare = i128::from(self.value - self.maintenance) * 700_000 / i128::from(self.notional.max(1));
        spare.clamp(0, i128::from(MOST_SAFE)) as i64
    }
}

/// What is liquidated as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Margined {
    Cross,
    Isolated { market: usize },
}

impl Engine {
    pub(crate) fn cross_account(&self, wallet: u32) -> Backing {
        let backing = Backing { value: self.money.cross[wallet as usize], ..Backing::default() };
        self.cross_positions(wallet).fold(backing, |backing, market| {
            let value = self.accounts.amount(market, wallet) * self.quotes.of[market].mark;
            Backing {
                value: backing.value + value,
                maintenance: backing.maintenance + MARKETS[market].maintenance(value.abs()),
                initial: backing.initial + value.abs() / i64::from(self.habits.of(market, wallet).leverage),
                notional: backing.notional + value.abs(),
            }
        })
    }

    /// Its initial margin was put aside and is asked for no more.
    pub(crate) fn isolated_position(&self, market: usize, wallet: u32) -> Backing {
        let holding = self.accounts.of_market(market)[wallet as usize];
        let value = holding.amount * self.quotes.of[market].mark;
        let maintenance = MARKETS[market].maintenance(value.abs());
        Backing { value: holding.raw + value, maintenance, initial: 0, notional: value.abs() }
    }

    pub(crate) fn backing(&self, wallet: u32, margined: Margined) -> Backing {
        match margined {
            Margined::Cross => self.cross_account(wallet),
            Margined::Isolated { market } => self.isolated_position(market, wallet),
        }
    }

    /// The markets in which a wallet has a position.
    pub(crate) fn positions(&self, wallet: u32) -> impl Iterator<Item = usize> + use<> {
        let mut held = self.money.standings[wallet as usize].held;
        std::iter::from_fn(move || {
            let market = held.trailing_zeros();
            held &= held.wrapping_sub(1);
            (market < u32::BITS).then_some(market as usize)
        })
    }

    pub(crate) fn cross_positions(&self, wallet: u32) -> impl Iterator<Item = usize> {
        self.positions(wallet).filter(move |market| !self.habits.of(*market, wallet).isolated)
    }

    pub(crate) fn isolated_positions(&self, wallet: u32) -> impl Iterator<Item = usize> {
        self.positions(wallet).filter(move |market| self.habits.of(*market, wallet).isolated)
    }

    /// Everything of a wallet that stands alone.
    fn margined(&self, wallet: u32) -> impl Iterator<Item = Margined> {
        let isolated = self.isolated_positions(wallet).map(|market| Margined::Isolated { market });
        std::iter::once(Margined::Cross).chain(isolated)
    }

    /// Who has less than the maintenance margin. Most have far more, and are not looked at before the marks have moved
    /// by what they have.
    pub(crate) fn short_of_margin(&mut self) -> Vec<(u32, Margined)> {
        let mut short = Vec::new();
        for wallet in 0..self.crowd.accounts() {
            let standing = self.money.standings[wallet as usize];
            if standing.held == 0 || standing.safe_until > self.quotes.moved {
                continue;
            }
            let mut safe = MOST_SAFE;
            for margined in self.margined(wallet) {
                let backing = self.backing(wallet, margined);
                safe = safe.min(backing.safe());
                if !backing.suffices() {
                    short.push((wallet, margined));
                }
            }
            self.money.standings[wallet as usize].safe_until = self.quotes.moved + safe;
        }
        short
    }

    /// The account value less the initial margin of the cross positions.
    pub(crate) fn free_margin(&self, wallet: u32) -> i64 {
        let standing = self.money.standings[wallet as usize];
        if standing.as_of == self.quotes.count {
            return standing.free;
        }
        let account = self.cross_account(wallet);
        account.value - account.initial
    }

    /// Counted once after each publication, free margin is kept up to date by what is booked.
    pub(crate) fn count_free_margin(&mut self, wallet: u32) {
        let free = self.free_margin(wallet);
        let standing = &mut self.money.standings[wallet as usize];
        (standing.free, standing.as_of) = (free, self.quotes.count);
    }

    /// What follows from the accounts, after a restart.
    pub(crate) fn find_positions(&mut self) {
        for wallet in 0..self.crowd.accounts() {
            let holds = |market: &usize| !MARKETS[*market].is_spot() && self.accounts.amount(*market, wallet) != 0;
            let held = (0..MARKETS.len()).filter(holds).fold(0, |held, market| held | 1 << market);
            self.money.standings[wallet as usize].held = held;
        }
    }
}
