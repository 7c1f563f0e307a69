//! `/api/v1/status` and the page at `/`: what is running.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use serde::Serialize;

use crate::Context;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::reply::{Meta, Reply};

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub version: String,
    pub market: String,
    pub head_block: Option<u64>,
    /// When the head block was made, in milliseconds UTC.
    pub head_time: Option<i64>,
    /// The first block there was: of what was before it nothing is known.
    pub since_block: Option<u64>,
    pub since_time: Option<i64>,
    /// Everything up to this block and this event time is in the database.
    pub stored_block: Option<u64>,
    pub clock: Option<i64>,
    /// Each topic's name and how many records it holds.
    pub topics: Vec<(String, u64)>,
    /// Where the data are kept.
    pub data: String,
}

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/", get(async || Html(include_str!("page.html")))).route("/api/v1/status", get(status))
}

#[derive(Serialize)]
struct StatusRow {
    version: String,
    market: String,
    started: i64,
    head_block: Option<u64>,
    head_time: Option<i64>,
    clock: Option<i64>,
    topics: Vec<TopicRow>,
    data: String,
}

#[derive(Serialize)]
struct TopicRow {
    name: String,
    records: u64,
}

async fn status(State(context): State<Arc<Context>>, parameters: Parameters) -> Result<Reply<StatusRow>, ApiError> {
    parameters.nothing_else()?;
    let now = (context.describe)();
    let meta = Meta { as_of: now.clock, ..Meta::new(&context, &now, "status/1", BTreeMap::new()) };
    let data = StatusRow {
        version: now.version,
        market: now.market,
        started: context.started,
        head_block: now.head_block,
        head_time: now.head_time,
        clock: now.clock,
        topics: now.topics.into_iter().map(|(name, records)| TopicRow { name, records }).collect(),
        data: now.data,
    };
    Ok(Reply { data, meta })
}
