//! The truth, from the engine's books and from nothing that was printed: accounts and prices when a minute ended, who
//! was liquidated in each block, and at the end who holds what, with what behind it.

mod appended;
mod episodes;
mod liquidations;
mod margins;
mod minutes;
mod positions;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::SimulatorError;
use crate::engine::{Engine, MILLISECOND};
use crate::replace::replace;
use appended::Appended;

pub(crate) use margins::liquidation_px;
#[cfg(test)]
pub(crate) use minutes::sides;

pub(crate) struct Truth {
    folder: PathBuf,
    accounts: Appended,
    prices: Appended,
    orders: Appended,
}

/// How long the growing files are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lengths {
    accounts: u64,
    prices: u64,
    orders: u64,
}

const MINUTE: i64 = 60_000;

impl Truth {
    /// Rows behind these lengths belong to blocks that are made again: they are cut off.
    pub(crate) fn open(out: &Path, lengths: Lengths) -> Result<Self, SimulatorError> {
        let folder = out.join("truth");
        fs::create_dir_all(&folder).map_err(SimulatorError::file("create", &folder))?;
        Ok(Self {
            accounts: Appended::open(folder.join("accounts.ndjson"), lengths.accounts)?,
            prices: Appended::open(folder.join("prices.ndjson"), lengths.prices)?,
            orders: Appended::open(folder.join("liquidation-orders.ndjson"), lengths.orders)?,
            folder,
        })
    }

    pub(crate) fn lengths(&self) -> Lengths {
        Lengths { accounts: self.accounts.bytes(), prices: self.prices.bytes(), orders: self.orders.bytes() }
    }

    /// Before the next block is made: the minutes that it ends.
    pub(crate) fn close_minutes(&mut self, engine: &Engine) -> Result<(), SimulatorError> {
        let minute = |time: i64| time.div_euclid(MINUTE * MILLISECOND);
        let ended = minute(engine.time)..minute(engine.next_moments().block);
        if ended.is_empty() || engine.block == 0 {
            return Ok(());
        }
        let (sides, contexts) = (minutes::sides(engine), engine.contexts());
        for time in ended.map(|minute| minute * MINUTE) {
            self.accounts.write(&minutes::accounts(&sides, time, engine.block))?;
            self.prices.write(&minutes::prices(&contexts, time, engine.block))?;
        }
        Ok(())
    }

    /// After a block was made: who was liquidated in it.
    pub(crate) fn close_block(&mut self, engine: &Engine) -> Result<(), SimulatorError> {
        self.orders.write(&liquidations::orders(engine))
    }

    /// How everything stands now.
    pub(crate) fn close(&self, engine: &Engine) -> Result<(), SimulatorError> {
        replace(&self.folder.join("positions.ndjson"), &positions::rows(engine))?;
        replace(&self.folder.join("margins.ndjson"), &margins::rows(engine))?;
        replace(&self.folder.join("liquidation-episodes.ndjson"), &episodes::rows(self.orders.path())?)
    }
}

fn push(rows: &mut Vec<u8>, row: &impl Serialize) {
    // A row of numbers and plain texts always has a JSON form.
    rows.extend_from_slice(&serde_json::to_vec(row).unwrap_or_default());
    rows.push(b'\n');
}
