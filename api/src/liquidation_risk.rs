//! `/liquidation-risk`: how much of each coin's open positions a move of the mark would liquidate.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Amount, LiquidationMap, MapBin, MapSide, Message, RISK_DISTANCES, SizeCohort};
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
        summary: "How much of each coin a move of the mark would liquidate",
        description: DEFINITION.to_owned(),
        parameters: vec![
            Parameter::coin(),
            Parameter::words_or("within_pct", &DISTANCES.map(|(name, _)| name), "5"),
            Parameter::words("cohort", &SizeCohort::ALL.map(SizeCohort::name)),
        ],
        answer: Answer::Rows(Form::Object(&ROW)),
        examples: &[],
    };
    Endpoint::new("/api/v1/liquidation-risk", get(risk), operation)
}

static ROW: Object = Object {
    name: "liquidation-risk",
    fields: &[
        ("coin", Form::Text),
        ("mark_px", Form::Decimal),
        ("within_pct", Form::Integer),
        ("cohort", Form::Text),
        ("open_interest_notional", Form::Decimal),
        ("long", Form::Object(&AT_RISK)),
        ("short", Form::Object(&AT_RISK)),
        ("complete", Form::Boolean),
        ("clock", Form::Integer),
    ],
    optional: &["cohort"],
};

static AT_RISK: Object =
    Object { name: "at-risk", fields: &[("at_risk", Form::Decimal), ("at_risk_pct", Form::Decimal)], optional: &[] };

const DEFINITION: &str = "of the latest liquidation map of each coin, what is liquidated when the mark falls (long) or rises (short) by \
     within_pct; at_risk_pct is the share of that side's open interest at the mark; of a size cohort it is the sum of the \
     map's bins that such a move enters, and null there is no share of; the coin with the most at risk comes first; \
     it is of what is open as of clock";

const DISTANCES: [(&str, i64); RISK_DISTANCES.len()] = [("1", 1), ("2", 2), ("5", 5), ("10", 10)];
const DEFAULT_DISTANCE: i64 = 5;

#[derive(Serialize)]
struct Row {
    coin: String,
    mark_px: Option<Amount>,
    within_pct: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<SizeCohort>,
    /// Of one side, at the mark.
    open_interest_notional: Option<Amount>,
    long: AtRisk,
    short: AtRisk,
    complete: bool,
    clock: Option<i64>,
}

#[derive(Serialize)]
struct AtRisk {
    at_risk: Option<Amount>,
    at_risk_pct: Option<Amount>,
}

/// How far the mark is taken to move, and whose positions are counted.
#[derive(Clone, Copy)]
struct Asked {
    within_pct: i64,
    cohort: Option<SizeCohort>,
}

async fn risk(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Reply<Vec<Row>>, ApiError> {
    let coin = parameters.text("coin")?;
    let within_pct = parameters.word("within_pct", "INVALID_DISTANCE", &DISTANCES)?.unwrap_or(DEFAULT_DISTANCE);
    let cohorts = SizeCohort::ALL.map(|cohort| (cohort.name(), cohort));
    let asked = Asked { within_pct, cohort: parameters.word("cohort", "INVALID_COHORT", &cohorts)? };
    parameters.nothing_else()?;

    context.live.known_present()?;
    let coin = coin::at_present_if_asked(&context.live, coin.as_deref())?;
    let standing = context.live.standing(&[LiquidationMap::TOPIC]);
    let maps = liquidation_map::latest(&context.live, coin.as_deref());
    let mut rows: Vec<Row> = maps.iter().map(|map| Row::of(map, asked)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(Amount::sum(row.long.at_risk, row.short.at_risk)));

    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(&context, &standing, "liquidation-risk/1") };
    meta.reason = rows.is_empty().then(|| standing.reason_for_nothing().unwrap_or("no_open_position_or_no_mark_yet"));
    meta.complete = rows.iter().all(|row| row.complete);
    meta.as_of = rows.iter().filter_map(|row| row.clock).max();
    Ok(Reply { data: rows, meta })
}

impl Row {
    fn of(map: &Told, asked: Asked) -> Self {
        let mark_px = map.amount("mark_px");
        let held = mark_px.zip(map.amount("open_interest")).and_then(|(mark, size)| size.times(mark).ok());
        let bins: Vec<MapBin> = map.json("bins").unwrap_or_default();
        let side = |name: &str, is_long: bool| {
            let at_risk = match asked.cohort {
                Some(cohort) => mark_px.and_then(|mark| asked.in_bins(&bins, mark, cohort, is_long)),
                None => map.json::<MapSide>(name).and_then(|side| asked.of_all(&side)),
            };
            let whole = held.filter(|_| asked.cohort.is_none());
            AtRisk {
                at_risk,
                at_risk_pct: at_risk.zip(whole).and_then(|(part, whole)| valued_position::percent(part, whole)),
            }
        };
        Self {
            coin: map.text("coin").unwrap_or_default().to_owned(),
            mark_px,
            within_pct: asked.within_pct,
            cohort: asked.cohort,
            open_interest_notional: held,
            long: side("long", true),
            short: side("short", false),
            complete: map.is_true("complete"),
            clock: map.integer("clock"),
        }
    }
}

impl Asked {
    fn of_all(self, side: &MapSide) -> Option<Amount> {
        let place = RISK_DISTANCES.iter().position(|distance| *distance == self.within_pct)?;
        Some(side.at_risk[place].notional)
    }

    /// Of the bins between the mark and where it would be, the last one in whole.
    fn in_bins(self, bins: &[MapBin], mark: Amount, cohort: SizeCohort, is_long: bool) -> Option<Amount> {
        let far = mark.times(Amount::from(self.within_pct)).and_then(|far| far.over(Amount::from(100))).ok()?;
        let until = if is_long { mark.minus(far) } else { mark.plus(far) }.ok()?;
        let place = SizeCohort::ALL.iter().position(|it| *it == cohort)?;
        let entered = bins.iter().filter(|bin| {
            if is_long {
                bin.price_high > until && bin.price_low <= mark
            } else {
                bin.price_low <= until && bin.price_high > mark
            }
        });
        let side = |bin: &MapBin| if is_long { bin.long.clone() } else { bin.short.clone() };
        entered.filter_map(side).map(|binned| Some(binned.cohorts[place])).fold(Some(Amount::ZERO), Amount::sum)
    }
}
