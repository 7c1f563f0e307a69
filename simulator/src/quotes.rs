//! Prices of every coin: about every three seconds chance moves what a coin is worth, makers quote around it, and from
//! both come the oracle and the mark price that the exchange publishes.

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, Stream};
use crate::engine::{DAY, Engine, MILLISECOND};
use crate::markets::{MARKETS, Market, choose};
use crate::tape::Trade;
use crate::trades::Cause;

/// The published prices, and what the next ones are made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Quotes {
    /// When the next ones are due, in nanoseconds.
    pub(crate) next: i64,
    pub(crate) count: u64,
    /// Premiums since funding was last charged.
    pub(crate) samples: u32,
    /// How far marks have moved altogether: of each publication the largest move, in millionths.
    pub(crate) moved: i64,
    pub(crate) of: Vec<Quote>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Quote {
    /// In millionths of the coin's smallest price.
    worth: i64,
    /// What is left of the last large move, in millionths.
    underway: i64,
    /// How far this perp trades above what the coin is worth, in millionths of it.
    basis: i64,
    /// Of the distance from the oracle to the middle of the book, in millionths of the smallest price.
    average_distance: i64,
    pub(crate) oracle: i64,
    pub(crate) mark: i64,
    pub(crate) previous_mark: i64,
    pub(crate) last: i64,
    /// In ten-billionths of the oracle price.
    pub(crate) premium: i64,
    pub(crate) premiums: i64,
    pub(crate) day: Day,
}

/// Since midnight.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Day {
    pub(crate) first_price: i64,
    pub(crate) traded: i64,
    pub(crate) traded_value: i64,
}

const INTERVAL: i64 = 3_000 * MILLISECOND;
const MILLION: i64 = 1_000_000;
pub(crate) const TEN_BILLION: i64 = 10_000_000_000;
/// The mark price follows the premium as it was over the last 150 seconds.
const SAMPLES_IN_AVERAGE: i64 = 50;

impl Quotes {
    pub(crate) fn new(start: i64) -> Self {
        let first = |market: &Market| Quote {
            worth: market.anchor * MILLION,
            last: market.anchor,
            oracle: market.anchor,
            mark: market.anchor,
            previous_mark: market.anchor,
            day: Day { first_price: market.anchor, ..Day::default() },
            ..Quote::default()
        };
        Self { next: start, count: 0, samples: 0, moved: 0, of: MARKETS.iter().map(first).collect() }
    }
}

impl Engine {
    /// Publishes oracle and mark prices, and lets the makers quote anew.
    pub(crate) fn publish(&mut self) {
        let mut dice = Dice::new(self.seed, Stream::Prices, self.quotes.count);
        self.quotes.count += 1;
        self.quotes.samples += 1;
        self.quotes.next = self.time + INTERVAL;
        // Large moves come to the coins that many hold more often than to others, and rarely to all at once.
        let everywhere = if dice.happens(2) { large_move(&mut dice) } else { 0 };
        if dice.happens(300) {
            self.quotes.of[choose(&mut dice)].underway += large_move(&mut dice);
        }
        let mut moved = 0;
        for (place, market) in MARKETS.iter().enumerate() {
            let mut quote = self.quotes.of[place].clone();
            quote.wander(market, everywhere, &mut dice);
            let bid = market.nearest(quote.home());
            quote.publish(market, bid, &mut dice);
            // A coin is worth something before its listing and after its end: its draws are made all the same, and no
            // other market's prices depend on it.
            if !self.is_delisted(place) {
                moved = moved.max(quote.last_move());
                (self.prices[place], self.quotes.of[place]) = (bid, quote);
            }
        }
        self.quotes.moved += moved + 1;
    }

    /// A day of trading ends with its date.
    pub(crate) fn begin_day(&mut self) {
        for (quote, price) in self.quotes.of.iter_mut().zip(&self.prices) {
            quote.day = Day { first_price: *price, ..Day::default() };
        }
    }

    pub(crate) fn is_another_day(&self, before: i64) -> bool {
        before / DAY != self.time / DAY
    }
}

impl Quote {
    /// Where the makers' quotes belong.
    pub(crate) fn home(&self) -> i64 {
        (i128::from(self.worth) * i128::from(MILLION + self.basis) / (i128::from(MILLION) * i128::from(MILLION))) as i64
    }

