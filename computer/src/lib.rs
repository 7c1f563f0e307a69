//! FACTS → RESULTS: pure folds. Records in, records out; the clock is a record too. No I/O, no time of day, no
//! environment: `no_std` keeps them out of reach, and the manifest names nothing that could bring them in.
//!
//! A processor is one file with a plain function that folds an event into a table and one that speaks at each tick
//! of event time, and one line in the list of its stage.
#![no_std]
extern crate alloc;

mod accounts;
mod book;
mod candle_checks;
mod candles;
mod cohort_ratios;
mod cohorts;
mod definition;
mod entries;
mod events;
mod flow;
mod given;
mod known_wallets;
mod lane;
mod liquidation_cascades;
mod liquidation_episodes;
mod liquidation_heatmap;
mod liquidation_map;
mod liquidation_orders;
mod liquidation_price;
mod liquidation_stats;
mod long_short_ratios;
mod maker_shares;
mod map_bins;
mod market_ratios;
mod market_states;
mod market_taker_flow;
mod oi_coverage;
mod positions;
mod price_steps;
mod prices;
mod processor;
mod realised;
mod risk;
mod sides;
mod stage;
mod table;
mod table_keys;
mod taker_flow;
mod taker_sums;
mod topology;
mod wallet_distribution;
mod wallet_summaries;
mod wallet_sums;
mod wallet_tiers;
mod whale_activities;
mod whale_flows;
mod whale_orders;
mod whale_rule;
mod windows;

pub use definition::{Definition, Input, Joins, Rules};
pub use liquidation_price::{Exposure, liquidation_price, maintenance_margin};
pub use processor::{Description, Out, Tick};
pub use stage::{BESIDE_MS, GRACE_MS, Refused, SetAside, Stage};
pub use table::{Table, TableKey};
pub use topology::Topology;

use alloc::boxed::Box;
use alloc::vec::Vec;

use processor::{Processor, Run};
use schemas::position_changes::kind as position_changes;
use schemas::{Entity, kind, topics};

pub static COIN: Definition = Definition {
    name: "coin",
    by: Some(Entity::Coin),
    inputs: &[
        Input { topic: &topics::FILLS, joins: Joins::ByClock, events: &[(Some(kind::FILL), events::fill)] },
        Input {
            topic: &topics::ASSET_CONTEXTS,
            joins: Joins::Beside,
            events: &[(Some(kind::CONTEXT), events::context)],
        },
        Input { topic: &topics::MARKETS, joins: Joins::Beside, events: &[(None, events::market)] },
        Input { topic: &topics::EXCHANGE_CANDLES, joins: Joins::Beside, events: &[(None, events::exchange_candle)] },
    ],
    state: &topics::STATE_COIN,
    processors: coin_stage,
};

static PRICE: Definition = Definition {
    name: "price",
    by: Some(Entity::Coin),
    inputs: &[Input {
        topic: &topics::ASSET_CONTEXTS,
        joins: Joins::AtOnce,
        events: &[(Some(kind::CONTEXT), events::context)],
    }],
    state: &topics::STATE_PRICE,
    processors: |_| price_stage(),
};

pub static WALLET: Definition = Definition {
    name: "wallet",
    by: Some(Entity::Wallet),
    inputs: &[
        Input {
            topic: &topics::POSITION_CHANGES,
            joins: Joins::ByClock,
            events: &[
                (Some(position_changes::CHANGE), events::change),
                (Some(position_changes::MARKET), events::market_state),
            ],
        },
        Input { topic: &topics::ACCOUNT_STATES, joins: Joins::Beside, events: &[(None, events::account)] },
        Input { topic: &topics::WHALE_WATCHES, joins: Joins::Beside, events: &[(None, events::watch)] },
        Input { topic: &topics::LEDGER_UPDATES, joins: Joins::Beside, events: &[(None, events::ledger)] },
    ],
    state: &topics::STATE_WALLET,
    processors: wallet_stage,
};

pub static MARKET: Definition = Definition {
    name: "market",
    by: Some(Entity::Coin),
    inputs: &[
        Input { topic: &topics::POSITION_RISKS, joins: Joins::ByClock, events: &[(None, events::risk)] },
        Input {
            topic: &topics::ASSET_CONTEXTS,
            joins: Joins::Beside,
            events: &[(Some(kind::CONTEXT), events::context)],
        },
    ],
    state: &topics::STATE_MARKET,
    processors: |_| market_stage(),
};

