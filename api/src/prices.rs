//! `/prices` and the live channel `prices`: what each market is valued at now.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Message, Price};
use serde::Serialize;
use sqlx::FromRow;

use crate::Context;
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::coin::{self, AskedCoin};
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Coverage, Meta, Reply};
use crate::standing::{self, Standing};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let operation = |summary, parameters, answer| Operation {
        summary,
        description: DEFINITION.to_owned(),
        parameters,
        answer,
        examples: &[],
    };
    let (of_all, row) = ("At which prices everything is valued", Form::Object(&PRICE));
    let (of_one, coin) = ("At which price a coin is valued", vec![Parameter::coin().in_path()]);
    vec![
        Endpoint::new("/api/v1/prices", get(list), operation(of_all, Vec::new(), Answer::Rows(row))),
        Endpoint::new("/api/v1/prices/{coin}", get(latest), operation(of_one, coin, Answer::OneOrNull(row))),
    ]
}

static PRICE: Object = Object {
    name: "price",
    fields: &[
        ("coin", Form::Text),
        ("time", Form::Integer),
        ("mark_px", Form::Decimal),
        ("oracle_px", Form::Decimal),
        ("mid_px", Form::Decimal),
        ("funding", Form::Decimal),
        ("open_interest", Form::Decimal),
        ("open_interest_notional", Form::Decimal),
        ("previous_day_px", Form::Decimal),
        ("day_notional", Form::Decimal),
        ("reason", Form::Text),
    ],
    optional: &[],
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "prices",
    topic: Price::TOPIC,
    kind: Price::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: false,
    by_kind: false,
    push_rows: |query, generation, subject| {
        query.push(SELECT).push_bind(generation);
        subject.push_where(query);
        query.push(" ORDER BY coin");
    },
    rows: |moment, query| moment.told(query, |row: PriceRow| raw(&row.explained())),
    live: |value| {
        let price: Price = serde_json::from_slice(value)?;
        let row = PriceRow::from(price).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval: None, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "as the exchange published it, when it was received; mark_px is what positions are valued at and liquidated by; \
     funding is per hour and paid by longs when it is positive; open_interest is in the coin, one side, and \
     open_interest_notional is that at the mark";

const SELECT: &str = "SELECT coin, time, CAST(mark_px AS TEXT) AS mark_px, CAST(oracle_px AS TEXT) AS oracle_px, \
     CAST(mid_px AS TEXT) AS mid_px, CAST(funding AS TEXT) AS funding, \
     CAST(open_interest AS TEXT) AS open_interest, CAST(open_interest_notional AS TEXT) AS open_interest_notional, \
     CAST(previous_day_px AS TEXT) AS previous_day_px, CAST(day_notional AS TEXT) AS day_notional \
     FROM prices WHERE generation = ";

/// A price as it is told.
#[derive(Serialize, FromRow)]
struct PriceRow {
    coin: String,
    time: i64,
    mark_px: String,
    oracle_px: String,
    mid_px: Option<String>,
    funding: String,
    open_interest: String,
    open_interest_notional: Option<String>,
    previous_day_px: String,
    day_notional: String,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl PriceRow {
    fn explained(self) -> Self {
        let reason = match (&self.mid_px, &self.open_interest_notional) {
            (None, _) => Some("no_bid_or_no_ask"),
            (Some(_), None) => Some("too_large_to_be_exact"),
            (Some(_), Some(_)) => None,
        };
        Self { reason, ..self }
    }
}

impl From<Price> for PriceRow {
    fn from(price: Price) -> Self {
        Self {
            coin: price.coin.to_string(),
            time: price.time,
            mark_px: price.mark_px.to_string(),
            oracle_px: price.oracle_px.to_string(),
            mid_px: price.mid_px.map(|it| it.to_string()),
            funding: price.funding.to_string(),
            open_interest: price.open_interest.to_string(),
            open_interest_notional: price.open_interest_notional.map(|it| it.to_string()),
            previous_day_px: price.previous_day_px.to_string(),
            day_notional: price.day_notional.to_string(),
            reason: None,
        }
    }
}

async fn list(State(context): State<Arc<Context>>, parameters: Parameters) -> Result<Reply<Vec<PriceRow>>, ApiError> {
    parameters.nothing_else()?;
    let mut query = Query::new(SELECT);
    query.push_bind(context.generation).push(" ORDER BY coin");

    let mut moment = context.database.one_moment().await?;
    let standing = standing::of(&mut moment, context.generation, &[Price::TOPIC]).await?;
    let rows: Vec<PriceRow> = moment.all(query).await?;
    let meta = price_meta(&context, &standing, &rows);
    Ok(Reply { data: rows.into_iter().map(PriceRow::explained).collect(), meta })
}

async fn latest(
    State(context): State<Arc<Context>>,
    AskedCoin(asked): AskedCoin,
    parameters: Parameters,
) -> Result<Reply<Option<PriceRow>>, ApiError> {
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let coin = coin::known(&mut moment, context.generation, &asked).await?;
    let standing = standing::of(&mut moment, context.generation, &[Price::TOPIC]).await?;
    let mut query = Query::new(SELECT);
    query.push_bind(context.generation).push(" AND coin = ").push_bind(coin.as_str());
    let row: Option<PriceRow> = moment.first(query).await?;
    let meta = price_meta(&context, &standing, row.as_slice());
    Ok(Reply { data: row.map(PriceRow::explained), meta })
}

fn price_meta(context: &Context, standing: &Standing, rows: &[PriceRow]) -> Meta {
    Meta {
        as_of: rows.iter().map(|row| row.time).max(),
        coverage: Coverage::PUBLIC_FEED,
        definition: Some(DEFINITION),
        reason: rows.is_empty().then_some("no_price_yet"),
        ..Meta::new(context, standing, Price::SCHEMA)
    }
}