    /// Small moves always, large ones now and then; the further from where it began, the more it is drawn back.
    fn wander(&mut self, market: &Market, everywhere: i64, dice: &mut Dice) {
        let calm = dice.between(-500, 500) + dice.between(-500, 500);
        self.underway += everywhere + if dice.happens(6) { large_move(dice) } else { 0 };
        // Most large moves take some publications, so that some can still get out.
        let sudden = if dice.happens(120) { self.underway } else { self.underway / 3 };
        self.underway -= sudden;
        let anchor = market.anchor * MILLION;
        let drawn = (i128::from(anchor - self.worth) * i128::from(MILLION) / i128::from(anchor) / 250) as i64;
        let moved = calm + sudden + drawn;
        self.worth += (i128::from(self.worth) * i128::from(moved) / i128::from(MILLION)) as i64;
        self.basis += dice.between(-120, 120) - self.basis / 20;
    }

    /// Of the mark price, in millionths.
    fn last_move(&self) -> i64 {
        (self.mark - self.previous_mark).abs() * MILLION / self.mark.min(self.previous_mark)
    }

    /// A trade in the book; what is handed over past it is no price that anybody quoted.
    pub(crate) fn traded(&mut self, cause: Cause, trade: &Trade<'_>) {
        if matches!(cause, Cause::Wish | Cause::Liquidation) {
            self.last = trade.price;
            self.day.traded += trade.amount;
            self.day.traded_value += trade.value();
        }
    }

    fn publish(&mut self, market: &Market, bid: i64, dice: &mut Dice) {
        let ask = bid + market.step(bid);
        self.oracle = market.nearest(self.worth / MILLION);
        let distance = (bid + ask) * (MILLION / 2) - self.oracle * MILLION;
        self.average_distance += (distance - self.average_distance) / SAMPLES_IN_AVERAGE;
        let elsewhere = self.oracle + self.oracle * (self.basis + dice.between(-150, 150)) / MILLION;
        let followed = self.oracle + self.average_distance / MILLION;
        self.previous_mark = self.mark;
        self.mark = market.nearest(median(followed, self.last.clamp(bid, ask), elsewhere));
        let apart = (bid - self.oracle).max(0) - (self.oracle - ask).max(0);
        self.premium = (i128::from(apart) * i128::from(TEN_BILLION) / i128::from(self.oracle)) as i64;
        self.premiums += self.premium;
    }
}

impl Market {
    /// The nearest price that is valid.
    fn nearest(&self, price: i64) -> i64 {
        let step = self.step(price);
        ((price + step / 2) / step * step).max(step)
    }
}

/// A move that margins feel, in millionths.
fn large_move(dice: &mut Dice) -> i64 {
    let most = if dice.happens(80) { 90_000 } else { 30_000 };
    let size = 5_000 + dice.skewed(most) as i64;
    if dice.happens(500) { size } else { -size }
}

fn median(one: i64, other: i64, third: i64) -> i64 {
    one.max(other).min(one.min(other).max(third))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        for (one, other, third) in [(1, 2, 3), (3, 1, 2), (2, 3, 1), (1, 3, 2), (2, 2, 9), (9, 2, 2)] {
            assert_eq!(median(one, other, third), 2);
        }
    }

    #[test]
    fn what_is_published_are_prices_and_each_its_own() {
        let mut engine = Engine::new(3, 100, 200, 1_782_636_100_000);
        let (mut line, mut marks, mut apart) = (Vec::new(), 0, [0, 0, 0]);
        for _ in 0..20_000 {
            let count = engine.quotes.count;
            engine.next_block(&mut line);
            for (market, quote) in MARKETS.iter().zip(&engine.quotes.of).filter(|_| engine.quotes.count > count) {
                for price in [quote.oracle, quote.mark, quote.previous_mark, quote.last] {
                    assert!(price > 0 && price % market.step(price) == 0, "{} at {price}", market.coin);
                }
                assert!((quote.mark - quote.oracle).abs() * 100 < quote.oracle, "{}: {quote:?}", market.coin);
                marks += 1;
                apart[0] += usize::from(quote.mark != quote.oracle);
                apart[1] += usize::from(quote.mark != quote.last);
                apart[2] += usize::from(quote.last != quote.oracle);
            }
        }
        assert!(marks > 10_000 && apart.iter().all(|count| *count > marks / 2), "{apart:?} of {marks}");
    }
}
