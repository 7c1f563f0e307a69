//! `/liquidations/summary`: what was liquidated within the last hour, four, twelve and twenty-four, of one coin or of all.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Interval, LargestOrder, LiquidationStats, Message};
use serde::Serialize;

use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::liquidation_stats::{ByMethod, LARGEST, LIQUIDATED, SHAPE, Totals};
use crate::openapi::form::{Form, Object, joined};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::row::{Stored, Told};
use crate::{Context, coin, standing};

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "What was liquidated within 1, 4, 12 and 24 hours",
        description: DEFINITION.to_owned(),
        parameters: vec![Parameter::coin()],
        answer: Answer::Rows(Form::Object(&SUMMARY)),
        examples: &[],
    };
    Endpoint::new("/api/v1/liquidations/summary", get(summary), operation)
}

static SUMMARY: Object = Object {
    name: "liquidation-summary",
    fields: &[
        ("window", Form::Text),
        ("start_time", Form::Integer),
        ("end_time", Form::Integer),
        ("coin", Form::Text),
        ("long_orders", Form::Integer),
        ("long_notional", Form::Decimal),
        ("short_orders", Form::Integer),
        ("short_notional", Form::Decimal),
        ("long_by_method", Form::Map(&Form::Object(&LIQUIDATED))),
        ("short_by_method", Form::Map(&Form::Object(&LIQUIDATED))),
        ("largest", Form::Object(&LARGEST_OF_ALL)),
        ("complete", Form::Boolean),
        ("reason", Form::Text),
    ],
    optional: &[],
};

static LARGEST_OF_ALL: Object = Object {
    name: "largest-order-of-a-coin",
    fields: &joined::<8>(&[&[("coin", Form::Text)], LARGEST.fields]),
    optional: &["average_px"],
};

const DEFINITION: &str = "of the whole minutes that end with the running one, by the time of the order, victims' legs only; totals and the \
     largest order are without auto-deleveraging, which stands under by_method";

const WINDOWS: [(&str, i64); 4] = [("1h", 1), ("4h", 4), ("12h", 12), ("24h", 24)];
const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// One window.
#[derive(Serialize)]
struct SummaryRow {
    window: &'static str,
    start_time: i64,
    end_time: i64,
    /// Null when it is of all coins.
    coin: Option<String>,
    #[serde(flatten)]
    totals: Totals,
    long_by_method: ByMethod,
    short_by_method: ByMethod,
    largest: Option<LargestOfAll>,
    /// No block of it is missing, and what was before the first one is not part of it.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Clone, Serialize)]
struct LargestOfAll {
    coin: String,
    #[serde(flatten)]
    order: LargestOrder,
}

async fn summary(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<SummaryRow>>, ApiError> {
    let asked = parameters.text("coin")?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let coin = coin::known_if_asked(&mut moment, context.generation, asked.as_deref()).await?;
    let standing = standing::of(&mut moment, context.generation, &[LiquidationStats::TOPIC]).await?;
    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(&context, &standing, "liquidation-summary/1") };
    let Some(clock) = standing.clock() else {
        meta.reason = standing.reason_for_nothing();
        return Ok(Reply { data: Vec::new(), meta });
    };
    let end = clock.time - clock.time.rem_euclid(MINUTE) + MINUTE;
    let stored: Vec<Stored> = moment.all(minutes(context.generation, coin.as_deref(), end)).await?;
    let minutes: Vec<Told> = stored.into_iter().map(|row| SHAPE.told(row)).collect();
    let rows: Vec<SummaryRow> = WINDOWS
        .into_iter()
        .map(|(window, hours)| {
            let start = end - hours * HOUR;
            let of_window = minutes.iter().filter(|minute| minute.integer("time") >= Some(start));
            sum_up(window, (start, end), coin.clone(), of_window, start >= clock.since_time)
        })
        .collect();
    meta.as_of = Some(clock.time);
    meta.complete = rows.iter().all(|row| row.complete);
    Ok(Reply { data: rows, meta })
}

/// The minutes of the longest window, one row per coin and minute.
fn minutes(generation: u32, coin: Option<&str>, end: i64) -> Query {
    let (_, longest) = WINDOWS[WINDOWS.len() - 1];
    let mut query = Query::new(format_args!("SELECT {} FROM {} AS bucket", SHAPE.columns("bucket"), SHAPE.of.name));
    query.push(" WHERE bucket.generation = ").push_bind(generation);
    query.push(" AND bucket.interval = ").push_bind(Interval::OneMinute.name());
    query.push(" AND bucket.time >= ").push_bind(end - longest * HOUR);
    query.push(" AND bucket.time < ").push_bind(end);
    if let Some(coin) = coin {
        query.push(" AND bucket.coin = ").push_bind(coin);
    }
    query
}

fn sum_up<'a>(
    window: &'static str,
    (start_time, end_time): (i64, i64),
    coin: Option<String>,
    minutes: impl Iterator<Item = &'a Told>,
    is_known: bool,
) -> SummaryRow {
    let (mut long, mut short) = (ByMethod::default(), ByMethod::default());
    let (mut largest, mut complete) = (None::<LargestOfAll>, is_known);
    for minute in minutes {
        long.add(&ByMethod::of(minute, "long"));
        short.add(&ByMethod::of(minute, "short"));
        complete &= minute.is_true("complete");
        if let Some(order) = minute.json::<LargestOrder>("largest")
            && largest.as_ref().is_none_or(|largest| order.notional > largest.order.notional)
        {
            largest = Some(LargestOfAll { coin: minute.text("coin").unwrap_or_default().to_owned(), order });
        }
    }
    let totals = Totals::of(&long, &short);
    let reason = match (is_known, totals.are_exact()) {
        (_, false) => Some("too_large_to_be_exact"),
        (false, true) => Some("began_within_the_window"),
        (true, true) => None,
    };
    SummaryRow {
        window,
        start_time,
        end_time,
        coin,
        totals,
        long_by_method: long,
        short_by_method: short,
        largest,
        complete,
        reason,
    }
}
