//! Dust: balances worth less than a dollar become one pooled sale and one single leg per user.

use crate::crowd::Style;
use crate::dice::Dice;
use crate::engine::{Engine, MILLISECOND};
use crate::markets::MARKETS;
use crate::tape::{Leg, Tape, Trade};

/// In hundred-millionths, as all spot values.
const DOLLAR: i64 = 100_000_000;

impl Engine {
    pub(crate) fn convert_dust(&mut self, dice: &mut Dice, tape: &mut Tape<'_>) {
        for market in (0..MARKETS.len()).filter(|market| MARKETS[*market].is_spot()) {
            let dusted = self.dusted(market);
            let total: i64 = dusted.iter().map(|(_, amount)| amount).sum();
            let lots = total / MARKETS[market].lot();
            if lots > 0 {
                self.convert(market, &dusted, lots, dice, tape);
            }
        }
    }

    /// Whose balance is too small to keep, and how small it is.
    fn dusted(&self, market: usize) -> Vec<(u32, i64)> {
        let terms = &MARKETS[market];
        let price = self.prices[market];
        (0_u32..)
            .zip(self.accounts.of_market(market))
            .map(|(wallet, holding)| (wallet, holding.amount))
            .filter(|(_, amount)| *amount > 0 && terms.value(*amount, price) < DOLLAR)
            .filter(|(wallet, _)| !matches!(self.crowd.style(*wallet), Style::Maker | Style::Pool))
            .take(self.most_dust())
            .collect()
    }

    fn convert(&mut self, market: usize, dusted: &[(u32, i64)], lots: i64, dice: &mut Dice, tape: &mut Tape<'_>) {
        let (terms, price, pool) = (&MARKETS[market], self.prices[market], self.crowd.pool());
        // The pool owns the dust before it sells it: its balance is never negative either.
        for (_, amount) in dusted {
            self.accounts.book(market, pool, *amount, terms.value(*amount, price));
        }
        let buyer = self.crowd.any_maker(dice);
        let oid = self.sell_for_pool(market, buyer, lots, dice, tape);
        for (wallet, amount) in dusted {
            let booked = self.accounts.book(market, *wallet, -amount, terms.value(*amount, price));
            let trade = Trade {
                market: terms,
                price,
                amount: *amount,
                time: self.time / MILLISECOND,
                hash: [0; 32],
                tid: 0,
                liquidation: None,
            };
            let leg = Leg {
                user: self.crowd.address(*wallet),
                buys: false,
                start: booked.start,
                closed_pnl: booked.closed_pnl,
                oid,
                crossed: true,
                fee: 0,
                builder_fee: None,
                cloid: None,
                builder: None,
                deployer_fee: None,
                twap: None,
                direction: Some("Spot Dust Conversion"),
            };
            tape.leg(&trade, &leg);
        }
    }
}
