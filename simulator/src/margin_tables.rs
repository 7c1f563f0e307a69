//! How much a position must be backed with: margin tables as Hyperliquid publishes them, and from a notional the
//! margin that must be there for it.

use crate::markets::Market;

/// From a notional on, so much leverage is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// In whole dollars.
    pub lower_bound: i64,
    pub max_leverage: u32,
}

pub(crate) struct MarginTable {
    pub(crate) id: u32,
    pub(crate) description: &'static str,
    pub(crate) tiers: &'static [Tier],
}

/// As recorded; a number below 50 that is not listed is a table of that one leverage.
pub(crate) static MAIN_TABLES: [MarginTable; 7] = [
    table(50, "", &[tier(0, 50)]),
    table(51, "tiered 10x", &[tier(0, 10), tier(3_000_000, 5)]),
    table(52, "tiered 10x (2)", &[tier(0, 10), tier(20_000_000, 5)]),
    table(53, "tiered 20x", &[tier(0, 20), tier(40_000_000, 10)]),
    table(54, "tiered 20x (2)", &[tier(0, 20), tier(70_000_000, 10)]),
    table(55, "tiered 25x", &[tier(0, 25), tier(100_000_000, 15)]),
    table(56, "tiered 40x", &[tier(0, 40), tier(150_000_000, 20)]),
];

const fn table(id: u32, description: &'static str, tiers: &'static [Tier]) -> MarginTable {
    MarginTable { id, description, tiers }
}

const fn tier(lower_bound: i64, max_leverage: u32) -> Tier {
    Tier { lower_bound, max_leverage }
}

/// Perps count money in millionths of a dollar.
pub(crate) const DOLLAR: i64 = 1_000_000;

impl Market {
    /// The tiers of this market alone, beginning at zero.
    pub(crate) fn tiers(&self) -> Vec<Tier> {
        match self.listed_table() {
            Some(table) => table.tiers.to_vec(),
            None => vec![tier(0, self.max_leverage)],
        }
    }

    /// What a position must keep, and below which it is liquidated: half the initial margin at the highest leverage of
    /// each tier, for the part of the notional that lies in it.
    pub(crate) fn maintenance(&self, notional: i64) -> i64 {
        let Some(table) = self.listed_table().filter(|table| table.reaches_second_tier(notional)) else {
            return notional / i64::from(2 * self.max_leverage);
        };
        let mut tiers = table.tiers.iter().peekable();
        let mut margin = 0;
        while let Some(tier) = tiers.next() {
            let end = tiers.peek().map_or(notional, |next| notional.min(next.lower_bound * DOLLAR));
            margin += (end - tier.lower_bound * DOLLAR).max(0) / i64::from(2 * tier.max_leverage);
        }
        margin
    }

    fn listed_table(&self) -> Option<&'static MarginTable> {
        let first = MAIN_TABLES[0].id;
        self.margin_table.checked_sub(first).and_then(|place| MAIN_TABLES.get(place as usize))
    }
}

impl MarginTable {
    fn reaches_second_tier(&self, notional: i64) -> bool {
        self.tiers.get(1).is_some_and(|tier| notional > tier.lower_bound * DOLLAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markets::MARKETS;

    #[test]
    fn a_table_is_found_by_its_number_and_begins_with_the_coins_leverage() {
        for (place, table) in MAIN_TABLES.iter().enumerate() {
            assert_eq!(table.id as usize, place + 50);
            assert!(table.tiers[0].lower_bound == 0 && table.tiers.is_sorted_by_key(|tier| tier.lower_bound));
        }
        for market in MARKETS.iter().filter(|market| !market.is_spot()) {
            assert_eq!(market.tiers()[0].max_leverage, market.max_leverage, "{}", market.coin);
        }
    }

    #[test]
    fn maintenance_follows_the_documented_deduction() {
        let btc = &MARKETS[0];
        assert_eq!(btc.maintenance(150_000_000 * DOLLAR), 1_875_000 * DOLLAR);
        assert_eq!(btc.maintenance(200_000_000 * DOLLAR), (200_000_000 / 40 - 1_875_000) * DOLLAR);
        let xyz = MARKETS.iter().find(|market| market.coin == "xyz:CL");
        assert_eq!(xyz.map(|market| market.maintenance(1_000 * DOLLAR)), Some(25 * DOLLAR));
    }
}
