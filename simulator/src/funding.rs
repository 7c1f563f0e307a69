//! Funding: on the hour, every holder of a perp pays or receives by the premium of that hour. What longs pay, shorts
//! receive.

use crate::dice::Dice;
use crate::engine::Engine;
use crate::markets::MARKETS;
use crate::misc_events::FundingDelta;
use crate::quotes::{Quote, TEN_BILLION};

const HOUR: i64 = 3_600_000_000_000;
/// In ten-billionths per eight hours, as everything that the rate is made of.
const INTEREST: i64 = 1_000_000;
const INTEREST_REACHES: i64 = 5_000_000;
const HOURS_OF_RATE: i64 = 8;

impl Quote {
    /// In ten-billionths per hour, from the premiums so far.
    pub(crate) fn funding_rate(&self, samples: u32) -> i64 {
        hourly_rate(self.premiums / i64::from(samples.max(1)))
    }
}

impl Engine {
    pub(crate) fn is_another_hour(&self, before: i64) -> bool {
        before / HOUR != self.time / HOUR
    }

    pub(crate) fn charge_funding(&mut self, dice: &mut Dice) {
        let due: Vec<(usize, u32, i64)> = (0..self.crowd.accounts())
            .flat_map(|wallet| self.positions(wallet).map(move |market| (market, wallet)))
            .map(|(market, wallet)| (market, wallet, self.funding_due(market, wallet)))
            .collect();
        for (market, wallet, payment) in &due {
            self.pay_funding(*market, *wallet, *payment);
        }
        self.print_funding(&due, dice);
        self.quotes.of.iter_mut().for_each(|quote| quote.premiums = 0);
        self.quotes.samples = 0;
    }

    fn funding_due(&self, market: usize, wallet: u32) -> i64 {
        let quote = &self.quotes.of[market];
        let value = i128::from(self.accounts.amount(market, wallet)) * i128::from(quote.oracle);
        (value * i128::from(quote.funding_rate(self.quotes.samples)) / i128::from(TEN_BILLION)) as i64
    }

    fn pay_funding(&mut self, market: usize, wallet: u32, payment: i64) {
        self.money.rounding += payment;
        if self.habits.of(market, wallet).isolated {
            self.accounts.holding_mut(market, wallet).raw -= payment;
            self.money.standings[wallet as usize].safe_until = 0;
        } else {
            self.money.add(wallet, -payment);
        }
    }

    fn print_funding(&mut self, due: &[(usize, u32, i64)], dice: &mut Dice) {
        let samples = self.quotes.samples;
        let deltas = due.iter().map(|(market, wallet, payment)| FundingDelta {
            user: self.crowd.address(*wallet),
            market: &MARKETS[*market],
            payment: *payment,
            position: self.accounts.amount(*market, *wallet),
            rate: self.quotes.of[*market].funding_rate(samples),
            samples,
        });
        self.misc.funding(self.time, deltas, dice);
    }
}

/// From the average premium.
fn hourly_rate(premium: i64) -> i64 {
    let rate = premium + (INTEREST - premium).clamp(-INTEREST_REACHES, INTEREST_REACHES);
    rate / HOURS_OF_RATE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_interest_unless_the_premium_is_far_from_it() {
        assert_eq!(hourly_rate(0), 125_000, "0.0000125 an hour");
        assert_eq!(hourly_rate(4_000_000), 125_000);
        assert_eq!(hourly_rate(9_000_000), 500_000, "less than the premium by what interest reaches");
        assert_eq!(hourly_rate(-9_000_000), -500_000);
        assert_eq!(Quote::default().funding_rate(0), 125_000);
    }
}
