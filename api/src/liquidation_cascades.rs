//! `/liquidations/cascades` and the live channel `liquidation_cascades`: bursts in which one liquidation follows the other.

use schemas::table::Value;
use schemas::tables::liquidation_cascades::TABLE;
use schemas::{LiquidationCascade, Message};

use crate::channel::{Channel, live_row, raw};
use crate::filter::{Filter, SIDE};
use crate::list::List;
use crate::row::{REASON, Shape, Stored, Told};

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
    topic: LiquidationCascade::TOPIC,
    kind: LiquidationCascade::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: false,
    by_kind: false,
    push_rows: |query, generation, subject| LIST.push_latest(query, generation, subject, IN_A_SNAPSHOT),
    rows: |moment, query| moment.told(query, |row: Stored| raw(&SHAPE.told(row))),
    live: |value| live_row(&SHAPE, value),
};

/// A subscription begins with the latest so many.
const IN_A_SNAPSHOT: u32 = 20;

static SHAPE: Shape =
    Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

fn why_null(cascade: &Told) -> Value {
    let is_exact = !cascade.is_null("notional") && !cascade.is_null("peak_notional");
    if is_exact { Value::Null } else { Value::text("too_large_to_be_exact") }
}
