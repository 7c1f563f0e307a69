//! ROWS AND LIVE RESULTS → HTTP AND WEBSOCKET. The database and the live results in; replies and frames out.
//!
//! A resource is one file and one line in [`endpoints`], from which the routes and their description come; a list is one line
//! in `list.rs`, a live channel one in `channel.rs`.

mod as_it_was;
mod asyncapi;
mod binance;
mod caching;
mod candles;
mod cause;
mod channel;
mod coin;
mod coinglass;
mod course;
mod cursor;
mod dashboard;
mod data_quality;
mod database;
mod docs;
mod endpoint;
mod error;
mod export;
mod filter;
mod gate;
mod health;
mod heatmap_grid;
mod heatmap_of_positions;
mod holes;
mod identity;
mod liquidation_cascades;
mod liquidation_episodes;
mod liquidation_heatmap;
mod liquidation_history;
mod liquidation_map;
mod liquidation_max_pain;
mod liquidation_risk;
mod liquidation_stats;
mod liquidation_summary;
mod liquidations;
mod list;
mod live;
mod long_short_ratio;
mod market_ratio;
mod markets;
mod measure;
mod open;
mod openapi;
mod page;
mod parameters;
mod past;
mod plan;
mod position_history;
mod positions;
mod prices;
mod query;
mod ratio_series;
mod replay;
mod reply;
mod row;
mod serving;
mod shares;
mod shown;
mod standing;
mod status;
mod stored;
mod taker_flow;
mod taker_ratio;
mod time_of_day;
mod transactions;
mod valued_position;
mod wallet_distribution;
mod wallet_leaderboard;
mod wallet_summary;
mod wallets;
mod websocket;
mod whale_activities;
mod whale_positions;
mod whale_watches;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};
use schemas::WhaleWatch;

pub use as_it_was::{AsItWas, AskAsItWas, NotKnown};
pub use database::Database;
pub use docs::{ASYNCAPI, OPENAPI};
pub use gate::{Gate, Key, Keys, NoRoom, Rates, Scope, fingerprint, token};
pub use health::Dependency;
pub use live::{Live, LiveTopic};
pub use open::{OpenError, open_database};
pub use past::{Again, ReadAgain, Unread, Whence};
pub use plan::{Plan, Plans};
pub use replay::{Between, Passing, ReplayAgain, Replays};
pub use serving::Serving;
pub use status::Status;
pub use whale_watches::Watched;

use endpoint::Endpoint;
use error::ApiError;

/// What replies are made from.
pub struct Context {
    pub database: Database,
    pub live: Live,
    pub gate: Gate,
    pub generation: u32,
    /// The market is made up: every reply says so.
    pub simulated: bool,
    /// When the process began, in milliseconds UTC.
    pub started: i64,
    pub describe: Arc<dyn Fn() -> Status + Send + Sync>,
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub ready: Arc<dyn Fn() -> Vec<Dependency> + Send + Sync>,
    /// What the log keeps, for who was away.
    pub read_again: Arc<ReadAgain>,
    /// How things stood at a moment.
    pub as_it_was: Arc<AskAsItWas>,
    /// The same of a stretch of time, for who wants to hear it as if it were now.
    pub replay: Arc<ReplayAgain>,
    /// Puts a watch on the log, or takes one off it.
    pub watch: Arc<dyn Fn(WhaleWatch) -> Watched + Send + Sync>,
}

/// What is served, and how requests are answered that are not of it.
pub fn router(serving: &Serving) -> Router {
    measure::begin();
    gate::guard(resources(), serving).with_state(serving.clone())
}

fn resources() -> Router<Serving> {
    endpoint::routed(endpoints())
        .fallback(async |uri: Uri| ApiError::NoSuchPath { path: uri.path().to_owned() })
        .method_not_allowed_fallback(async |method: Method| ApiError::Method { method })
}

/// Everything that is served.
fn endpoints() -> Vec<Endpoint> {
    [
        docs::endpoints(),
        vec![status::endpoint(), markets::endpoint(), positions::endpoint()],
        list::endpoints(),
        prices::endpoints(),
        course::endpoints(&candles::COURSE),
        long_short_ratio::endpoints(),
        market_ratio::endpoints(),
        course::endpoints(&taker_flow::OF_COIN),
        course::endpoints(&taker_flow::OF_THE_MARKET),
        vec![
            liquidation_summary::endpoint(),
            liquidation_history::endpoint(),
            liquidation_heatmap::endpoint(),
            liquidation_max_pain::endpoint(),
            liquidation_risk::endpoint(),
        ],
        course::endpoints(&liquidation_stats::COURSE),
        course::endpoints(&liquidation_map::COURSE),
        vec![wallets::endpoint(), wallet_leaderboard::endpoint(), wallet_distribution::endpoint()],
        vec![whale_positions::endpoint()],
        whale_watches::endpoints(),
        data_quality::endpoints(),
        binance::endpoints(),
        dashboard::endpoints(),
        health::endpoints(),
        vec![replay::endpoint(), websocket::endpoint()],
    ]
    .into_iter()
    .flatten()
    .collect()
}
