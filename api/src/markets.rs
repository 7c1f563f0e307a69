//! `/markets`: what can be traded and on which terms.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Market, Message};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::FromRow;

use crate::Context;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::{Coverage, Meta, Reply};
use crate::standing;
use crate::stored::Json;

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "What is traded, on which terms",
        description: "markets as the exchange's metadata describes them, delisted ones as well unless active is true"
            .to_owned(),
        parameters: vec![Parameter::text("dex", "xyz"), Parameter::words("active", &["false", "true"])],
        answer: Answer::Rows(Form::Object(&MARKET)),
        examples: &["?dex="],
    };
    Endpoint::new("/api/v1/markets", get(list), operation)
}

static MARKET: Object = Object {
    name: "market",
    fields: &[
        ("coin", Form::Text),
        ("dex", Form::Text),
        ("size_decimals", Form::Integer),
        ("max_leverage", Form::Integer),
        ("isolated_only", Form::Boolean),
        ("delisted", Form::Boolean),
        ("time", Form::Integer),
        ("margin_tiers", Form::List(&Form::Object(&MARGIN_TIER))),
    ],
    optional: &[],
};

static MARGIN_TIER: Object = Object {
    name: "margin-tier",
    fields: &[("lower_bound", Form::Decimal), ("max_leverage", Form::Integer)],
    optional: &[],
};

#[derive(Serialize, FromRow)]
struct MarketRow {
    coin: String,
    dex: String,
    size_decimals: i64,
    max_leverage: i64,
    isolated_only: bool,
    delisted: bool,
    time: i64,
    #[sqlx(try_from = "String")]
    margin_tiers: Json<Box<RawValue>>,
}

const SELECT: &str = "SELECT coin, dex, size_decimals, max_leverage, isolated_only, delisted, time, \
     CAST(margin_tiers AS TEXT) AS margin_tiers FROM markets WHERE generation = ";

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<MarketRow>>, ApiError> {
    let dex = parameters.text("dex")?;
    let active = parameters.word("active", "INVALID_ACTIVE", &[("true", true), ("false", false)])?;
    parameters.nothing_else()?;

    let mut query = Query::new(SELECT);
    query.push_bind(context.generation);
    if let Some(dex) = dex {
        query.push(" AND dex = ").push_bind(dex.as_str());
    }
    if let Some(active) = active {
        query.push(" AND delisted = ").push_bind(!active);
    }
    query.push(" ORDER BY coin");

    let mut moment = context.database.one_moment().await?;
    let rows: Vec<MarketRow> = moment.all(query).await?;
    let standing = standing::of(&mut moment, context.generation, &[Market::TOPIC]).await?;
    let as_of = rows.iter().map(|row| row.time).max();
    Ok(Reply {
        data: rows,
        meta: Meta { as_of, coverage: Coverage::METADATA, ..Meta::new(&context, &standing, Market::SCHEMA) },
    })
}
