//! `/long-short-ratio` without a coin and the live channel `market_ratio`: how the wallets of the whole market stand, all of
//! them, the largest or those of a size: how many are long and short, or how much they hold.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::tables::market_ratios::TABLE;
use schemas::{MarketRatio, Message, RatioKind, TOP_WALLETS_FROM};

use crate::Context;
use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, by_bucket, live_row};
use crate::course::Course;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::Accepted;
use crate::long_short_ratio::worth;
use crate::openapi::declared;
use crate::openapi::form::Form;
use crate::parameters::{MAX_LIMIT, Parameters};
use crate::ratio_series::Series;
use crate::row::{Shape, Told};
use crate::{shares, taker_ratio};

pub(crate) static CHANNEL: Channel = Channel {
    name: "market_ratio",
    alias: None,
    topic: MarketRatio::TOPIC,
    kind: MarketRatio::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: true,
    tells: Tells::State(by_bucket),
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Shape(MarketRatio::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

pub(crate) static COURSE: Course = Course {
    name: "long-short-ratio",
    summaries: ["How long and short stand in the whole market", "How long and short stood in the whole market"],
    shape: &SHAPE,
    schema: MarketRatio::SCHEMA,
    definition,
    reason_for_none: |_| "nothing_held_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

const OF_ACCOUNTS: &str = "the wallets that the row defines, of those that have traded since `coverage.since_time`, each once, at the last minute \
     of the bucket; long and short are those that hold more on that side than on the other in all coins together, at the \
     marks: who holds as much on both is in neither; not_valued are wallets left out because a mark is not known; \
     open, high, low and close are long over short wallets, as counted once a minute; \
     oi_coverage_pct is what all known wallets hold of the open interest of all markets, both sides and at the marks";

const OF_POSITIONS: &str = "what the wallets that the row defines hold on each side in all coins together, in USD at the marks, at the last minute \
     of the bucket; not_valued are wallets left out because a mark is not known; \
     open, high, low and close are what they hold long over what they hold short, as summed up once a minute; \
     oi_coverage_pct is what all known wallets hold of the open interest of all markets, both sides and at the marks";

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let path = "/api/v1/long-short-ratio";
    vec![
        Endpoint::new(path, get(latest), declared::latest_of(&COURSE, Form::Either(&ROWS))),
        Endpoint::new(format!("{path}/history"), get(history), declared::history_of(&COURSE, Form::Either(&ROWS))),
    ]
}

/// Of holders, and of takers.
static ROWS: [Form; 2] =
    [Form::Shape(MarketRatio::SCHEMA, &SHAPE), Form::Shape("market-taker-ratio", taker_ratio::OF_THE_MARKET.shape)];

async fn latest(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Response, ApiError> {
    let course = of_kind(&mut parameters);
    Ok(course.latest(&context, None, parameters).await?.into_response())
}

async fn history(
    State(context): State<Arc<Context>>,
    Accepted(format): Accepted,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let course = of_kind(&mut parameters);
    course.history(context, format, None, parameters).await
}

fn of_kind(parameters: &mut Parameters) -> &'static Course {
    if parameters.says("kind", taker_ratio::KIND) { &taker_ratio::OF_THE_MARKET } else { &COURSE }
}

fn definition(series: Series) -> &'static str {
    if series.kind.is_of_positions() { OF_POSITIONS } else { OF_ACCOUNTS }
}

pub(crate) static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &[],
    optional: &["cohort", "long_notional", "short_notional"],
    derived: &shares::DERIVED,
    derive: |row| shares::derive(row, who_they_are(row), is_too_large(row)),
};

fn who_they_are(row: &Told) -> String {
    let accounts = row.integer("accounts").unwrap_or_default();
    let held = match (shares::kind(row), shares::cohort(row)) {
        (RatioKind::TopAccounts | RatioKind::TopPositions, _) => format!("{TOP_WALLETS_FROM} USD or more"),
        (_, Some(cohort)) => worth(cohort),
        _ => return format!("all wallets with open positions: {accounts}"),
    };
    format!("the wallets that hold {held} in all coins together, long and short added up: {accounts}")
}

fn is_too_large(row: &Told) -> bool {
    shares::kind(row).is_of_positions() && row.is_null("long_notional")
}