static WHOLE: Definition = Definition {
    name: "whole",
    by: None,
    inputs: &[
        Input { topic: &topics::WALLET_SUMS, joins: Joins::ByClock, events: &[(None, events::wallet_sum)] },
        Input { topic: &topics::TAKER_SUMS, joins: Joins::ByClock, events: &[(None, events::taker_sum)] },
    ],
    state: &topics::STATE_WHOLE,
    processors: |_| whole_stage(),
};

/// The folds of the coin stage, in the order in which an event runs through them.
fn coin_stage(rules: &Rules) -> Vec<Box<dyn Run>> {
    [
        Processor::new("positions", positions::tick, positions::gap)
            .given(|known| positions::remembers_closed(known, rules.remember_closed_minutes))
            .reads(positions::fold)
            .boxed_up(),
        Processor::new("long-short-ratios", long_short_ratios::tick, long_short_ratios::gap)
            .reads(long_short_ratios::fold)
            .reads(long_short_ratios::context)
            .boxed_up(),
        Processor::new("cohort-ratios", cohort_ratios::tick, cohort_ratios::gap)
            .reads(cohort_ratios::fold)
            .reads(cohort_ratios::context)
            .boxed_up(),
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
        Processor::new("candle-checks", candle_checks::tick, candle_checks::gap)
            .reads(candle_checks::here)
            .reads(candle_checks::there)
            .boxed_up(),
        Processor::boxed("taker-flow", taker_flow::fold, taker_flow::tick, taker_flow::gap),
        Processor::boxed("taker-sums", taker_sums::fold, taker_sums::tick, taker_sums::gap),
        Processor::new("market-states", market_states::tick, market_states::gap)
            .reads(market_states::context)
            .reads(market_states::market)
            .boxed_up(),
    ]
    .into()
}

fn price_stage() -> Vec<Box<dyn Run>> {
    [Processor::boxed("prices", prices::fold, prices::tick, prices::gap)].into()
}

/// The folds of the wallet stage.
fn wallet_stage(rules: &Rules) -> Vec<Box<dyn Run>> {
    [
        Processor::new("accounts", accounts::tick, accounts::gap)
            .reads(accounts::change)
            .reads(accounts::market)
            .reads(accounts::account)
            .reads(accounts::ledger)
            .boxed_up(),
        Processor::boxed("wallet-summaries", wallet_summaries::fold, wallet_summaries::tick, wallet_summaries::gap),
        Processor::new("wallet-sums", wallet_sums::tick, wallet_sums::gap)
            .reads(wallet_sums::fold)
            .reads(wallet_sums::market)
            .boxed_up(),
        Processor::new("whale-activities", whale_activities::tick, whale_activities::gap)
            .given(|remembered| whale_activities::measures_by(remembered, rules.whales))
            .reads(whale_activities::change)
            .reads(whale_activities::market)
            .reads(whale_activities::account)
            .reads(whale_activities::risk)
            .reads(whale_activities::watch)
            .reads(whale_activities::ledger)
            .boxed_up(),
    ]
    .into()
}

/// The folds of what all coins and all wallets come to.
fn whole_stage() -> Vec<Box<dyn Run>> {
    [
        Processor::boxed(
            "wallet-distribution",
            wallet_distribution::fold,
            wallet_distribution::tick,
            wallet_distribution::gap,
        ),
        Processor::boxed("market-ratios", market_ratios::fold, market_ratios::tick, market_ratios::gap),
        Processor::boxed("market-taker-flow", market_taker_flow::fold, market_taker_flow::tick, market_taker_flow::gap),
    ]
    .into()
}

/// The folds of the market stage.
fn market_stage() -> Vec<Box<dyn Run>> {
    [Processor::new("liquidation-map", liquidation_map::tick, liquidation_map::gap)
        .reads(liquidation_map::risk)
        .reads(liquidation_map::context)
        .boxed_up()]
    .into()
}

/// Every stage there is, in the order of the flow. A new one is its definition and one name here.
pub fn stages() -> [&'static Definition; 5] {
    [&COIN, &PRICE, &WALLET, &MARKET, &WHOLE]
}

/// Every processor there is.
pub fn processors() -> Vec<Description> {
    stages().into_iter().flat_map(Definition::describe).collect()
}

#[cfg(test)]
mod tests;
