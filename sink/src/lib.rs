//! RESULTS → ROWS. Records of the result topics in; rows, and the position they stand for, out in one transaction of
//! SQLite or Postgres.
//!
//! A table is one file, its migrations and one line in [`tables`].

mod candle_checks;
mod candles;
mod cause;
mod clock;
mod database;
mod error;
mod liquidation_cascades;
mod liquidation_episodes;
mod liquidation_heatmap;
mod liquidation_map;
mod liquidation_orders;
mod liquidation_stats;
mod long_short_ratios;
mod market_ratios;
mod market_taker_flow;
mod markets;
mod position;
mod position_risks;
mod positions;
mod postgres;
mod prices;
mod rows;
mod sink;
mod source_gaps;
mod source_runs;
mod source_states;
mod sqlite;
mod table;
mod taker_flow;
mod wallet_distribution;
mod wallet_summaries;
mod whale_activities;

#[cfg(test)]
mod tests;

pub use database::connect;
pub use error::SinkError;
pub use sink::{Part, Sink};
pub use table::{Change, Column, Kind, Table, Value};

/// Every table there is.
pub fn tables() -> Vec<Table> {
    vec![
        positions::table(),
        position_risks::table(),
        long_short_ratios::table(),
        liquidation_orders::table(),
        liquidation_episodes::table(),
        liquidation_stats::table(),
        liquidation_cascades::table(),
        liquidation_heatmap::table(),
        liquidation_map::table(),
        candles::table(),
        candle_checks::table(),
        taker_flow::table(),
        wallet_summaries::table(),
        wallet_distribution::table(),
        market_ratios::table(),
        market_taker_flow::table(),
        whale_activities::table(),
        prices::table(),
        markets::table(),
        source_states::table(),
        source_gaps::table(),
        source_runs::table(),
    ]
}
