//! How a wallet uses credit: from the seed, a wallet and a coin come its leverage, its margin mode and what it brings.

use crate::crowd::{Crowd, Style};
use crate::dice::{Stream, named};
use crate::margin_tables::DOLLAR;
use crate::markets::{MARKETS, Market};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Habit {
    /// At most the coin's.
    pub(crate) leverage: u8,
    /// The position stands alone with the margin that was put aside for it.
    pub(crate) isolated: bool,
}

/// All habits, coin by coin, all wallets of a coin side by side.
#[derive(Clone)]
pub(crate) struct Habits {
    wallets: usize,
    habits: Vec<Habit>,
    bankrolls: Vec<i64>,
}

impl Habits {
    pub(crate) fn new(seed: u64, crowd: &Crowd) -> Self {
        let habit = |market: usize, wallet: u32| {
            let draw = named(seed, Stream::Habit, (market as u64) << 32 | u64::from(wallet));
            chosen(&MARKETS[market], crowd.style(wallet), draw)
        };
        let all = |market| (0..crowd.accounts()).map(move |wallet| (market, wallet));
        Self {
            wallets: crowd.accounts() as usize,
            habits: (0..MARKETS.len()).flat_map(all).map(|(market, wallet)| habit(market, wallet)).collect(),
            bankrolls: (0..crowd.accounts()).map(|wallet| bankroll(seed, crowd, wallet)).collect(),
        }
    }

    pub(crate) fn of(&self, market: usize, wallet: u32) -> Habit {
        self.habits[market * self.wallets + wallet as usize]
    }

    /// What a wallet deposits at a time, in millionths of a dollar.
    pub(crate) fn bankroll(&self, wallet: u32) -> i64 {
        self.bankrolls[wallet as usize]
    }
}

/// A builder's markets are strictly isolated. Of the others, professionals trade from one account.
fn chosen(market: &Market, style: Style, draw: u64) -> Habit {
    let most = u64::from(market.max_leverage);
    let (mode, taste, any) = (draw % 100, draw >> 8 & 15, draw >> 16);
    let (leverage, isolated) = match style {
        Style::Maker | Style::Liquidator | Style::Pool => (most.div_ceil(2), false),
        _ => {
            let leverage = match taste {
                0..6 => most,
                6..10 => most.div_ceil(2),
                _ => 1 + any % most,
            };
            (leverage, mode < 30)
        }
    };
    Habit { leverage: leverage as u8, isolated: isolated || market.is_builders() }
}

fn bankroll(seed: u64, crowd: &Crowd, wallet: u32) -> i64 {
    let draw = named(seed, Stream::Bankroll, u64::from(wallet));
    let (least, most) = match crowd.style(wallet) {
        Style::Pool => return 0,
        Style::Liquidator => (5_000, 5_000),
        Style::Maker => (20_000_000, 60_000_000),
        Style::Whale => (8_000, 80_000),
        Style::Twap => (1_000, 10_000),
        Style::Retail => match wallet % 10 {
            0 => (400, 4_000),
            1..5 => (50, 500),
            _ => (15, 100),
        },
    };
    let cents = (draw % (most - least + 1)) * 100 + (draw >> 40) % 100;
    least as i64 * DOLLAR + cents as i64 * DOLLAR / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_borrows_more_than_the_coin_allows() {
        let crowd = Crowd::new(1, 300);
        let habits = Habits::new(1, &crowd);
        let mut modes = [0, 0];
        for (market, terms) in MARKETS.iter().enumerate().filter(|(_, terms)| !terms.is_spot()) {
            for wallet in 0..crowd.accounts() {
                let habit = habits.of(market, wallet);
                assert!((1..=terms.max_leverage).contains(&u32::from(habit.leverage)));
                assert!(habit.isolated || !terms.is_builders(), "{} is strictly isolated", terms.coin);
                modes[usize::from(habit.isolated)] += usize::from(!terms.is_builders());
            }
        }
        assert!(modes.iter().all(|count| *count > 1_000), "{modes:?}");
    }
}
