//! `/data-quality/candles`: whether the exchange's own candles of a coin say what those of trades do.

use std::sync::Arc;

use axum::extract::State;
use schemas::{CandleCheck, CandleDifference, Differences, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::endpoint::Operation;
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::stored::Json;
use crate::{Context, coin, standing};

const DEFINITION: &str = "minutes from since to until, of which the exchange has told candles; compared are those of which both have one \
     and no block is missing here, different the ones that are not the same in everything, differences in what; \
     only_here and only_there are minutes of which the other one has none, not_compared those of which it is not known \
     here whether all was seen; here is made of trades, there is the exchange's";

pub(super) fn operation() -> Operation {
    super::operation(
        "Whether candles made of trades are those of the exchange",
        DEFINITION,
        vec![Parameter::coin()],
        &CHECK,
    )
}

static CHECK: Object = Object {
    name: "candle-check",
    fields: &[
        ("coin", Form::Text),
        ("since", Form::Integer),
        ("until", Form::Integer),
        ("compared", Form::Integer),
        ("different", Form::Integer),
        ("differences", Form::Map(&Form::Integer)),
        ("only_here", Form::Integer),
        ("only_there", Form::Integer),
        ("not_compared", Form::Integer),
        ("last_difference", Form::Object(&DIFFERENCE)),
        ("block", Form::Integer),
        ("clock", Form::Integer),
    ],
    optional: &[],
};

static DIFFERENCE: Object = Object {
    name: "candle-difference",
    fields: &[("time", Form::Integer), ("here", Form::Object(&VALUES)), ("there", Form::Object(&VALUES))],
    optional: &["here", "there"],
};

static VALUES: Object = Object {
    name: "candle-values",
    fields: &[
        ("open", Form::Decimal),
        ("high", Form::Decimal),
        ("low", Form::Decimal),
        ("close", Form::Decimal),
        ("volume", Form::Decimal),
        ("trades", Form::Integer),
    ],
    optional: &[],
};

/// A coin as it is told.
#[derive(Serialize, FromRow)]
pub(super) struct CheckRow {
    coin: String,
    since: i64,
    until: i64,
    compared: i64,
    different: i64,
    #[sqlx(try_from = "String")]
    differences: Json<Differences>,
    only_here: i64,
    only_there: i64,
    not_compared: i64,
    /// Null where there was none.
    #[sqlx(try_from = "Option<String>")]
    last_difference: Json<Option<CandleDifference>>,
    block: i64,
    clock: i64,
}

const SELECT: &str = "SELECT coin, since, until, compared, different, CAST(differences AS TEXT) AS differences, only_here, \
     only_there, not_compared, CAST(last_difference AS TEXT) AS last_difference, block, clock FROM candle_checks \
     WHERE generation = ";

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<CheckRow>>, ApiError> {
    let asked = parameters.text("coin")?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let mut query = Query::new(SELECT);
    query.push_bind(context.generation);
    if let Some(asked) = asked {
        let coin = coin::known(&mut moment, context.generation, &asked).await?;
        query.push(" AND coin = ").push_bind(coin.as_str());
    }
    query.push(" ORDER BY coin");
    let standing = standing::of(&mut moment, context.generation, &[CandleCheck::TOPIC]).await?;
    let data: Vec<CheckRow> = moment.all(query).await?;

    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(&context, &standing, CandleCheck::SCHEMA) };
    if data.is_empty() {
        meta.reason = standing.reason_for_nothing().or(Some("the_exchange_has_told_no_candles_yet"));
    }
    meta.as_of = data.iter().map(|row| row.clock).max();
    Ok(Reply { data, meta })
}
