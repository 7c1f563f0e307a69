//! What a market is to be like and what is to be written of it, and whether that can be done.

use std::path::PathBuf;

use crate::crowd::{FEWEST_WALLETS, MOST_WALLETS};
use crate::engine::{HIGHEST_RATE, LOWEST_RATE};
use crate::{Faults, Layouts, SimulatorError};

#[derive(Debug, Clone)]
pub struct Options {
    pub out: PathBuf,
    pub seed: u64,
    /// Fills, that is legs of trades, per second of event time.
    pub rate: u32,
    pub wallets: u32,
    /// Event time of block 1 in milliseconds UTC; `None` is now, and lets a restarted market find back to the clock.
    /// A market that exists keeps its own.
    pub start: Option<i64>,
    /// Event seconds per second of the clock; 0 is as fast as possible.
    pub speed: u32,
    /// The block after which to stop.
    pub blocks: Option<u64>,
    /// Hour files that stay; all of them, when absent.
    pub keep_hours: Option<usize>,
    /// What goes wrong with what is written and sent. May be another choice each time a market goes on.
    pub faults: Faults,
    /// What the node writes beside its files by block. The layouts of fills have the same faults at the same blocks, and
    /// a reader of one of them lacks no more than the truth says; events beside the trades have no faults. A layout
    /// that a market goes on without has a hole.
    pub layouts: Layouts,
    /// A second node writes the same blocks below `second-node`, a little later and without faults.
    pub second_node: bool,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        let limits =
            [("rate", self.rate, LOWEST_RATE, HIGHEST_RATE), ("wallets", self.wallets, FEWEST_WALLETS, MOST_WALLETS)];
        match limits.into_iter().find(|(_, asked, least, most)| !(least..=most).contains(&asked)) {
            Some((name, asked, least, most)) => {
                Err(SimulatorError::Option { name, asked: asked.into(), least: least.into(), most: most.into() })
            }
            None => Ok(()),
        }
    }
}
