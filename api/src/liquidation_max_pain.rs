//! `/liquidation-max-pain`: where most of each coin's open positions would be liquidated, on either side of the mark.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Amount, LiquidationMap, MapSide, Message, PriceRange};
use serde::Serialize;

use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::reply::{Meta, Reply};
use crate::row::Told;
use crate::{Context, coin, liquidation_map, valued_position};

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "Where most of each coin would be liquidated, on either side of the mark",
        description: DEFINITION.to_owned(),
        parameters: vec![Parameter::coin()],
        answer: Answer::Rows(Form::Object(&ROW)),
        examples: &[],
    };
    Endpoint::new("/api/v1/liquidation-max-pain", get(max_pain), operation)
}

static ROW: Object = Object {
    name: "liquidation-max-pain",
    fields: &[
        ("coin", Form::Text),
        ("mark_px", Form::Decimal),
        ("long", Form::Object(&PAIN)),
        ("short", Form::Object(&PAIN)),
        ("complete", Form::Boolean),
        ("clock", Form::Integer),
    ],
    optional: &[],
};

static PAIN: Object = Object {
    name: "most-painful-bin",
    fields: &[
        ("price_low", Form::Decimal),
        ("price_high", Form::Decimal),
        ("notional", Form::Decimal),
        ("distance_pct", Form::Decimal),
    ],
    optional: &[],
};

const DEFINITION: &str = "of the latest liquidation map of each coin, the bin with the most notional among those that a falling mark \
     reaches (long) and among those that a rising one does (short); null where there is none; distance_pct is how far the \
     mark has to move until it is in the bin; the coin with the most notional in its two bins comes first; it is of what \
     is open as of clock, and of no stretch of time";

#[derive(Serialize)]
struct Row {
    coin: String,
    mark_px: Option<Amount>,
    long: Option<Pain>,
    short: Option<Pain>,
    complete: bool,
    clock: Option<i64>,
}

#[derive(Serialize)]
struct Pain {
    #[serde(flatten)]
    bin: PriceRange,
    distance_pct: Option<Amount>,
}

async fn max_pain(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<Row>>, ApiError> {
    let asked = parameters.text("coin")?;
    parameters.nothing_else()?;

    context.live.known_present()?;
    let coin = coin::at_present_if_asked(&context.live, asked.as_deref())?;
    let standing = context.live.standing(&[LiquidationMap::TOPIC]);
    let maps = liquidation_map::latest(&context.live, coin.as_deref());
    let mut rows: Vec<Row> = maps.iter().map(Row::of).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.notional()));

    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(&context, &standing, "liquidation-max-pain/1") };
    meta.reason = rows.is_empty().then(|| standing.reason_for_nothing().unwrap_or("no_open_position_or_no_mark_yet"));
    meta.complete = rows.iter().all(|row| row.complete);
    meta.as_of = rows.iter().filter_map(|row| row.clock).max();
    Ok(Reply { data: rows, meta })
}

impl Row {
    fn of(map: &Told) -> Self {
        let mark_px = map.amount("mark_px");
        let bin = |side| map.json::<MapSide>(side).and_then(|side| side.max_pain);
        Self {
            coin: map.text("coin").unwrap_or_default().to_owned(),
            mark_px,
            long: bin("long").map(|bin| Pain::of(bin, mark_px)),
            short: bin("short").map(|bin| Pain::of(bin, mark_px)),
            complete: map.is_true("complete"),
            clock: map.integer("clock"),
        }
    }

    fn notional(&self) -> Option<Amount> {
        let of = |pain: &Option<Pain>| Some(pain.as_ref().map_or(Amount::ZERO, |pain| pain.bin.notional));
        Amount::sum(of(&self.long), of(&self.short))
    }
}

impl Pain {
    fn of(bin: PriceRange, mark_px: Option<Amount>) -> Self {
        let distance_pct = mark_px.and_then(|mark| {
            let nearest = mark.clamp(bin.price_low, bin.price_high);
            valued_position::percent(nearest.minus(mark).ok()?, mark)
        });
        Self { bin, distance_pct }
    }
}
