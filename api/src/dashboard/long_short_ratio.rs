//! `/market/long-short-ratio`: how holders stand, of a coin or of the whole market, bucket after bucket.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use schemas::Amount;
use schemas::table::Value;

use super::{age, display, shown_as};
use crate::course::Course;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::Accepted;
use crate::openapi::declared;
use crate::openapi::form::Form;
use crate::parameters::Parameters;
use crate::row::{Field, REASON, Shape, Told};
use crate::{Context, long_short_ratio, market_ratio, shares, shown};

const NAME: &str = "market/long-short-ratio";

pub(super) fn endpoint() -> Endpoint {
    let operation = declared::history_of_holders(&OF_COIN, Form::Either(&ROWS));
    Endpoint::new(format!("/api/v1/{NAME}"), get(history), operation)
}

/// Of a coin, and of the whole market.
static ROWS: [Form; 2] =
    [Form::Shape("shown-long-short-ratio", &SHAPE_OF_COIN), Form::Shape("shown-market-ratio", &SHAPE_OF_THE_MARKET)];

async fn history(
    State(context): State<Arc<Context>>,
    Accepted(format): Accepted,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let coin = parameters.text("coin")?;
    let course = if coin.is_some() { &OF_COIN } else { &OF_THE_MARKET };
    course.history(context, format, coin.as_deref(), parameters).await
}

const SUMMARIES: [&str; 2] = ["How holders stand, of a coin or of the whole market, as a chart shows it"; 2];

static OF_COIN: Course = Course { name: NAME, summaries: SUMMARIES, shape: &SHAPE_OF_COIN, ..long_short_ratio::COURSE };
static OF_THE_MARKET: Course =
    Course { name: NAME, summaries: SUMMARIES, shape: &SHAPE_OF_THE_MARKET, ..market_ratio::COURSE };

const DERIVED: [Field; 7] = {
    let [definition, ratio, _] = shares::DERIVED;
    let [time, long, short] = [display("time_display"), display("long_display"), display("short_display")];
    [definition, ratio, time, long, short, display("ratio_display"), REASON]
};

static SHAPE_OF_COIN: Shape = Shape {
    derived: &DERIVED,
    derive: |row| with_what_is_shown(row, (long_short_ratio::SHAPE.derive)(row)),
    ..long_short_ratio::SHAPE
};

static SHAPE_OF_THE_MARKET: Shape = Shape {
    derived: &DERIVED,
    derive: |row| with_what_is_shown(row, (market_ratio::SHAPE.derive)(row)),
    ..market_ratio::SHAPE
};

/// Before the reason, which comes last.
fn with_what_is_shown(row: &Told, mut derived: Vec<Value>) -> Vec<Value> {
    let reason = derived.pop();
    let short = |long: Amount| shown::percent(Amount::from(1).minus(long).ok()?);
    derived.extend([
        age(row, "time"),
        shown_as(row, "long_ratio", shown::percent),
        shown_as(row, "long_ratio", short),
        shown_as(row, "close", shown::two_places),
    ]);
    derived.extend(reason);
    derived
}
