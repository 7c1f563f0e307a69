//! Why an order is sent: from what a wallet holds, its style and the mood of the market comes what it wants.

use crate::crowd::Style;
use crate::dice::{Dice, Stream, named};
use crate::engine::Engine;
use crate::markets::MARKETS;

/// How long a TWAP user works in one direction.
pub(crate) const BLOCKS_PER_TWAP: u64 = 3_000;
const BLOCKS_PER_MOOD: u64 = 1_500;

impl Engine {
    /// What a wallet wants of a perp, in lots: its position and its temper decide.
    pub(crate) fn perp_wish(&self, market: usize, wallet: u32, dice: &mut Dice) -> i64 {
        let position = self.accounts.amount(market, wallet);
        let price = self.prices[market];
        let usual = MARKETS[market].lots_for(self.crowd.usual_size(wallet, dice), price);
        let style = self.crowd.style(wallet);
        if style == Style::Twap {
            let turn = (u64::from(wallet) << 32) | (self.block / BLOCKS_PER_TWAP);
            return if named(self.seed, Stream::Twap, turn).is_multiple_of(2) { usual } else { -usual };
        }
        let buys = dice.happens(self.mood(market));
        let wished = if buys { usual } else { -usual };
        if position == 0 {
            return wished;
        }
        let too_large = position.abs() / 20 > usual;
        let draw = if too_large { 0 } else { dice.below(1000) };
        match ((position > 0) == buys, draw) {
            _ if style == Style::Maker => -(position / 2 + position.signum()),
            (true, 500..) => wished,
            (false, 650..) => wished - position,
            (_, 450..) => -reduced(position, dice),
            _ => -position,
        }
    }

    /// What a wallet wants of a spot token, in lots; nobody sells what he does not have.
    pub(crate) fn spot_wish(&self, market: usize, wallet: u32, dice: &mut Dice) -> i64 {
        let terms = &MARKETS[market];
        let usual = terms.lots_for(self.crowd.usual_size(wallet, dice), self.prices[market]);
        let owned = self.accounts.amount(market, wallet) / terms.lot();
        match dice.below(1000) {
            _ if owned == 0 => usual,
            0..300 => -owned,
            300..520 => -owned.min(usual),
            _ => usual,
        }
    }

    /// How many of a thousand would rather buy: it turns, so that accounts move from one side to the other.
    fn mood(&self, market: usize) -> u64 {
        let turn = (market as u64) << 32 | (self.block / BLOCKS_PER_MOOD);
        150 + named(self.seed, Stream::Mood, turn) % 701
    }
}

/// A part of a position, never more than all of it.
pub(crate) fn reduced(position: i64, dice: &mut Dice) -> i64 {
    position.signum() * (position.abs() * dice.between(20, 80) / 100).max(1)
}
