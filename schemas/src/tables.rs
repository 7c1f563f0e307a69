//! Every table there is: what of which topic becomes a row, column by column. A table is one file, its migrations and one
//! line here.

pub mod accounts;
pub mod candle_checks;
pub mod candles;
pub mod liquidation_cascades;
pub mod liquidation_episodes;
pub mod liquidation_heatmap;
pub mod liquidation_map;
pub mod liquidation_stats;
pub mod liquidations;
pub mod long_short_ratios;
pub mod market_ratios;
pub mod market_taker_flow;
pub mod markets;
pub mod position_history;
pub mod position_risks;
pub mod positions;
pub mod prices;
pub mod source_gaps;
pub mod source_runs;
pub mod source_states;
pub mod taker_flow;
pub mod transactions;
pub mod wallet_distribution;
pub mod wallet_summaries;
pub mod whale_activities;
pub mod whale_watches;

use crate::table::Table;

/// The number of the migration that makes the last of them.
pub const VERSION: i64 = 66;

/// Every table there is.
pub static TABLES: [&Table; 26] = [
    &transactions::TABLE,
    &positions::TABLE,
    &position_history::TABLE,
    &position_risks::TABLE,
    &long_short_ratios::TABLE,
    &liquidations::TABLE,
    &liquidation_episodes::TABLE,
    &liquidation_stats::TABLE,
    &liquidation_cascades::TABLE,
    &liquidation_heatmap::TABLE,
    &liquidation_map::TABLE,
    &candles::TABLE,
    &candle_checks::TABLE,
    &taker_flow::TABLE,
    &accounts::TABLE,
    &wallet_summaries::TABLE,
    &wallet_distribution::TABLE,
    &market_ratios::TABLE,
    &market_taker_flow::TABLE,
    &whale_watches::TABLE,
    &whale_activities::TABLE,
    &prices::TABLE,
    &markets::TABLE,
    &source_states::TABLE,
    &source_gaps::TABLE,
    &source_runs::TABLE,
];
