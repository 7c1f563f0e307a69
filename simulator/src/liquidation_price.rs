//! The price at which a position is liquidated: a position, the money behind it and its margin tiers go in, the mark
//! price comes out at which that money is exactly the maintenance margin. Whole numbers throughout.

use crate::margin_tables::Tier;

/// A position and what stands behind it, every number in ten-billionths: as many decimals as the exchange prints of
/// such a price.
#[derive(Debug, Clone, Copy)]
pub struct Exposure {
    /// Positive for a long.
    pub size: i128,
    /// What the position is worth at the mark price, without a sign.
    pub notional: i128,
    /// Of the cross account; of an isolated position, its own margin with its profit.
    pub account_value: i128,
    /// What the other positions of a cross account must keep; nothing for an isolated position.
    pub other_maintenance: i128,
}

impl Exposure {
    /// An isolated position needs no price: what counts is what it owes.
    pub fn isolated(size: i128, raw_usd: i128) -> Self {
        Self { size, notional: 0, account_value: raw_usd, other_maintenance: 0 }
    }
}

/// Ten-billionths in one.
pub const ONE: i128 = 10_000_000_000;

/// In ten-billionths, or `None` when no price above zero does it: a long whose account holds more than it costs.
pub fn liquidation_price(exposure: &Exposure, tiers: &[Tier]) -> Option<i128> {
    let side = exposure.size.signum();
    let available = exposure.account_value - exposure.other_maintenance;
    // Every tier's rate is a whole number of parts of this size.
    let parts: i128 = 2 * tiers.iter().map(|tier| i128::from(tier.max_leverage)).product::<i128>();
    let (mut deduction, mut rate_below) = (0, 0);
    for (place, tier) in tiers.iter().enumerate() {
        let rate = parts / (2 * i128::from(tier.max_leverage));
        deduction += i128::from(tier.lower_bound) * ONE * (rate - rate_below);
        rate_below = rate;
        // The notional at the price that is sought is the first divided by the second.
        let (owed, kept) = ((exposure.notional - side * available) * parts - side * deduction, parts - side * rate);
        let reaches = |tier: &Tier| owed >= i128::from(tier.lower_bound) * ONE * kept;
        if owed > 0 && reaches(tier) && !tiers.get(place + 1).is_some_and(reaches) {
            return Some(rounded(owed * ONE, kept * exposure.size.abs()));
        }
    }
    None
}

/// The nearest whole number, of positive ones.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor / 2) / divisor
}

#[cfg(test)]
mod tests {
    use super::*;

    const BTC: [Tier; 2] =
        [Tier { lower_bound: 0, max_leverage: 40 }, Tier { lower_bound: 150_000_000, max_leverage: 20 }];

    fn single(max_leverage: u32) -> [Tier; 1] {
        [Tier { lower_bound: 0, max_leverage }]
    }

    #[test]
    fn recorded_isolated_positions_come_out_to_the_last_digit() {
        let melania = Exposure::isolated(62_685 * ONE / 10, -10_819_413_710_000);
        assert_eq!(liquidation_price(&melania, &single(5)), Some(1_917_774_713));
        let hype = Exposure::isolated(2 * ONE, -681_262_460_000);
        assert_eq!(liquidation_price(&hype, &single(10)), Some(358_559_189_474));
    }

    #[test]
    fn a_recorded_cross_short_comes_out_to_the_last_digit() {
        let notional = 86_672_782_300_000;
        let btc = Exposure {
            size: -726_700_000,
            notional,
            account_value: 29_870_108_170_500_000,
            other_maintenance: 3_024_684_750_590_000 - notional / 80,
        };
        let price = liquidation_price(&btc, &single(40)).unwrap_or_default();
        assert_eq!(price / 1_000_000, 366_047_491_698, "36604749.1698");
    }

    #[test]
    fn the_tier_is_the_one_at_the_liquidation_price() {
        let long = Exposure::isolated(2_000 * ONE, -190_000_000 * ONE);
        let price = liquidation_price(&long, &BTC).unwrap_or_default();
        assert_eq!(price / 10_000_000, 96_474_358, "188,125,000 / 1,950");
        assert_eq!(price, 964_743_589_743_590);
        assert_eq!(liquidation_price(&long, &BTC[..1]).unwrap_or_default() / ONE, 96_202, "without the second tier");
    }

    #[test]
    fn a_long_that_is_paid_for_has_no_price_and_a_short_always_has_one() {
        assert_eq!(liquidation_price(&Exposure::isolated(ONE, 0), &single(3)), None);
        assert_eq!(liquidation_price(&Exposure::isolated(ONE, 5 * ONE), &single(3)), None);
        assert!(liquidation_price(&Exposure::isolated(-ONE, 5 * ONE), &BTC).is_some());
    }
}
