//! `/prices` and the live channel `price_updates`: what each market is valued at now.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::table::Value;
use schemas::tables::prices::TABLE;
use schemas::{Message, Price};

use crate::Context;
use crate::channel::{ALL_THERE_IS, Channel, Key, Subject, Tells, by_key, live_row};
use crate::coin::{self, AskedCoin};
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::Form;
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::ratio_series::Series;
use crate::reply::{Coverage, Meta, Reply};
use crate::row::{REASON, Shape, Told};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let operation = |summary, parameters, answer| Operation {
        summary,
        description: DEFINITION.to_owned(),
        parameters,
        answer,
        examples: &[],
    };
    let (of_all, row) = ("At which prices everything is valued", Form::Shape(Price::SCHEMA, &SHAPE));
    let (of_one, coin) = ("At which price a coin is valued", vec![Parameter::coin().in_path()]);
    vec![
        Endpoint::new("/api/v1/prices", get(list), operation(of_all, Vec::new(), Answer::Rows(row))),
        Endpoint::new("/api/v1/prices/{coin}", get(latest), operation(of_one, coin, Answer::OneOrNull(row))),
    ]
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "price_updates",
    alias: Some("prices"),
    topic: Price::TOPIC,
    kind: Price::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::State(by_key),
    reaches_back: ALL_THERE_IS,
    filters: &[],
    row: Form::Shape(Price::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

const DEFINITION: &str = "as the exchange published it, when it was received; mark_px is what positions are valued at and liquidated by; \
     funding is per hour and paid by longs when it is positive; open_interest is in the coin, one side, and \
     open_interest_notional is that at the mark";

static SHAPE: Shape =
    Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

fn why_null(price: &Told) -> Value {
    let why = match (price.is_null("mid_px"), price.is_null("open_interest_notional")) {
        (true, _) => Some("no_bid_or_no_ask"),
        (false, true) => Some("too_large_to_be_exact"),
        (false, false) => None,
    };
    Value::text_or_null(why)
}

async fn list(State(context): State<Arc<Context>>, parameters: Parameters) -> Result<Reply<Vec<Told>>, ApiError> {
    parameters.nothing_else()?;
    context.live.known_present()?;
    let rows = prices(&context, Key::All);
    let meta = price_meta(&context, &rows);
    Ok(Reply { data: rows, meta })
}

async fn latest(
    State(context): State<Arc<Context>>,
    AskedCoin(asked): AskedCoin,
    parameters: Parameters,
) -> Result<Reply<Option<Told>>, ApiError> {
    parameters.nothing_else()?;
    context.live.known_present()?;
    let coin = coin::at_present(&context.live, &asked)?;
    let mut rows = prices(&context, Key::Coin(coin));
    let meta = price_meta(&context, &rows);
    Ok(Reply { data: rows.pop(), meta })
}

/// Of a coin, or of all of them.
pub(crate) fn prices(context: &Context, key: Key) -> Vec<Told> {
    let subject = Subject { channel: CHANNEL.name, key, interval: None, series: Series::default() };
    context.live.rows(&SHAPE, &subject)
}

fn price_meta(context: &Context, rows: &[Told]) -> Meta {
    Meta {
        as_of: rows.iter().filter_map(|row| row.integer("time")).max(),
        coverage: Coverage::PUBLIC_FEED,
        definition: Some(DEFINITION),
        reason: rows.is_empty().then_some("no_price_yet"),
        ..Meta::new(context, &context.live.standing(&[Price::TOPIC]), Price::SCHEMA)
    }
}
