//! `/liquidations/cascades` and the live channel `liquidation_cascades`: bursts in which one liquidation follows the other.

use schemas::table::Value;
use schemas::tables::liquidation_cascades::TABLE;
use schemas::{LiquidationCascade, Message};

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, live_row};
use crate::filter::{Filter, SIDE};
use crate::list::List;
use crate::openapi::form::Form;
use crate::row::{REASON, Shape, Told};

pub(crate) static LIST: List = List {
    name: "liquidations/cascades",
    summary: "Bursts in which one liquidation follows the other",
    shape: &SHAPE,
    schema: LiquidationCascade::SCHEMA,
    definition: "orders against one side of a coin with less than ten seconds of event time between one and the next, once five accounts \
         are among them; victims' legs only, without auto-deleveraging; the peak is the second in which most was liquidated; \
         chosen by when they began",
    filters: &[Filter::Coin, SIDE],
    order: &["first_time", "coin", "side", "first_block"],
    sorts: &[],
    item: None,
    as_of: "clock",
    whole: Some("complete"),
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_cascades",
    alias: None,
    topic: LiquidationCascade::TOPIC,
    kind: LiquidationCascade::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::Changes { in_a_snapshot: IN_A_SNAPSHOT },
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &["min_notional", "side"],
    row: Form::Shape(LiquidationCascade::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

/// A subscription begins with the latest so many.
const IN_A_SNAPSHOT: usize = 20;

static SHAPE: Shape =
    Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

fn why_null(cascade: &Told) -> Value {
    let is_exact = !cascade.is_null("notional") && !cascade.is_null("peak_notional");
    if is_exact { Value::Null } else { Value::text("too_large_to_be_exact") }
}
