//! The backstop: positions that are nearly lost go to the liquidator at the mark price with the money behind them, and
//! the liquidator works them off by ordinary orders.

use crate::dice::Dice;
use crate::engine::Engine;
use crate::margin::Margined;
use crate::margin_tables::DOLLAR;
use crate::orders::HandOver;
use crate::tape::Tape;
use crate::trades::Cause;

/// Smaller positions are worked off at once, larger ones by parts.
const SMALL: i64 = 500 * DOLLAR;
const PARTS: i64 = 24;

impl Engine {
    pub(crate) fn take_over(
        &mut self,
        wallet: u32,
        margined: Margined,
        positions: &[(usize, i64)],
        dice: &mut Dice,
        tape: &mut Tape<'_>,
    ) {
        let left = self.backing(wallet, margined).value;
        let liquidator = self.crowd.liquidator();
        for (market, lots) in positions {
            let cause = Cause::Backstop { isolated: margined != Margined::Cross };
            let (market, lots, price) = (*market, *lots, self.quotes.of[*market].mark);
            self.hand_over(&HandOver { market, from: wallet, to: liquidator, lots, price }, cause, dice, tape);
        }
        self.money.move_cross(wallet, liquidator, left);
    }

    /// The liquidator's own orders.
    pub(crate) fn work_off(&mut self, dice: &mut Dice, tape: &mut Tape<'_>) {
        let liquidator = self.crowd.liquidator();
        for market in self.positions(liquidator) {
            let lots = self.accounts.amount(market, liquidator);
            let small = lots.abs() * self.quotes.of[market].mark <= SMALL;
            let part = if small { lots } else { lots.signum() * (lots.abs() / PARTS).max(1) };
            self.force(market, liquidator, -part, Cause::Wish, dice, tape);
        }
    }
}
