//! `/liquidations` and the live channel `liquidations`: what was closed by force, order by order.

use schemas::table::Value;
use schemas::tables::liquidations::TABLE;
use schemas::{LiquidationOrder, Message};

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, live_row};
use crate::filter::{Filter, MIN_NOTIONAL, SIDE};
use crate::identity::{self, ID};
use crate::list::List;
use crate::openapi::form::Form;
use crate::row::{REASON, Shape, Told};

pub(crate) static LIST: List = List {
    name: "liquidations",
    summary: "What was closed by force, order by order",
    shape: &SHAPE,
    schema: LiquidationOrder::SCHEMA,
    definition: "a fill counts when the exchange marked it as a liquidation and its user is the liquidated one: \
         the victim's leg only, each dollar once; an order is what one block closed of a victim's position in one way; \
         auto-deleveraging is listed with method adl and is in no liquidation volume",
    filters: &[
        Filter::Coin,
        Filter::Wallet,
        SIDE,
        Filter::Word { name: "method", code: "INVALID_METHOD", words: &METHODS },
        MIN_NOTIONAL,
    ],
    order: &ORDER,
    sorts: &["notional"],
    item: Some("What one block closed by force of a position"),
    as_of: "time",
    whole: None,
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidations",
    alias: None,
    topic: LiquidationOrder::TOPIC,
    kind: LiquidationOrder::KIND,
    by_wallet: true,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::Events { in_a_snapshot: IN_A_SNAPSHOT },
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &["min_notional", "side", "wallet", "method"],
    row: Form::Shape(LiquidationOrder::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

/// What makes an order the one it is.
const ORDER: [&str; 5] = ["time", "coin", "wallet", "block", "method"];

/// The ways in which the exchange liquidates.
pub(crate) const METHODS: [&str; 3] = ["market", "backstop", "adl"];

/// A subscription begins with the latest so many orders.
const IN_A_SNAPSHOT: usize = 50;

static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &[],
    optional: &[],
    derived: &[ID, REASON],
    derive: |row| vec![identity::of(row, &ORDER), why_null(row)],
};

fn why_null(order: &Told) -> Value {
    let is_exact = !order.is_null("notional") && !order.is_null("average_px");
    if is_exact { Value::Null } else { Value::text("too_large_to_be_exact") }
}
