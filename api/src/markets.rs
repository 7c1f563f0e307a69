//! `/markets`: what can be traded and on which terms.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{Market, Message};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, QueryBuilder};

use crate::Context;
use crate::database::{one_moment, source};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::reply::{Coverage, Meta, Reply};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/markets", get(list))
}

#[derive(Serialize)]
struct MarketRow {
    #[serde(flatten)]
    stored: StoredMarket,
    margin_tiers: Box<RawValue>,
}

#[derive(Serialize, FromRow)]
struct StoredMarket {
    coin: String,
    dex: String,
    size_decimals: u32,
    max_leverage: u32,
    isolated_only: bool,
    delisted: bool,
    time: i64,
    #[serde(skip)]
    margin_tiers: String,
}

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<MarketRow>>, ApiError> {
    let dex = parameters.text(&["dex"])?;
    let active = parameters.word("active", "INVALID_ACTIVE", &[("true", true), ("false", false)])?;
    parameters.nothing_else()?;

    let mut query = QueryBuilder::new("SELECT * FROM markets WHERE generation = ");
    query.push_bind(context.generation);
    if let Some(dex) = dex {
        query.push(" AND dex = ").push_bind(dex);
    }
    if let Some(active) = active {
        query.push(" AND delisted = ").push_bind(!active);
    }
    query.push(" ORDER BY coin");

    let mut moment = one_moment(&context).await?;
    let rows: Vec<StoredMarket> = query.build_query_as().fetch_all(&mut *moment.rows).await?;
    let source = source(&mut moment.rows, context.generation, Market::TOPIC).await?;
    let as_of = rows.iter().map(|row| row.time).max();
    let data = rows.into_iter().map(with_tiers).collect::<Result<_, _>>()?;
    Ok(Reply {
        data,
        meta: Meta { as_of, coverage: Coverage::METADATA, ..Meta::new(&context, &moment.now, Market::SCHEMA, source) },
    })
}

fn with_tiers(stored: StoredMarket) -> Result<MarketRow, ApiError> {
    let margin_tiers = serde_json::from_str(&stored.margin_tiers)
        .map_err(|cause| ApiError::Database { source: sqlx::Error::Decode(cause.into()) })?;
    Ok(MarketRow { stored, margin_tiers })
}
