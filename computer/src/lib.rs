//! FACTS → RESULTS: pure folds. Records in, records out; the clock is a record too. No I/O, no time of day, no
//! environment: `no_std` keeps them out of reach, and the manifest names nothing that could bring them in.
//!
//! A processor is one file with a plain function that folds an event into a table and one that speaks at each tick
//! of event time, and one line in the list of its stage.
#![no_std]
extern crate alloc;

mod long_short_ratios;
mod positions;
mod processor;
mod stage;
mod table;

pub use processor::{Description, Out, Tick};
pub use stage::{GRACE_MS, Refused, Stage};
pub use table::{Table, TableKey};

use alloc::boxed::Box;
use alloc::vec::Vec;

use processor::{Processor, Run};

/// The folds of the coin stage, in the order in which an event runs through them.
fn coin_stage() -> Vec<Box<dyn Run>> {
    [
        Processor::boxed("positions", positions::fold, positions::tick, positions::gap),
        Processor::boxed("long-short-ratios", long_short_ratios::fold, long_short_ratios::tick, long_short_ratios::gap),
    ]
    .into()
}

/// Every processor there is.
pub fn processors() -> Vec<Description> {
    coin_stage().iter().map(|processor| processor.describe()).collect()
}

#[cfg(test)]
mod tests;
