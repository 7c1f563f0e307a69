//! What margin allows: an order that somebody wishes goes in, the part of it that he can back comes out. Who has
//! nothing to back it with brings money first.

use crate::dice::Dice;
use crate::engine::Engine;
use crate::margin_tables::DOLLAR;
use crate::markets::MARKETS;
use crate::wishes::reduced;

/// No order that opens is for less.
const SMALLEST_ORDER: i64 = 10 * DOLLAR;
/// Of the notional, in ten-thousandths, beside the margin: fees, and the way to the last maker.
const RESERVE: i64 = 40;

impl Engine {
    /// A market and lots in it: what was wished, or as much of it as margin allows, or, when it allows nothing, a way
    /// to free some.
    pub(crate) fn backed(&mut self, market: usize, wallet: u32, wish: i64, dice: &mut Dice) -> (usize, i64) {
        self.count_free_margin(wallet);
        let allowed = self.affordable(market, wallet, wish);
        if allowed != 0 || wish == 0 {
            return (market, allowed);
        }
        if self.is_broke(wallet) {
            self.deposit(wallet, self.habits.bankroll(wallet), dice);
            return (market, self.affordable(market, wallet, wish));
        }
        let tied = self.positions(wallet).nth(dice.below(4) as usize).or_else(|| self.positions(wallet).next());
        match tied {
            Some(tied) => (tied, -reduced(self.accounts.amount(tied, wallet), dice)),
            None => (market, 0),
        }
    }

    /// Closing is always allowed, opening as far as the free margin reaches.
    pub(crate) fn affordable(&self, market: usize, wallet: u32, wish: i64) -> i64 {
        let position = self.accounts.amount(market, wallet);
        let closing = if (position > 0) == (wish > 0) { 0 } else { position.abs().min(wish.abs()) };
        let opening = wish.abs() - closing;
        if opening == 0 {
            return wish;
        }
        let freed = if closing == 0 { 0 } else { self.tied(market, wallet, position) };
        let price = self.prices[market].max(self.quotes.of[market].mark);
        let leverage = i64::from(self.habits.of(market, wallet).leverage);
        let margin = i128::from((self.free_margin(wallet) + freed).max(0));
        let lots = margin * i128::from(10_000 * leverage) / i128::from(price * (10_000 + RESERVE * leverage));
        let opened = i128::from(opening).min(lots) as i64;
        let worth_it = opened * price >= SMALLEST_ORDER;
        wish.signum() * (closing + if worth_it { opened } else { 0 })
    }

    /// The margin that closing a position sets free.
    fn tied(&self, market: usize, wallet: u32, position: i64) -> i64 {
        let habit = self.habits.of(market, wallet);
        if habit.isolated {
            return self.isolated_position(market, wallet).value.max(0);
        }
        position.abs() * self.quotes.of[market].mark / i64::from(habit.leverage)
    }

    /// Whoever lost most of what he brought brings more.
    fn is_broke(&self, wallet: u32) -> bool {
        let aside: i64 =
            self.isolated_positions(wallet).map(|market| self.isolated_position(market, wallet).value).sum();
        (self.cross_account(wallet).value + aside) * 3 < self.habits.bankroll(wallet)
    }

    fn deposit(&mut self, wallet: u32, amount: i64, dice: &mut Dice) {
        self.money.deposits += amount;
        self.money.add(wallet, amount);
        self.misc.deposit(self.time, self.crowd.address(wallet), amount, dice);
    }

    /// Makers quote in every market at any time, so their money is there before anybody else's; the liquidator is
    /// given new means when it has lost them and holds nothing.
    pub(crate) fn fund_makers(&mut self, dice: &mut Dice) {
        for maker in 0..self.crowd.makers() {
            self.count_free_margin(maker);
            if self.free_margin(maker) < self.habits.bankroll(maker) / 4 {
                self.deposit(maker, self.habits.bankroll(maker), dice);
            }
        }
        let liquidator = self.crowd.liquidator();
        let (means, left) = (self.habits.bankroll(liquidator), self.money.cross[liquidator as usize]);
        if left < means / 4 && self.positions(liquidator).next().is_none() {
            self.deposit(liquidator, means - left, dice);
        }
    }

    /// How many lots a wallet is willing and able to take the other side of.
    pub(crate) fn taken(&self, market: usize, wallet: u32, lots: i64, buys: bool) -> i64 {
        let change = if buys { lots } else { -lots };
        if MARKETS[market].is_spot() { lots } else { self.affordable(market, wallet, change).abs() }
    }
}
