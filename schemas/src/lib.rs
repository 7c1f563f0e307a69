//! THE CONTRACT: what flows between the stages. One file per topic with its type, its key and its doc; one folder
//! per topic under `topics/` with its JSON Schema and named examples. Nothing here does I/O.
#![no_std]
extern crate alloc;

mod account_states;
mod accounts;
mod amount;
mod asset_contexts;
mod batch;
mod candle_checks;
mod candles;
mod clocks;
mod coin;
mod dead_letters;
#[cfg(feature = "examples")]
pub mod examples;
mod exchange_candles;
mod feed_status;
mod fills;
mod hash;
mod hex;
mod interval;
mod late_events;
mod late_joins;
mod ledger_updates;
mod liquidation_cascades;
mod liquidation_heatmap;
mod liquidation_map;
mod liquidation_stats;
pub mod liquidations;
mod long_short_ratios;
mod market_ratios;
mod market_taker_flow;
mod markets;
mod message;
mod mids;
mod outbox;
pub mod position_changes;
mod position_risks;
mod positions;
mod prices;
mod ratio_kinds;
mod raw;
mod snapshots;
mod sort_key;
mod source_runs;
mod state;
pub mod table;
pub mod tables;
mod taker_flow;
mod taker_sums;
mod text;
mod topic;
mod trades;
mod wallet;
mod wallet_distribution;
mod wallet_summaries;
mod wallet_sums;
mod whale_activities;
mod whale_watches;

pub use account_states::{AccountState, AssetPosition, HeldLeverage, HeldPosition, MarginSummary};
pub use accounts::Account;
pub use amount::{Amount, AmountError};
pub use asset_contexts::AssetContext;
pub use batch::{Batch, Headers, Record, Records};
pub use candle_checks::{CandleCheck, CandleDifference, CandleValues, Differences};
pub use candles::Candle;
pub use clocks::ResultClock;
pub use coin::{Coin, MarketKind};
pub use dead_letters::DeadLetter;
pub use exchange_candles::ExchangeCandle;
pub use feed_status::{FeedStatus, NODE_FILLS, SourceStatus};
pub use fills::{Clock, Fill, Gap, Liquidation, Side, comes_after, is_numbered, kind, unnumbered};
pub use hash::Hash;
pub use interval::Interval;
pub use late_events::LateEvent;
pub use late_joins::LateJoin;
pub use ledger_updates::LedgerUpdate;
pub use liquidation_cascades::LiquidationCascade;
pub use liquidation_heatmap::HeatmapCell;
pub use liquidation_map::{
    Binned, Held, LEVERAGE_BANDS, LiquidationMap, MAP_INTERVAL, MapBin, MapSide, PriceRange, RISK_DISTANCES,
};
pub use liquidation_stats::{LargestOrder, Liquidated, LiquidationStats};
pub use liquidations::{LiquidationEpisode, LiquidationOrder};
pub use long_short_ratios::LongShortRatio;
pub use market_ratios::{MarketRatio, TOP_WALLETS_FROM};
pub use market_taker_flow::MarketTakerFlow;
pub use markets::{MarginTier, Market};
pub use message::Message;
pub use mids::Mid;
pub use outbox::Outbox;
pub use position_changes::{MarketState, PositionChange};
pub use position_risks::{PositionRisk, PositionSource, RiskBasis};
pub use positions::{Position, PositionSide};
pub use prices::Price;
pub use ratio_kinds::{RatioKind, SizeCohort};
pub use raw::{RAW_PART_BYTES, raw_parts};
pub use snapshots::Snapshot;
pub use source_runs::SourceRun;
pub use state::{
    Checkpoint, Cursor, Dropped, Generations, Growing, Kept, KeptRules, KeptStretch, MarketMark, OpenGap, Place,
    TapeMark,
};
pub use taker_flow::TakerFlow;
pub use taker_sums::TakerSum;
pub use text::Text;
pub use topic::{Belongs, Entity, GENERATION, Generation, Keeps, Topic, partition_of};
pub use trades::Trade;
pub use wallet::{NotAWallet, Wallet};
pub use wallet_distribution::WalletDistribution;
pub use wallet_summaries::{MakerShare, Rolling, RoundTrips, WalletSummary};
pub use wallet_sums::{Measure, WalletSum, WalletTier};
pub use whale_activities::{WhaleAction, WhaleActivity, WhaleFlow, WhaleOrder, WhaleRule};
pub use whale_watches::WhaleWatch;

