//! The tiers that wallets are told apart by, and how many are in each.

use alloc::vec::Vec;

use schemas::{Amount, Measure, Text, WalletTier};

use crate::wallet_sums::Worth;

/// Tiers from the lowest, and the bounds between them in dollars: each is the first of the tier above it.
pub(crate) struct Scale {
    pub by: Measure,
    names: &'static [&'static str],
    bounds: &'static [i64],
}

/// By the notional of all that a wallet holds: the cohorts that single positions have.
pub(crate) static SIZE: Scale = Scale {
    by: Measure::Size,
    names: &["shrimp", "fish", "dolphin", "shark", "whale", "leviathan"],
    bounds: &[1_000, 10_000, 100_000, 1_000_000, 10_000_000],
};

pub(crate) static PNL: Scale = Scale {
    by: Measure::Pnl,
    names: &["loss_1m", "loss_100k", "loss_10k", "loss", "profit", "profit_10k", "profit_100k", "profit_1m"],
    bounds: &[-1_000_000, -100_000, -10_000, 0, 10_000, 100_000, 1_000_000],
};

/// Wallets, spread over the tiers of a scale.
pub(crate) struct Spread {
    pub scale: &'static Scale,
    pub tiers: Vec<WalletTier>,
    pub not_valued: u64,
}

impl Spread {
    pub fn over(scale: &'static Scale) -> Self {
        let bound = |at: usize| scale.bounds.get(at).map(|bound| Amount::from(*bound));
        let tier = |(at, name): (usize, &&str)| WalletTier {
            name: Text::from(*name),
            from: at.checked_sub(1).and_then(bound),
            below: bound(at),
            wallets: 0,
            long: Some(Amount::ZERO),
            short: Some(Amount::ZERO),
            net_long: Some(0),
            net_short: Some(0),
            in_profit: 0,
            in_loss: 0,
            cost_unknown: 0,
        };
        Self { scale, tiers: scale.names.iter().enumerate().map(tier).collect(), not_valued: 0 }
    }

    /// Counts a wallet, which belongs where this value is.
    pub fn add(&mut self, value: Option<Amount>, worth: &Worth) {
        let Some(value) = value else {
            self.not_valued += 1;
            return;
        };
        let tier = &mut self.tiers[self.scale.bounds.partition_point(|bound| Amount::from(*bound) <= value)];
        tier.wallets += 1;
        tier.long = Amount::sum(tier.long, worth.long);
        tier.short = Amount::sum(tier.short, worth.short);
        let net = Amount::sum(worth.long, worth.short.map(Amount::negated)).map(Amount::sign);
        tier.net_long = tier.net_long.map(|wallets| wallets + u64::from(net == Some(1)));
        tier.net_short = tier.net_short.map(|wallets| wallets + u64::from(net == Some(-1)));
        match worth.unrealised.map(Amount::sign) {
            Some(1) => tier.in_profit += 1,
            Some(-1) => tier.in_loss += 1,
            Some(_) => {}
            None => tier.cost_unknown += 1,
        }
    }
}
