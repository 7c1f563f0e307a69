//! `/markets` and the live channel `markets`: what can be traded and on which terms.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::tables::markets::TABLE;
use schemas::{Market, Message};

use crate::Context;
use crate::channel::{ALL_THERE_IS, Channel, Key, Subject, Tells, by_key, live_row};
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::ratio_series::Series;
use crate::reply::{Coverage, Meta, Reply};
use crate::row::{Shape, Told};

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "What is traded, on which terms",
        description: "markets as the exchange's metadata describes them, delisted ones as well unless active is true"
            .to_owned(),
        parameters: vec![Parameter::text("dex", "xyz"), Parameter::words("active", &["false", "true"])],
        answer: Answer::Rows(Form::Shape(Market::SCHEMA, &SHAPE)),
        examples: &["?dex="],
    };
    Endpoint::new("/api/v1/markets", get(list), operation)
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "markets",
    alias: None,
    topic: Market::TOPIC,
    kind: Market::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::State(by_key),
    reaches_back: ALL_THERE_IS,
    filters: &[],
    row: Form::Shape(Market::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

pub(crate) static MARGIN_TIER: Object = Object {
    name: "margin-tier",
    fields: &[("lower_bound", Form::Decimal), ("max_leverage", Form::Integer)],
    optional: &[],
};

static SHAPE: Shape = Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[], derive: |_| Vec::new() };

async fn list(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Reply<Vec<Told>>, ApiError> {
    let dex = parameters.text("dex")?;
    let active = parameters.word("active", "INVALID_ACTIVE", &[("true", true), ("false", false)])?;
    parameters.nothing_else()?;
    context.live.known_present()?;

    let everything = Subject { channel: CHANNEL.name, key: Key::All, interval: None, series: Series::default() };
    let mut rows = context.live.rows(&SHAPE, &everything);
    rows.retain(|market| {
        let is_of_the_dex = dex.as_deref().is_none_or(|dex| market.text("dex") == Some(dex));
        is_of_the_dex && active.is_none_or(|active| market.is_true("delisted") != active)
    });
    let as_of = rows.iter().filter_map(|row| row.integer("time")).max();
    let standing = context.live.standing(&[Market::TOPIC]);
    let meta = Meta { as_of, coverage: Coverage::METADATA, ..Meta::new(&context, &standing, Market::SCHEMA) };
    Ok(Reply { data: rows, meta })
}
