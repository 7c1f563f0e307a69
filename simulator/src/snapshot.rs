//! How the market stands after a block, in one file that is replaced in one step. With it, every later block is made
//! again exactly as it was.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::accounts::{Accounts, Holding};
use crate::crowd::Crowd;
use crate::engine::Engine;
use crate::habits::Habits;
use crate::markets::MARKETS;
use crate::misc_events::MiscEvents;
use crate::money::{Money, Standing};
use crate::node_files::End;
use crate::quotes::Quotes;
use crate::replace::replace;
use crate::truth::Lengths;
use crate::{Options, SimulatorError};

const FORMAT: u32 = 3;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    format: u32,
    seed: u64,
    rate: u32,
    wallets: u32,
    start: i64,
    not_before: i64,
    pub(crate) block: u64,
    time: i64,
    local_time: i64,
    credit: i64,
    next_oid: u64,
    prices: Vec<i64>,
    traded: Vec<bool>,
    /// Market, wallet, amount, cost, margin; only who holds something.
    holdings: Vec<(usize, u32, i64, i64, i64)>,
    quotes: Quotes,
    money: Money,
    /// How long the truth was when this was taken.
    pub(crate) truth: Lengths,
    /// How far the files of what happens beside the trades were written.
    pub(crate) misc_end: End,
}

#[derive(Deserialize)]
struct OnlyFormat {
    format: u32,
}

impl Snapshot {
    pub(crate) fn take(engine: &Engine, truth: Lengths, misc_end: End) -> Self {
        Self {
            format: FORMAT,
            seed: engine.seed,
            rate: engine.rate,
            wallets: engine.crowd.wallets(),
            start: engine.start,
            not_before: engine.not_before,
            block: engine.block,
            time: engine.time,
            local_time: engine.local_time,
            credit: engine.credit,
            next_oid: engine.next_oid,
            prices: engine.prices.clone(),
            traded: (0..MARKETS.len()).map(|market| engine.accounts.has_traded(market)).collect(),
            holdings: (0..MARKETS.len()).flat_map(|market| held(&engine.accounts, market)).collect(),
            quotes: engine.quotes.clone(),
            money: engine.money.clone(),
            truth,
            misc_end,
        }
    }

    pub(crate) fn load(path: &Path) -> Result<Option<Self>, SimulatorError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(SimulatorError::file("read", path))?,
        };
        let damaged = |source| SimulatorError::Snapshot { path: path.to_path_buf(), source };
        // The format first: another one may have other fields.
        let found = serde_json::from_slice::<OnlyFormat>(&bytes).map_err(damaged)?.format;
        if found != FORMAT {
            return Err(SimulatorError::SnapshotFormat { path: path.to_path_buf(), found, known: FORMAT });
        }
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), SimulatorError> {
        let damaged = |source| SimulatorError::Snapshot { path: path.to_path_buf(), source };
        replace(path, &serde_json::to_vec(self).map_err(damaged)?)
    }

    /// The same market, or an error that says in what it differs.
    pub(crate) fn check(&self, options: &Options) -> Result<(), SimulatorError> {
        let compared = [
            ("seed", self.seed, options.seed),
            ("rate", u64::from(self.rate), u64::from(options.rate)),
            ("wallets", u64::from(self.wallets), u64::from(options.wallets)),
        ];
        match compared.into_iter().find(|(_, kept, asked)| kept != asked) {
            Some((name, kept, asked)) => {
                Err(SimulatorError::OtherMarket { folder: options.out.clone(), name, kept, asked })
            }
            None => Ok(()),
        }
    }

    pub(crate) fn restore(self) -> Engine {
        let crowd = Crowd::new(self.seed, self.wallets);
        let mut accounts = Accounts::empty(&crowd);
        for (market, wallet, amount, cost, raw) in self.holdings {
            *accounts.holding_mut(market, wallet) = Holding { amount, cost, raw };
        }
        for market in (0..MARKETS.len()).filter(|market| self.traded[*market]) {
            accounts.mark_traded(market);
        }
        let mut money = self.money;
        money.standings = vec![Standing::default(); crowd.accounts() as usize];
        let mut engine = Engine {
            seed: self.seed,
            rate: self.rate,
            start: self.start,
            not_before: self.not_before,
            block: self.block,
            time: self.time,
            local_time: self.local_time,
            credit: self.credit,
            next_oid: self.next_oid,
            prices: self.prices,
            habits: Habits::new(self.seed, &crowd),
            crowd,
            accounts,
            quotes: self.quotes,
            money,
            misc: MiscEvents::default(),
            liquidated: Vec::new(),
        };
        engine.find_positions();
        engine
    }
}

fn held(accounts: &Accounts, market: usize) -> impl Iterator<Item = (usize, u32, i64, i64, i64)> {
    (0_u32..)
        .zip(accounts.of_market(market))
        .filter(|(_, holding)| **holding != Holding::default())
        .map(move |(wallet, holding)| (market, wallet, holding.amount, holding.cost, holding.raw))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_restored_market_goes_on_as_if_nothing_had_happened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot.json");
        let mut engine = Engine::new(5, 300, 400, 1_782_000_000_000);
        let (mut line, mut again) = (Vec::new(), Vec::new());
        for _ in 0..700 {
            engine.next_block(&mut line);
        }
        Snapshot::take(&engine, Lengths::default(), End::default()).save(&path).unwrap();
        let snapshot = Snapshot::load(&path).unwrap().unwrap();
        assert_eq!(snapshot.block, 700);
        let mut restored = snapshot.restore();
        for _ in 0..300 {
            engine.next_block(&mut line);
            restored.next_block(&mut again);
            assert_eq!(line, again);
        }
    }

    #[test]
    fn another_format_and_damage_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot.json");
        assert!(Snapshot::load(&path).unwrap().is_none());
        fs::write(&path, r#"{"format":2,"seeds":[]}"#).unwrap();
        assert!(matches!(Snapshot::load(&path), Err(SimulatorError::SnapshotFormat { found: 2, known: 3, .. })));
        fs::write(&path, r#"{"format":3,"se"#).unwrap();
        assert!(matches!(Snapshot::load(&path), Err(SimulatorError::Snapshot { .. })));
    }
}
