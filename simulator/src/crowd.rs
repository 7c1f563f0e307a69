//! Who trades: a fixed number of wallets, each with its address, its style and its habits.

use crate::dice::{Dice, Stream, mixed, named};
use crate::markets::Market;
use crate::print;

/// An address as it is written: `0x` and 40 digits.
pub(crate) type Address = [u8; 42];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Quotes on both sides and takes what comes.
    Maker,
    Whale,
    /// Works large orders off in slices.
    Twap,
    Retail,
    /// Sells the dust of all others.
    Pool,
    /// The vault that takes over what others can no longer back.
    Liquidator,
}

/// The wallets in the order makers, whales, TWAP users, retail; behind them the dust pool and the liquidator.
#[derive(Clone)]
pub(crate) struct Crowd {
    makers: u32,
    whales: u32,
    twaps: u32,
    wallets: u32,
    addresses: Vec<Address>,
}

/// The front end that routed an order and what it takes for that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Builder {
    pub(crate) address: &'static Address,
    /// In millionths of the value.
    pub(crate) fee: i64,
}

pub(crate) const FEWEST_WALLETS: u32 = 20;
pub(crate) const MOST_WALLETS: u32 = 100_000;

/// Collects the fees that are taken in tokens, and sells them in the course of its business.
pub(crate) const FEE_COLLECTOR: u32 = 0;

/// The other side of what the exchange books itself.
pub(crate) const NOBODY: &Address = b"0x0000000000000000000000000000000000000000";

const POOL_ADDRESS: &Address = b"0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

const LIQUIDATOR_ADDRESS: &Address = b"0x2e3d94f0562703b25c83308a05046ddaf9a8dd14";

static BUILDERS: [(&Address, i64); 3] = [
    (b"0xb84168cf3be63c6b8dad05ff5d755e97432ff80b", 500),
    (b"0x1924b8561eef20e70ede628a296175d358be80e5", 100),
    (b"0x4950994884602d1b6c6d96e4fe30f58205c39395", 250),
];

impl Crowd {
    pub(crate) fn new(seed: u64, wallets: u32) -> Self {
        let mut addresses: Vec<Address> = (0..wallets).map(|wallet| address(seed, wallet)).collect();
        addresses.extend([*POOL_ADDRESS, *LIQUIDATOR_ADDRESS]);
        let makers = (wallets / 50).clamp(8, 200);
        Self { makers, whales: (wallets / 50).max(2), twaps: (wallets / 40).max(2), wallets, addresses }
    }

    /// Wallets of people alone.
    pub(crate) fn wallets(&self) -> u32 {
        self.wallets
    }

    pub(crate) fn accounts(&self) -> u32 {
        self.wallets + 2
    }

    pub(crate) fn liquidator(&self) -> u32 {
        self.wallets + 1
    }

    pub(crate) fn pool(&self) -> u32 {
        self.wallets
    }

    pub(crate) fn makers(&self) -> u32 {
        self.makers
    }

    pub(crate) fn address(&self, wallet: u32) -> &Address {
        &self.addresses[wallet as usize]
    }

    pub(crate) fn style(&self, wallet: u32) -> Style {
        let (whales, twaps) = (self.makers, self.makers + self.whales);
        let retail = twaps + self.twaps;
        match wallet {
            _ if wallet == self.pool() => Style::Pool,
            _ if wallet == self.liquidator() => Style::Liquidator,
            _ if wallet < whales => Style::Maker,
            _ if wallet < twaps => Style::Whale,
            _ if wallet < retail => Style::Twap,
            _ => Style::Retail,
        }
    }

    pub(crate) fn any_maker(&self, dice: &mut Dice) -> u32 {
        dice.skewed(u64::from(self.makers)) as u32
    }

    /// Somebody who sends an order for this coin. Each coin has its own regulars.
    pub(crate) fn anybody(&self, market: usize, dice: &mut Dice) -> u32 {
        let (first, count) = match dice.below(1000) {
            0..60 => (0, self.makers),
            60..180 => (self.makers, self.whales),
            180..260 => (self.makers + self.whales, self.twaps),
            _ => {
                let first = self.makers + self.whales + self.twaps;
                (first, self.wallets - first)
            }
        };
        let regular = dice.skewed(u64::from(count)) + (market as u64) * u64::from(count) / 7;
        first + (regular % u64::from(count)) as u32
    }

    /// What a wallet usually trades at once, in dollars.
    pub(crate) fn usual_size(&self, wallet: u32, dice: &mut Dice) -> i64 {
        match self.style(wallet) {
            Style::Maker | Style::Pool | Style::Liquidator => dice.between(500, 20_000),
            Style::Whale => dice.between(20_000, 400_000),
            Style::Twap => dice.between(300, 3_000),
            Style::Retail => match wallet % 10 {
                0 => dice.between(2_000, 20_000),
                1..5 => dice.between(200, 2_000),
                _ => dice.between(11, 300),
            },
        }
    }

    pub(crate) fn builder(&self, wallet: u32) -> Option<Builder> {
        let routed = self.style(wallet) == Style::Retail && wallet.is_multiple_of(4);
        let (address, fee) = BUILDERS[(wallet / 4) as usize % BUILDERS.len()];
        routed.then_some(Builder { address, fee })
    }

    /// Makers name all their orders, some of the others do.
    pub(crate) fn names_orders(&self, wallet: u32) -> bool {
        self.style(wallet) == Style::Maker || wallet.is_multiple_of(3)
    }

    /// Spot tokens at the beginning: a stock for makers, something for some, dust for a few, none for most.
    pub(crate) fn first_balance(&self, market: &Market, wallet: u32, dice: &mut Dice) -> i64 {
        let dollars = match self.style(wallet) {
            Style::Maker => dice.between(300_000, 3_000_000),
            Style::Whale => dice.between(0, 500_000),
            Style::Pool | Style::Liquidator => return 0,
            _ => match dice.below(16) {
                0 | 1 => return dice.between(1, market.lot() - 1),
                2..7 => dice.between(20, 5_000),
                _ => return 0,
            },
        };
        market.lots_for(dollars, market.anchor) * market.lot() + dice.between(0, market.lot() - 1)
    }
}

fn address(seed: u64, wallet: u32) -> Address {
    let first = named(seed, Stream::Wallet, u64::from(wallet));
    let mut text = Vec::with_capacity(42);
    text.extend_from_slice(b"0x");
    print::hex(&mut text, &first.to_be_bytes());
    print::hex(&mut text, &mixed(first).to_be_bytes());
    print::hex(&mut text, &(mixed(first ^ seed) as u32).to_be_bytes());
    let mut address = *POOL_ADDRESS;
    address.copy_from_slice(&text);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_and_are_addresses() {
        let crowd = Crowd::new(3, 2_000);
        let mut addresses = crowd.addresses.clone();
        for address in &addresses {
            assert!(str::from_utf8(address).is_ok_and(|text| text.parse::<schemas::Wallet>().is_ok()));
        }
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 2_002);
    }

    #[test]
    fn even_the_smallest_crowd_has_everybody() {
        for wallets in [FEWEST_WALLETS, 3_000, MOST_WALLETS] {
            let crowd = Crowd::new(1, wallets);
            for style in [Style::Maker, Style::Whale, Style::Twap, Style::Retail, Style::Pool, Style::Liquidator] {
                assert!((0..crowd.accounts()).any(|wallet| crowd.style(wallet) == style), "{style:?} of {wallets}");
            }
        }
    }
}
