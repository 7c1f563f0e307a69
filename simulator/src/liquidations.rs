//! Who cannot keep a position loses it. After each publication of marks, whoever has less than the maintenance margin
//! goes in; market orders, takeovers and deleveraging come out, and a record of each.

use crate::dice::Dice;
use crate::engine::{Engine, MILLISECOND};
use crate::margin::{Backing, Margined};
use crate::margin_tables::DOLLAR;
use crate::markets::{MARKETS, Market};
use crate::misc_events::LiquidationEvent;
use crate::tape::Tape;
use crate::trades::Cause;

/// How a position is taken from its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Market,
    Backstop,
    Deleveraging,
}

/// The fills of one block by which one victim lost one coin, as they were booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiquidationOrder {
    pub(crate) market: usize,
    pub(crate) wallet: u32,
    pub(crate) route: Route,
    pub(crate) long: bool,
    pub(crate) fills: u32,
    pub(crate) amount: i64,
    pub(crate) value: i64,
    pub(crate) mark: i64,
    pub(crate) closed_pnl: i64,
    /// The position behind the last of the fills.
    pub(crate) remaining: i64,
}

/// Larger positions go to the book in pieces.
const LARGE: i64 = 100_000 * DOLLAR;
const PIECES: i64 = 5;
const COOLDOWN: i64 = 30_000 * MILLISECOND;

impl Engine {
    /// One attempt for everybody who is short of margin.
    pub(crate) fn liquidate(&mut self, dice: &mut Dice, tape: &mut Tape<'_>) {
        let now = self.time;
        self.money.cooldowns.retain(|_, end| *end > now);
        for (wallet, margined) in self.short_of_margin() {
            // Deleveraging of another may have helped in the meantime.
            let backing = self.backing(wallet, margined);
            if !backing.suffices() {
                self.liquidate_one(wallet, margined, backing, dice, tape);
            }
        }
    }

    fn liquidate_one(
        &mut self,
        wallet: u32,
        margined: Margined,
        backing: Backing,
        dice: &mut Dice,
        tape: &mut Tape<'_>,
    ) {
        let positions = self.largest_first(wallet, margined);
        // The liquidator works its positions off as it likes, as long as it can pay for them.
        let own = wallet == self.crowd.liquidator() && backing.value >= 0;
        if own || positions.is_empty() {
            return;
        }
        let taken: Vec<(usize, i64)> = match route(backing) {
            Route::Market => self.sell_until_safe(wallet, margined, &positions, dice, tape),
            Route::Backstop => {
                self.take_over(wallet, margined, &positions, dice, tape);
                positions
            }
            Route::Deleveraging => {
                self.deleverage(wallet, margined, &positions, dice, tape);
                positions
            }
        };
        self.enter_in_ledger(wallet, margined, backing.value, &taken, dice);
    }

    /// Markets and signed lots.
    fn largest_first(&self, wallet: u32, margined: Margined) -> Vec<(usize, i64)> {
        let lots = |market| (market, self.accounts.amount(market, wallet));
        let mut positions: Vec<_> = match margined {
            Margined::Cross => self.cross_positions(wallet).map(lots).collect(),
            Margined::Isolated { market } => vec![lots(market)],
        };
        positions.sort_by_key(|(market, lots)| -(lots.abs() * self.quotes.of[*market].mark));
        positions
    }

    /// Market orders, one position after the other, until the rest is backed.
    fn sell_until_safe(
        &mut self,
        wallet: u32,
        margined: Margined,
        positions: &[(usize, i64)],
        dice: &mut Dice,
        tape: &mut Tape<'_>,
    ) -> Vec<(usize, i64)> {
        let cooling = self.money.cooldowns.contains_key(&wallet);
        let mut taken = Vec::new();
        for (market, lots) in positions {
            let large = lots.abs() * self.quotes.of[*market].mark > LARGE;
            let partial = large && !cooling;
            let piece = if partial { (lots.abs() / PIECES).max(1) * lots.signum() } else { *lots };
            if partial {
                self.money.cooldowns.insert(wallet, self.time + COOLDOWN);
            }
            self.force(*market, wallet, -piece, Cause::Liquidation, dice, tape);
            taken.push((*market, piece));
            if self.backing(wallet, margined).suffices() {
                break;
            }
        }
        taken
    }

    fn enter_in_ledger(
        &mut self,
        wallet: u32,
        margined: Margined,
        account_value: i64,
        taken: &[(usize, i64)],
        dice: &mut Dice,
    ) {
        let notional = |(market, lots): &(usize, i64)| lots.abs() * self.quotes.of[*market].mark;
        let positions: Vec<(&Market, i64)> = taken.iter().map(|(market, lots)| (&MARKETS[*market], *lots)).collect();
        let event = LiquidationEvent {
            user: self.crowd.address(wallet),
            notional: taken.iter().map(notional).sum(),
            account_value,
            isolated: margined != Margined::Cross,
            positions: &positions,
        };
        self.misc.liquidation(self.time, &event, dice);
    }

    /// One more fill of what a victim loses in this block.
    pub(crate) fn record(&mut self, fill: LiquidationOrder) {
        match self.liquidated.last_mut().filter(|order| order.is_same_order(&fill)) {
            Some(order) => order.add(&fill),
            None => self.liquidated.push(fill),
        }
    }
}

impl LiquidationOrder {
    fn is_same_order(&self, other: &Self) -> bool {
        (self.market, self.wallet, self.route, self.long) == (other.market, other.wallet, other.route, other.long)
    }

    fn add(&mut self, fill: &Self) {
        self.fills += fill.fills;
        self.amount += fill.amount;
        self.value += fill.value;
        self.closed_pnl += fill.closed_pnl;
        self.remaining = fill.remaining;
    }
}

/// The book first; what is nearly lost to the liquidator; what is lost against those who won.
fn route(backing: Backing) -> Route {
    match backing {
        Backing { value: ..0, .. } => Route::Deleveraging,
        Backing { value, maintenance, .. } if 3 * value < 2 * maintenance => Route::Backstop,
        _ => Route::Market,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_follows_what_is_left() {
        let routed = |value| route(Backing { value, maintenance: 300, ..Backing::default() });
        assert_eq!(routed(299), Route::Market);
        assert_eq!(routed(200), Route::Market);
        assert_eq!(routed(199), Route::Backstop);
        assert_eq!(routed(0), Route::Backstop);
        assert_eq!(routed(-1), Route::Deleveraging);
    }
}
