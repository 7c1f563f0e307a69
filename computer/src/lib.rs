//! FACTS → RESULTS: pure folds. Records in, records out; the clock is a record too. No I/O, no time of day, no
//! environment: `no_std` keeps them out of reach, and the manifest names nothing that could bring them in.
//!
//! A processor is one file with a plain function that folds an event into a table and one that speaks at each tick
//! of event time, and one line in the list of its stage.
#![no_std]
extern crate alloc;

mod candles;
mod definition;
mod liquidation_cascades;
mod liquidation_episodes;
mod liquidation_heatmap;
mod liquidation_orders;
mod liquidation_price;
mod liquidation_stats;
mod long_short_ratios;
mod positions;
mod prices;
mod processor;
mod stage;
mod table;
mod taker_flow;
mod windows;

pub use definition::Definition;
pub use liquidation_price::{Exposure, liquidation_price, maintenance_margin};
pub use processor::{Description, Out, Tick};
pub use stage::{GRACE_MS, Refused, Stage};
pub use table::{Table, TableKey};

use alloc::boxed::Box;
use alloc::vec::Vec;

use processor::{Processor, Run};
use schemas::{kind, topics};

pub static COIN: Definition = Definition {
    name: "coin",
    input: &topics::FILLS,
    state: &topics::STATE_COIN,
    processors: coin_stage,
    event: kind::FILL,
    take: Stage::take_fill,
};

static PRICE: Definition = Definition {
    name: "price",
    input: &topics::ASSET_CONTEXTS,
    state: &topics::STATE_PRICE,
    processors: price_stage,
    event: kind::CONTEXT,
    take: Stage::take_context,
};

/// The folds of the coin stage, in the order in which an event runs through them.
fn coin_stage() -> Vec<Box<dyn Run>> {
    [
        Processor::boxed("positions", positions::fold, positions::tick, positions::gap),
        Processor::boxed("long-short-ratios", long_short_ratios::fold, long_short_ratios::tick, long_short_ratios::gap),
        Processor::boxed(
            "liquidation-orders",
            liquidation_orders::fold,
            liquidation_orders::tick,
            liquidation_orders::gap,
        ),
        Processor::boxed(
            "liquidation-episodes",
            liquidation_episodes::fold,
            liquidation_episodes::tick,
            liquidation_episodes::gap,
        ),
        Processor::boxed("liquidation-stats", liquidation_stats::fold, liquidation_stats::tick, liquidation_stats::gap),
        Processor::boxed(
            "liquidation-cascades",
            liquidation_cascades::fold,
            liquidation_cascades::tick,
            liquidation_cascades::gap,
        ),
        Processor::boxed(
            "liquidation-heatmap",
            liquidation_heatmap::fold,
            liquidation_heatmap::tick,
            liquidation_heatmap::gap,
        ),
        Processor::boxed("candles", candles::fold, candles::tick, candles::gap),
        Processor::boxed("taker-flow", taker_flow::fold, taker_flow::tick, taker_flow::gap),
    ]
    .into()
}

fn price_stage() -> Vec<Box<dyn Run>> {
    [Processor::boxed("prices", prices::fold, prices::tick, prices::gap)].into()
}

/// Every stage there is. A new one is its definition and one name here.
pub fn stages() -> [&'static Definition; 2] {
    [&COIN, &PRICE]
}

/// Every processor there is.
pub fn processors() -> Vec<Description> {
    stages().into_iter().flat_map(Definition::describe).collect()
}

#[cfg(test)]
mod tests;
