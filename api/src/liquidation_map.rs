//! `/liquidation-map` and the live channel `liquidation_map`: what would be liquidated of a coin, at which price.

use schemas::table::{Kind, Value};
use schemas::tables::liquidation_map::TABLE;
use schemas::{Amount, LiquidationMap, MAP_INTERVAL, Message};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::channel::{Channel, HOUR, Key, LiveRow, Subject, Tells, by_bucket, live_row};
use crate::course::Course;
use crate::live::Live;
use crate::openapi::form::{Form, Object};
use crate::ratio_series::Series;
use crate::row::{Field, REASON, Shape, Told};

pub(crate) static COURSE: Course = Course {
    name: "liquidation-map",
    summaries: [
        "What would be liquidated of a coin, at which price",
        "How the map of a coin was each quarter of an hour",
    ],
    shape: &SHAPE,
    schema: LiquidationMap::SCHEMA,
    definition: |_| DEFINITION,
    reason_for_none: |_| "no_open_position_or_no_mark_yet",
    only: Some(MAP_INTERVAL),
    rows_of_a_page: ROWS_OF_A_PAGE,
    is_told_as_it_was: true,
};

/// A map is as long as a page of other rows.
const ROWS_OF_A_PAGE: usize = 200;

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_map",
    alias: None,
    topic: LiquidationMap::TOPIC,
    kind: LiquidationMap::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::State(by_bucket),
    reaches_back: HOUR,
    filters: &[],
    row: Form::Shape(LiquidationMap::SCHEMA, &SHAPE),
    live: |value| Ok(LiveRow { interval: None, ..live_row(&SHAPE, value)? }),
};

/// The latest map of the coin, or of each one.
pub(crate) fn latest(live: &Live, coin: Option<&str>) -> Vec<Told> {
    let key = coin.map_or(Key::All, |coin| Key::Coin(coin.to_owned()));
    live.rows(&SHAPE, &Subject { channel: CHANNEL.name, key, interval: None, series: Series::default() })
}

const DEFINITION: &str = "open positions as of clock, in bins of their liquidation prices, as sizes at the mark; by_basis: \
     account follows the exchange's formula on the account as it was told within the hour, carried the same as fills have \
     changed it since, without what funding has cost, exchange is its own price of an account whose margin is pooled; \
     assumed is an estimate: of a known account of which money, blocks or the margin of a new position were not told \
     since, by the formula, of any other as if half of the highest leverage had been chosen with a margin of its own; \
     unknown has no price yet; exact is the part of a bin that is not assumed; leverage up to 5, 10, \
     20 and above, cohorts from 0, 1,000, 10,000, 100,000, 1,000,000 and 10,000,000 USDC on; long_cumulative \
     is what a falling mark liquidates from where it is down to a bin and in it, null above the mark, short_cumulative what a \
     rising one does up to a bin, null below it; at_risk within 1, 2, 5 and 10 % of the mark; beyond lies outside of half the \
     mark around it; max_pain is the bin with the most, nearest_cluster the nearest bins in a row with a twentieth each; \
     oi_coverage_pct is how much of the open interest the positions of that side are whose basis is not unknown";

static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &["bins"],
    optional: &[],
    // From the lowest price up; the reason is about what is null and not on the other side of the mark.
    derived: &[Field { name: "bins", kind: Kind::Json }, REASON],
    derive,
};

/// All positions of one side.
pub(crate) static SIDE: Object = Object {
    name: "liquidation-map-side",
    fields: &[
        ("positions", Form::Integer),
        ("size", Form::Decimal),
        ("notional", Form::Decimal),
        ("oi_coverage_pct", Form::Decimal),
        ("by_basis", Form::Map(&Form::Object(&HELD))),
        ("never", Form::Object(&HELD)),
        ("beyond", Form::Object(&HELD)),
        ("at_risk", Form::List(&Form::Object(&HELD))),
        ("max_pain", Form::Object(&PRICE_RANGE)),
        ("nearest_cluster", Form::Object(&PRICE_RANGE)),
    ],
    optional: &["oi_coverage_pct", "max_pain", "nearest_cluster"],
};

static HELD: Object =
    Object { name: "held", fields: &[("positions", Form::Integer), ("notional", Form::Decimal)], optional: &[] };

static PRICE_RANGE: Object = Object {
    name: "price-range",
    fields: &[("price_low", Form::Decimal), ("price_high", Form::Decimal), ("notional", Form::Decimal)],
    optional: &[],
};

/// What would be liquidated between two prices.
pub(crate) static BIN: Object = Object {
    name: "liquidation-map-bin",
    fields: &[
        ("price_low", Form::Decimal),
        ("price_high", Form::Decimal),
        ("long", Form::Object(&BINNED)),
        ("short", Form::Object(&BINNED)),
        ("long_cumulative", Form::Decimal),
        ("short_cumulative", Form::Decimal),
    ],
    optional: &[],
};

static BINNED: Object = Object {
    name: "binned",
    fields: &[
        ("positions", Form::Integer),
        ("notional", Form::Decimal),
        ("exact", Form::Decimal),
        ("leverage", Form::List(&Form::Decimal)),
        ("cohorts", Form::List(&Form::Decimal)),
    ],
    optional: &[],
};

/// What is in it is told as it is stored.
#[derive(Serialize, Deserialize)]
struct Bin<'a> {
    price_low: Amount,
    price_high: Amount,
    #[serde(borrow)]
    long: Option<&'a RawValue>,
    #[serde(borrow)]
    short: Option<&'a RawValue>,
    /// What of each side is liquidated until the mark has gone through this bin; absent where it does not come on its way.
    #[serde(default)]
    long_cumulative: Option<Amount>,
    #[serde(default)]
    short_cumulative: Option<Amount>,
}

fn derive(map: &Told) -> Vec<Value> {
    let mark = map.amount("mark_px").unwrap_or_default();
    let mut bins: Vec<Bin<'_>> = map.text("bins").and_then(|bins| serde_json::from_str(bins).ok()).unwrap_or_default();
    let is_exact = add_up(&mut bins, mark);
    let told = serde_json::to_string(&bins).ok();
    vec![Value::text_or_null(told), Value::text_or_null((!is_exact).then_some("too_large_to_be_exact"))]
}

/// From the mark down and from it up; whether all of it is exact.
fn add_up(bins: &mut [Bin<'_>], mark: Amount) -> bool {
    let mut is_exact = true;
    let (mut longs, mut shorts) = (Some(Amount::ZERO), Some(Amount::ZERO));
    for bin in bins.iter_mut().rev().filter(|bin| bin.price_low <= mark) {
        longs = Amount::sum(longs, notional(bin.long));
        bin.long_cumulative = longs;
        is_exact &= longs.is_some();
    }
    for bin in bins.iter_mut().filter(|bin| bin.price_high > mark) {
        shorts = Amount::sum(shorts, notional(bin.short));
        bin.short_cumulative = shorts;
        is_exact &= shorts.is_some();
    }
    is_exact
}

fn notional(side: Option<&RawValue>) -> Option<Amount> {
    let Some(side) = side else { return Some(Amount::ZERO) };
    serde_json::from_str::<Notional>(side.get()).ok().map(|side| side.notional)
}

/// What of a side of a bin is added up.
#[derive(Deserialize)]
struct Notional {
    notional: Amount,
}
