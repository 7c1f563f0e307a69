//! `/long-short-ratio` and the live channel `long_short_ratio`: how many accounts stand on each side of a coin, of all, of
//! those with the largest positions or of those of a size, or how much they hold. What takers traded is told here as well.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::tables::long_short_ratios::TABLE;
use schemas::{LongShortRatio, Message, RatioKind, SizeCohort};

use crate::Context;
use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, by_bucket, live_row};
use crate::coin::AskedCoin;
use crate::course::Course;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::Accepted;
use crate::openapi::declared;
use crate::openapi::form::Form;
use crate::parameters::{MAX_LIMIT, Parameters};
use crate::ratio_series::Series;
use crate::row::{Shape, Told};
use crate::{shares, taker_ratio};

pub(crate) static CHANNEL: Channel = Channel {
    name: "long_short_ratio",
    alias: None,
    topic: LongShortRatio::TOPIC,
    kind: LongShortRatio::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: true,
    tells: Tells::State(by_bucket),
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Shape(LongShortRatio::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

pub(crate) static COURSE: Course = Course {
    name: "long-short-ratio",
    summaries: ["How long and short stand in a coin", "How long and short stood in a coin"],
    shape: &SHAPE,
    schema: LongShortRatio::SCHEMA,
    definition,
    reason_for_none,
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: true,
};

const DEFINITION: &str = "accounts with an open position in the coin, of those that have traded it since `coverage.since_time`, each once, \
     at the bucket's end; \
     open, high, low and close are long accounts over short accounts within the bucket; \
     oi_coverage_pct is what all known accounts hold of the coin's open interest, of both sides, at the bucket's end";

const OF_ACCOUNTS: &str = "accounts of the cohort that the row defines, each once, at the bucket's end; the cohort is fixed at the beginning of each hour, \
     of the accounts that have traded the coin since `coverage.since_time`; \
     open, high, low and close are long accounts over short accounts within the bucket; \
     oi_coverage_pct is what all known accounts hold of the coin's open interest, of both sides, at the bucket's end";

const OF_POSITIONS: &str = "what the accounts of the cohort that the row defines hold, at the bucket's end; the cohort is fixed at the beginning of each hour, \
     of the accounts that have traded the coin since `coverage.since_time`; \
     open, high, low and close are the long size over the short size within the bucket, and so what they are worth; \
     oi_coverage_pct is what all known accounts hold of the coin's open interest, of both sides, at the bucket's end";

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let path = "/api/v1/long-short-ratio/{coin}";
    vec![
        Endpoint::new(path, get(latest), declared::latest_of(&COURSE, Form::Either(&ROWS))),
        Endpoint::new(format!("{path}/history"), get(history), declared::history_of(&COURSE, Form::Either(&ROWS))),
    ]
}

/// Of holders, and of takers.
static ROWS: [Form; 2] =
    [Form::Shape(LongShortRatio::SCHEMA, &SHAPE), Form::Shape("taker-ratio", taker_ratio::OF_COIN.shape)];

async fn latest(
    State(context): State<Arc<Context>>,
    AskedCoin(coin): AskedCoin,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let course = of_kind(&mut parameters);
    Ok(course.latest(&context, Some(&coin), parameters).await?.into_response())
}

async fn history(
    State(context): State<Arc<Context>>,
    AskedCoin(coin): AskedCoin,
    Accepted(format): Accepted,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let course = of_kind(&mut parameters);
    course.history(context, format, Some(&coin), parameters).await
}

fn of_kind(parameters: &mut Parameters) -> &'static Course {
    if parameters.says("kind", taker_ratio::KIND) { &taker_ratio::OF_COIN } else { &COURSE }
}

fn definition(series: Series) -> &'static str {
    match series.kind {
        RatioKind::Accounts => DEFINITION,
        kind if kind.is_of_positions() => OF_POSITIONS,
        _ => OF_ACCOUNTS,
    }
}

/// The first hour has no cohorts, and a cohort may never have had anybody.
fn reason_for_none(series: Series) -> &'static str {
    if series.kind == RatioKind::Accounts { "nothing_traded_yet" } else { "nobody_in_the_cohort_yet" }
}

pub(crate) static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &[],
    optional: &["cohort", "of_accounts", "long_size", "short_size"],
    derived: &shares::DERIVED,
    derive: |row| shares::derive(row, who_they_are(row), is_too_large(row)),
};

fn who_they_are(row: &Told) -> String {
    let coin = row.text("coin").unwrap_or_default();
    let [accounts, of_accounts] = ["accounts", "of_accounts"].map(|column| row.integer(column).unwrap_or_default());
    match (shares::kind(row), shares::cohort(row)) {
        (RatioKind::TopAccounts | RatioKind::TopPositions, _) => format!(
            "the 20 % of the accounts with the largest positions in {coin} when the hour began: {accounts} of {of_accounts}"
        ),
        (_, Some(cohort)) => format!(
            "the accounts with positions in {coin} worth {} when the hour began: {accounts} of {of_accounts}",
            worth(cohort)
        ),
        _ => format!("all accounts with a position in {coin}: {accounts}"),
    }
}

/// Of positions of somebody nothing can be told.
fn is_too_large(row: &Told) -> bool {
    let accounts = ["long_accounts", "short_accounts"].into_iter().filter_map(|column| row.integer(column));
    shares::kind(row).is_of_positions() && accounts.sum::<i64>() > 0
}

/// What the positions of a cohort are worth.
pub(crate) fn worth(cohort: SizeCohort) -> String {
    let next = SizeCohort::ALL.into_iter().find(|next| *next > cohort);
    match next {
        Some(next) => format!("from {} to below {} USD", cohort.lowest(), next.lowest()),
        None => format!("{} USD or more", cohort.lowest()),
    }
}
