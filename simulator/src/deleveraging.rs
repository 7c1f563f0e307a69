//! Auto-deleveraging: an account that has lost more than it had is closed at the previous mark price against those
//! who won most with most leverage on the other side.

use std::cmp::Reverse;

use crate::dice::Dice;
use crate::engine::Engine;
use crate::margin::Margined;
use crate::orders::HandOver;
use crate::tape::Tape;
use crate::trades::Cause;

/// Ranks are ratios; so many parts of one are told apart.
const PARTS: i128 = 1_000_000;

impl Engine {
    pub(crate) fn deleverage(
        &mut self,
        wallet: u32,
        margined: Margined,
        positions: &[(usize, i64)],
        dice: &mut Dice,
        tape: &mut Tape<'_>,
    ) {
        let cause = Cause::Deleveraging { isolated: margined != Margined::Cross };
        for (market, position) in positions.iter().copied() {
            let price = self.quotes.of[market].previous_mark;
            let mut left = position;
            for winner in self.winners(market, position.signum()) {
                let lots = left.signum() * left.abs().min(self.accounts.amount(market, winner).abs());
                self.hand_over(&HandOver { market, from: wallet, to: winner, lots, price }, cause, dice, tape);
                left -= lots;
                if left == 0 {
                    break;
                }
            }
        }
    }

    /// Everybody on the other side of a position, in the order in which they are closed.
    fn winners(&self, market: usize, side: i64) -> Vec<u32> {
        let mut ranked: Vec<_> = (0_u32..)
            .zip(self.accounts.of_market(market))
            .filter(|(_, holding)| holding.amount.signum() == -side)
            .map(|(wallet, _)| (Reverse(self.rank(market, wallet)), wallet))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, wallet)| wallet).collect()
    }

    /// Profit times leverage: (mark / entry) · (notional / account value), with the first the other way round for a
    /// short. Who has nothing left cannot be closed in somebody's favour and comes last.
    fn rank(&self, market: usize, wallet: u32) -> i128 {
        let holding = self.accounts.of_market(market)[wallet as usize];
        let isolated = self.habits.of(market, wallet).isolated;
        let margined = if isolated { Margined::Isolated { market } } else { Margined::Cross };
        let account_value = i128::from(self.backing(wallet, margined).value);
        let notional = i128::from(holding.amount.abs()) * i128::from(self.quotes.of[market].mark);
        let (worth, paid) = (notional, i128::from(holding.cost.max(1)));
        let gained = if holding.amount > 0 { worth * PARTS / paid } else { paid * PARTS / worth.max(1) };
        if account_value > 0 { gained * notional / account_value } else { i128::MIN }
    }
}
