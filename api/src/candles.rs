//! `/candles` and the live channel `candles`: at which prices each coin was traded, and how much.

use schemas::table::Value;
use schemas::tables::candles::TABLE;
use schemas::{Candle, Message};

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, by_bucket, live_row};
use crate::course::Course;
use crate::openapi::form::Form;
use crate::parameters::MAX_LIMIT;
use crate::row::{REASON, Shape, Told};

pub(crate) static COURSE: Course = Course {
    name: "candles",
    summaries: ["The running candle of a coin", "The candles of a coin"],
    shape: &SHAPE,
    schema: Candle::SCHEMA,
    definition: |_| DEFINITION,
    reason_for_none: |_| "nothing_traded_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "candles",
    alias: None,
    topic: Candle::TOPIC,
    kind: Candle::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: false,
    tells: Tells::State(by_bucket),
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Shape(Candle::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

const DEFINITION: &str = "of every trade once, by the time of its block; volume is in the coin, notional is price times size; what is \
     booked without anybody trading (settlements, dust, vaults that are netted) is no trade; where nothing was traded there is no bucket";

static SHAPE: Shape =
    Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

fn why_null(candle: &Told) -> Value {
    let is_exact = !candle.is_null("volume") && !candle.is_null("notional");
    if is_exact { Value::Null } else { Value::text("too_large_to_be_exact") }
}
