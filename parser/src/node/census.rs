//! Whom and what facts are about, counted for a summary.

use std::collections::HashSet;

use schemas::{Coin, Fill, Wallet};

#[derive(Debug, Default)]
pub struct Census {
    /// Blocks with or without fills; where blocks have no numbers, times at which something happened.
    pub blocks: u64,
    pub fills: u64,
    /// Fills that closed a position by force: the victims' legs.
    pub liquidations: u64,
    pub users: HashSet<Wallet>,
    pub coins: HashSet<Coin>,
}

impl Census {
    pub fn count(&mut self, fill: Fill) {
        self.fills += 1;
        let victim = fill.liquidation.and_then(|liquidation| liquidation.liquidated_user);
        self.liquidations += u64::from(victim == Some(fill.user));
        self.users.insert(fill.user);
        if !self.coins.contains(&fill.coin) {
            self.coins.insert(fill.coin);
        }
    }
}
