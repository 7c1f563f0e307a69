//! ROWS AND LIVE RESULTS → HTTP AND WEBSOCKET. The database and the live results in; replies and frames out.
//!
//! A resource is one file and one line in [`router`]; a live channel is one line in `channel.rs`.

mod binance;
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
mod error;
mod export;
mod gate;
mod health;
mod heatmap_grid;
mod heatmap_of_positions;
mod holes;
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
mod parameters;
mod positions;
mod prices;
mod query;
mod ratio_series;
mod reply;
mod row;
mod shares;
mod shown;
mod standing;
mod status;
mod stored;
mod taker_flow;
mod taker_ratio;
mod time_of_day;
mod valued_position;
mod wallet_distribution;
mod wallet_leaderboard;
mod wallet_summary;
mod wallets;
mod websocket;
mod whale_activities;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};

pub use database::Database;
pub use gate::{Gate, Key, Keys, NoRoom, Rates, Scope, fingerprint, token};
pub use health::Dependency;
pub use live::Live;
pub use open::{OpenError, open_database};
pub use status::Status;

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
}

/// Everything that is served.
pub fn router(context: Context) -> Router {
    let context = Arc::new(context);
    measure::begin();
    gate::guard(resources(), &context).with_state(context)
}

fn resources() -> Router<Arc<Context>> {
    Router::new()
        .merge(status::routes())
        .merge(health::routes())
        .merge(markets::routes())
        .merge(positions::routes())
        .merge(long_short_ratio::routes())
        .merge(market_ratio::routes())
        .merge(course::routes(&candles::COURSE))
        .merge(course::routes(&taker_flow::OF_COIN))
        .merge(course::routes(&taker_flow::OF_THE_MARKET))
        .merge(list::routes(&liquidations::LIST))
        .merge(list::routes(&liquidation_episodes::LIST))
        .merge(liquidation_summary::routes())
        .merge(list::routes(&liquidation_cascades::LIST))
        .merge(course::routes(&liquidation_stats::COURSE))
        .merge(liquidation_history::routes())
        .merge(liquidation_heatmap::routes())
        .merge(course::routes(&liquidation_map::COURSE))
        .merge(liquidation_max_pain::routes())
        .merge(liquidation_risk::routes())
        .merge(wallets::routes())
        .merge(wallet_leaderboard::routes())
        .merge(wallet_distribution::routes())
        .merge(list::routes(&whale_activities::LIST))
        .merge(prices::routes())
        .merge(binance::routes())
        .merge(dashboard::routes())
        .merge(data_quality::routes())
        .merge(websocket::routes())
        .fallback(async |uri: Uri| ApiError::NoSuchPath { path: uri.path().to_owned() })
        .method_not_allowed_fallback(async |method: Method| ApiError::Method { method })
}
