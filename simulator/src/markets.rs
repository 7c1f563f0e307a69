//! What can be traded, on Hyperliquid's own terms: size decimals, leverage and margin tables as recorded.

use crate::dice::Dice;

#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) coin: &'static str,
    pub(crate) kind: Kind,
    pub(crate) size_decimals: u32,
    /// Where the price walks around, in the smallest unit a price of this coin has.
    pub(crate) anchor: i64,
    pub(crate) max_leverage: u32,
    pub(crate) margin_table: u32,
    /// Its share of all orders while everything is traded, in thousandths.
    popularity: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A perpetual of the main dex.
    Main,
    /// A perpetual of a builder's dex (HIP-3) with its collateral.
    Builder { dex: &'static str, collateral: &'static str },
    /// A token against USDC; the fee of a purchase is taken in the token.
    Spot { token: &'static str, index: u32 },
}

const XYZ: Kind = Kind::Builder { dex: "xyz", collateral: "USDC" };
const CASH: Kind = Kind::Builder { dex: "cash", collateral: "USDT0" };
const PURR: Kind = Kind::Spot { token: "PURR", index: 0 };
const HYPE: Kind = Kind::Spot { token: "HYPE", index: 107 };

pub(crate) static MARKETS: [Market; 24] = [
    market("BTC", Kind::Main, 5, 660_000, 40, 56, 230),
    market("ETH", Kind::Main, 4, 195_000, 25, 55, 160),
    market("SOL", Kind::Main, 2, 721_500, 20, 54, 95),
    market("HYPE", Kind::Main, 2, 385_000, 10, 52, 95),
    market("XRP", Kind::Main, 0, 1_350_000, 20, 53, 40),
    market("DOGE", Kind::Main, 0, 95_000, 10, 52, 30),
    market("kPEPE", Kind::Main, 0, 3_650, 10, 52, 25),
    market("2Z", Kind::Main, 0, 110_000, 3, 3, 10),
    market("0G", Kind::Main, 0, 850_000, 3, 3, 10),
    market("FARTCOIN", Kind::Main, 1, 21_000, 10, 52, 30),
    market("SUI", Kind::Main, 1, 110_000, 10, 52, 25),
    market("LINK", Kind::Main, 1, 900_000, 10, 52, 20),
    market("AVAX", Kind::Main, 2, 92_000, 10, 52, 18),
    market("BNB", Kind::Main, 3, 640_000, 10, 51, 18),
    market("PUMP", Kind::Main, 0, 2_000, 5, 5, 18),
    market("MATIC", Kind::Main, 1, 37_621, 20, 20, 15),
    market("FTM", Kind::Main, 0, 716_880, 10, 10, 12),
    market("XPL", Kind::Main, 0, 98_100, 10, 52, 12),
    market("MON", Kind::Main, 0, 21_200, 5, 5, 12),
    market("xyz:XYZ100", XYZ, 4, 2_465_700, 25, 25, 35),
    market("xyz:CL", XYZ, 3, 65_000, 20, 20, 20),
    market("cash:NVDA", CASH, 3, 185_000, 10, 10, 20),
    market("PURR/USDC", PURR, 0, 8_000_000, 1, 1, 15),
    market("@107", HYPE, 2, 38_500_000, 1, 1, 35),
];

const fn market(
    coin: &'static str,
    kind: Kind,
    size_decimals: u32,
    anchor: i64,
    max_leverage: u32,
    margin_table: u32,
    popularity: u64,
) -> Market {
    Market { coin, kind, size_decimals, anchor, max_leverage, margin_table, popularity }
}

/// Any market, whether it is traded or not.
pub(crate) fn choose(dice: &mut Dice) -> usize {
    let mut draw = dice.below(1000);
    for (place, market) in MARKETS.iter().enumerate() {
        if draw < market.popularity {
            return place;
        }
        draw -= market.popularity;
    }
    0
}

/// Decimals of a spot balance, whatever the token's lot is.
const BALANCE_DECIMALS: u32 = 8;

impl Market {
    pub(crate) fn of(coin: &str) -> Option<&'static Self> {
        MARKETS.iter().find(|market| market.coin == coin)
    }

    pub(crate) fn is_spot(&self) -> bool {
        matches!(self.kind, Kind::Spot { .. })
    }

    pub(crate) fn is_builders(&self) -> bool {
        matches!(self.kind, Kind::Builder { .. })
    }

    /// The builder's dex, or `""` for the main one.
    pub(crate) fn dex(&self) -> &'static str {
        match self.kind {
            Kind::Builder { dex, .. } => dex,
            _ => "",
        }
    }

    /// What a fee is paid in.
    pub(crate) fn fee_token(&self, buys: bool) -> &'static str {
        match self.kind {
            Kind::Builder { collateral, .. } => collateral,
            Kind::Spot { token, .. } if buys => token,
            _ => "USDC",
        }
    }

    pub(crate) fn price_decimals(&self) -> u32 {
        self.value_decimals() - self.size_decimals
    }

    /// Decimals of price times size.
    pub(crate) fn value_decimals(&self) -> u32 {
        if self.is_spot() { 8 } else { 6 }
    }

    /// Decimals of an amount as the accounts hold it.
    pub(crate) fn amount_decimals(&self) -> u32 {
        if self.is_spot() { BALANCE_DECIMALS } else { self.size_decimals }
    }

    /// How much of an amount one lot is.
    pub(crate) fn lot(&self) -> i64 {
        10_i64.pow(self.amount_decimals() - self.size_decimals)
    }

    /// What an amount is worth at a price, in the smallest unit of the quote.
    pub(crate) fn value(&self, amount: i64, price: i64) -> i64 {
        (i128::from(amount) * i128::from(price) / i128::from(self.lot())) as i64
    }

    /// How many lots so many dollars buy: at least one.
    pub(crate) fn lots_for(&self, dollars: i64, price: i64) -> i64 {
        (i128::from(dollars) * 10_i128.pow(self.value_decimals()) / i128::from(price)).max(1) as i64
    }

    /// The distance between neighbouring prices: five significant figures, but whole numbers are always allowed.
    pub(crate) fn step(&self, price: i64) -> i64 {
        let surplus = price.max(1).ilog10().saturating_sub(4);
        10_i64.pow(surplus.min(self.price_decimals()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_markets_are_a_whole() {
        assert_eq!(MARKETS.iter().map(|market| market.popularity).sum::<u64>(), 1000);
    }

    #[test]
    fn every_anchor_is_a_valid_price() {
        for market in &MARKETS {
            assert_eq!(market.anchor % market.step(market.anchor), 0, "{}", market.coin);
        }
    }

    #[test]
    fn steps_follow_five_significant_figures() {
        assert_eq!(MARKETS[0].step(660_000), 10, "BTC at 66000.0 moves by 1");
        assert_eq!(MARKETS[2].step(721_530), 10, "SOL at 72.153 moves by 0.001");
        assert_eq!(MARKETS[6].step(3_650), 1, "kPEPE at 0.00365 moves by 0.000001");
        assert_eq!(MARKETS[0].step(1_200_000), 10, "BTC at 120000 still moves by 1");
    }

    #[test]
    fn money_is_exact() {
        let btc = &MARKETS[0];
        assert_eq!(btc.value(100_000, 660_000), 66_000_000_000, "one BTC in millionths of a dollar");
        assert_eq!(btc.lots_for(66_000, 660_000), 100_000);
        let hype = &MARKETS[23];
        assert_eq!(hype.value(100_000_000, 38_500_000), 3_850_000_000, "one HYPE in hundred-millionths");
    }
}
