//! `/liquidation-stats` and the live channel `liquidation_stats`: how much of a coin was liquidated, by side and method.

use std::collections::BTreeMap;

use schemas::liquidations::method;
use schemas::table::{Kind, Value};
use schemas::tables::liquidation_stats::TABLE;
use schemas::{Amount, Liquidated, LiquidationStats, Message, Text};
use serde::{Deserialize, Serialize};

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, by_bucket, live_row};
use crate::course::Course;
use crate::filter::SIDES;
use crate::openapi::form::{Form, Object};
use crate::parameters::MAX_LIMIT;
use crate::row::{Field, REASON, Shape, Told};

pub(crate) static COURSE: Course = Course {
    name: "liquidation-stats",
    summaries: [
        "How much of a coin is liquidated now, by side and method",
        "How much of a coin was liquidated over time",
    ],
    shape: &SHAPE,
    schema: LiquidationStats::SCHEMA,
    definition: |_| DEFINITION,
    reason_for_none: |_| "nothing_liquidated_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_stats",
    alias: None,
    topic: LiquidationStats::TOPIC,
    kind: LiquidationStats::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: false,
    tells: Tells::State(by_bucket),
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Shape(LiquidationStats::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

const DEFINITION: &str = "of the victims' legs only, each dollar once, by the time of the order; long and short are the sides that were \
     liquidated; totals and the largest order are without auto-deleveraging, which stands under by_method; where \
     nothing was liquidated there is no bucket";

pub(crate) static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &["long", "short"],
    optional: &[],
    derived: &[
        Field { name: "long_orders", kind: Kind::Integer },
        Field { name: "long_notional", kind: Kind::Decimal },
        Field { name: "short_orders", kind: Kind::Integer },
        Field { name: "short_notional", kind: Kind::Decimal },
        Field { name: "long_by_method", kind: Kind::Json },
        Field { name: "short_by_method", kind: Kind::Json },
        REASON,
    ],
    derive,
};

/// The order of a bucket that closed most.
pub(crate) static LARGEST: Object = Object {
    name: "largest-order",
    fields: &[
        ("wallet", Form::Wallet),
        ("side", Form::Words(&SIDES)),
        ("method", Form::Text),
        ("block", Form::Integer),
        ("time", Form::Integer),
        ("notional", Form::Decimal),
        ("average_px", Form::Decimal),
    ],
    optional: &["average_px"],
};

/// What was liquidated in one way.
pub(crate) static LIQUIDATED: Object = Object {
    name: "liquidated",
    fields: &[("orders", Form::Integer), ("notional", Form::Decimal)],
    optional: &["notional"],
};

fn derive(row: &Told) -> Vec<Value> {
    let [long, short] = SIDES.map(|side| ByMethod::of(row, side));
    let totals = Totals::of(&long, &short);
    let reason = (!totals.are_exact()).then_some("too_large_to_be_exact");
    vec![
        Value::Integer(totals.long_orders.cast_signed()),
        Value::text_or_null(totals.long_notional),
        Value::Integer(totals.short_orders.cast_signed()),
        Value::text_or_null(totals.short_notional),
        row.value("long").clone(),
        row.value("short").clone(),
        Value::text_or_null(reason),
    ]
}

/// What counts as liquidated on each side.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) long_orders: u64,
    pub(crate) long_notional: Option<Amount>,
    pub(crate) short_orders: u64,
    pub(crate) short_notional: Option<Amount>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ByMethod(BTreeMap<Text, Liquidated>);

impl Totals {
    pub(crate) fn of(long: &ByMethod, short: &ByMethod) -> Self {
        let ((long_orders, long_notional), (short_orders, short_notional)) = (long.total(), short.total());
        Self { long_orders, long_notional, short_orders, short_notional }
    }

    pub(crate) fn are_exact(&self) -> bool {
        self.long_notional.is_some() && self.short_notional.is_some()
    }
}

impl ByMethod {
    /// Of a row of this table.
    pub(crate) fn of(row: &Told, side: &str) -> Self {
        row.json(side).unwrap_or_default()
    }

    /// Orders and notional of what counts as liquidated; no notional where it is too large for an exact decimal.
    fn total(&self) -> (u64, Option<Amount>) {
        let counted = self.0.iter().filter(|(method, _)| ***method != *method::ADL).map(|(_, liquidated)| liquidated);
        counted.fold((0, Some(Amount::ZERO)), |(orders, notional), more| {
            (orders + more.orders, Amount::sum(notional, more.notional))
        })
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (method, more) in &other.0 {
            let nothing = Liquidated { orders: 0, notional: Some(Amount::ZERO) };
            let liquidated = self.0.entry(method.clone()).or_insert(nothing);
            liquidated.orders += more.orders;
            liquidated.notional = Amount::sum(liquidated.notional, more.notional);
        }
    }
}
