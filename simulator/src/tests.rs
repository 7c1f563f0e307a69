//! The market as a whole, read back from what it printed by a reader that knows nothing of the engine.
#![allow(clippy::unwrap_used)]

mod faults;
mod files;
mod info;
mod layouts;
mod liquidations;
mod listings;
mod margins;
mod market;
mod pace;
mod recordings;
mod truth;
mod websocket;

use std::collections::{BTreeMap, HashMap};

use schemas::{Amount, MarketKind, Wallet};
use serde::Deserialize;

use crate::Engine;

pub(crate) const START: i64 = 1_782_636_100_000;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Block {
    pub(crate) local_time: String,
    pub(crate) block_time: String,
    pub(crate) block_number: u64,
    pub(crate) events: Vec<(schemas::Wallet, Fill)>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fill {
    pub(crate) coin: schemas::Coin,
    pub(crate) px: Amount,
    pub(crate) sz: Amount,
    pub(crate) side: schemas::Side,
    pub(crate) time: i64,
    pub(crate) start_position: Amount,
    pub(crate) dir: String,
    pub(crate) closed_pnl: Amount,
    pub(crate) hash: String,
    pub(crate) oid: u64,
    pub(crate) crossed: bool,
    pub(crate) fee: Amount,
    pub(crate) builder_fee: Option<Amount>,
    pub(crate) tid: u64,
    pub(crate) cloid: Option<String>,
    pub(crate) builder: Option<schemas::Wallet>,
    pub(crate) deployer_fee: Option<Amount>,
    pub(crate) liquidation: Option<Liquidation>,
    pub(crate) fee_token: String,
    pub(crate) twap_id: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Liquidation {
    pub(crate) liquidated_user: schemas::Wallet,
    pub(crate) mark_px: Amount,
    pub(crate) method: String,
}

impl Fill {
    pub(crate) fn is_perp(&self) -> bool {
        self.coin.kind() == MarketKind::Perp
    }

    pub(crate) fn buys(&self) -> bool {
        self.side == schemas::Side::Buy
    }

    pub(crate) fn is_settlement(&self) -> bool {
        self.dir == "Settlement"
    }

    pub(crate) fn is_dust(&self) -> bool {
        self.dir == "Spot Dust Conversion"
    }

    pub(crate) fn end(&self) -> Amount {
        let signed = if self.buys() { self.sz } else { self.sz.negated() };
        self.start_position.plus(signed).unwrap()
    }
}

pub(crate) fn blocks(engine: &mut Engine, count: usize) -> Vec<Block> {
    let mut line = Vec::new();
    let mut next = || {
        let fills = engine.next_block(&mut line);
        let block: Block = serde_json::from_slice(&line).unwrap();
        assert_eq!(fills, block.events.len());
        block
    };
    (0..count).map(|_| next()).collect()
}

/// Positions from the last printed fill of each wallet, and the first minute of each coin.
#[derive(Default)]
pub(crate) struct Recount {
    positions: HashMap<(schemas::Coin, schemas::Wallet), Amount>,
    coins: BTreeMap<schemas::Coin, ()>,
}

impl Recount {
    pub(crate) fn add(&mut self, block: &Block) {
        let of_wallets = |(user, fill): &&(Wallet, Fill)| fill.is_perp() && *user != Wallet::NOBODY;
        for (user, fill) in block.events.iter().filter(of_wallets) {
            self.coins.insert(fill.coin.clone(), ());
            self.positions.insert((fill.coin.clone(), *user), fill.end());
        }
    }

    /// Long and short accounts of every coin seen.
    pub(crate) fn sides(&self) -> BTreeMap<String, (u32, u32)> {
        let mut sides: BTreeMap<String, (u32, u32)> =
            self.coins.keys().map(|coin| (coin.to_string(), (0, 0))).collect();
        for ((coin, _), position) in &self.positions {
            let side = sides.get_mut(coin.as_str()).unwrap();
            side.0 += u32::from(position.sign() > 0);
            side.1 += u32::from(position.sign() < 0);
        }
        sides
    }

    pub(crate) fn held(&self) -> BTreeMap<(String, String), Amount> {
        let held = self.positions.iter().filter(|(_, position)| !position.is_zero());
        held.map(|((coin, user), position)| ((coin.to_string(), user.to_string()), *position)).collect()
    }
}