/// Every topic there is, in the order of the flow. A new topic is its file and one line here.
pub static TOPICS: [&Topic; 54] = [
    &raw::NODE_FILLS,
    &raw::MISC_EVENTS,
    &raw::PUBLIC_FEED,
    &raw::INFO,
    &fills::TOPIC,
    &fills::HISTORY,
    &trades::TOPIC,
    &asset_contexts::TOPIC,
    &mids::TOPIC,
    &account_states::TOPIC,
    &ledger_updates::TOPIC,
    &exchange_candles::TOPIC,
    &markets::TOPIC,
    &feed_status::TOPIC,
    &source_runs::TOPIC,
    &whale_watches::TOPIC,
    &dead_letters::TOPIC,
    &position_changes::TOPIC,
    &positions::TOPIC,
    &long_short_ratios::TOPIC,
    &liquidations::TOPIC,
    &liquidation_stats::TOPIC,
    &liquidation_cascades::TOPIC,
    &liquidation_heatmap::TOPIC,
    &candles::TOPIC,
    &candle_checks::TOPIC,
    &taker_flow::TOPIC,
    &taker_sums::TOPIC,
    &whale_activities::TOPIC,
    &prices::TOPIC,
    &accounts::TOPIC,
    &position_risks::TOPIC,
    &liquidation_map::TOPIC,
    &wallet_summaries::TOPIC,
    &wallet_sums::TOPIC,
    &wallet_distribution::TOPIC,
    &market_ratios::TOPIC,
    &market_taker_flow::TOPIC,
    &late_events::TOPIC,
    &late_joins::TOPIC,
    &snapshots::TOPIC,
    &state::GENERATIONS,
    &state::TAPE,
    &state::PARSER,
    &state::PARSER_NODE_FILLS,
    &state::PARSER_MISC_EVENTS,
    &state::PARSER_INFO,
    &state::PARSER_META,
    &state::PARSER_PUBLIC_FEED,
    &state::COIN,
    &state::PRICE,
    &state::WALLET,
    &state::MARKET,
    &state::WHOLE,
];

/// The topics by name, for whoever has no message type at hand.
pub mod topics {
    pub use crate::account_states::TOPIC as ACCOUNT_STATES;
    pub use crate::accounts::TOPIC as ACCOUNTS;
    pub use crate::asset_contexts::TOPIC as ASSET_CONTEXTS;
    pub use crate::candle_checks::TOPIC as CANDLE_CHECKS;
    pub use crate::candles::TOPIC as CANDLES;
    pub use crate::dead_letters::TOPIC as DEAD_LETTERS;
    pub use crate::exchange_candles::TOPIC as EXCHANGE_CANDLES;
    pub use crate::feed_status::TOPIC as FEED_STATUS;
    pub use crate::fills::{HISTORY as FILLS_HISTORY, TOPIC as FILLS};
    pub use crate::late_events::TOPIC as LATE_EVENTS;
    pub use crate::late_joins::TOPIC as LATE_JOINS;
    pub use crate::ledger_updates::TOPIC as LEDGER_UPDATES;
    pub use crate::liquidation_cascades::TOPIC as LIQUIDATION_CASCADES;
    pub use crate::liquidation_heatmap::TOPIC as LIQUIDATION_HEATMAP;
    pub use crate::liquidation_map::TOPIC as LIQUIDATION_MAP;
    pub use crate::liquidation_stats::TOPIC as LIQUIDATION_STATS;
    pub use crate::liquidations::TOPIC as LIQUIDATIONS;
    pub use crate::long_short_ratios::TOPIC as LONG_SHORT_RATIOS;
    pub use crate::market_ratios::TOPIC as MARKET_RATIOS;
    pub use crate::market_taker_flow::TOPIC as MARKET_TAKER_FLOW;
    pub use crate::markets::TOPIC as MARKETS;
    pub use crate::mids::TOPIC as MIDS;
    pub use crate::position_changes::TOPIC as POSITION_CHANGES;
    pub use crate::position_risks::TOPIC as POSITION_RISKS;
    pub use crate::positions::TOPIC as POSITIONS;
    pub use crate::prices::TOPIC as PRICES;
    pub use crate::raw::{
        INFO as RAW_INFO, MISC_EVENTS as RAW_MISC_EVENTS, NODE_FILLS as RAW_NODE_FILLS, PUBLIC_FEED as RAW_PUBLIC_FEED,
    };
    pub use crate::snapshots::TOPIC as SNAPSHOTS;
    pub use crate::source_runs::TOPIC as SOURCE_RUNS;
    pub use crate::state::{
        COIN as STATE_COIN, GENERATIONS as STATE_GENERATIONS, MARKET as STATE_MARKET, PRICE as STATE_PRICE,
        TAPE as STATE_TAPE, WALLET as STATE_WALLET, WHOLE as STATE_WHOLE,
    };
    pub use crate::state::{
        PARSER as STATE_PARSER, PARSER_INFO as STATE_PARSER_INFO, PARSER_META as STATE_PARSER_META,
        PARSER_MISC_EVENTS as STATE_PARSER_MISC_EVENTS, PARSER_NODE_FILLS as STATE_PARSER_NODE_FILLS,
        PARSER_PUBLIC_FEED as STATE_PARSER_PUBLIC_FEED,
    };
    pub use crate::taker_flow::TOPIC as TAKER_FLOW;
    pub use crate::taker_sums::TOPIC as TAKER_SUMS;
    pub use crate::trades::TOPIC as TRADES;
    pub use crate::wallet_distribution::TOPIC as WALLET_DISTRIBUTION;
    pub use crate::wallet_summaries::TOPIC as WALLET_SUMMARIES;
    pub use crate::wallet_sums::TOPIC as WALLET_SUMS;
    pub use crate::whale_activities::TOPIC as WHALE_ACTIVITIES;
    pub use crate::whale_watches::TOPIC as WHALE_WATCHES;
}

#[cfg(test)]
mod tests;
