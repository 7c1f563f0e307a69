//! What dashboards show → under the names that they know, with every value also as a person reads it: what ends in
//! `_display` is for showing and for nothing else.

mod liquidation;
mod long_short_ratio;
mod wallet_distribution;
mod whale_activities;

use schemas::Amount;
use schemas::table::{Kind, Value};

use crate::endpoint::Endpoint;
use crate::row::{Field, Told};
use crate::time_of_day::now;
use crate::{list, shown};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        liquidation::endpoint(),
        long_short_ratio::endpoint(),
        list::of_rows(&whale_activities::LIST),
        wallet_distribution::endpoint(),
    ]
}

const fn display(name: &'static str) -> Field {
    Field { name, kind: Kind::Text }
}

/// A column of a row as it is shown, where it has a value.
fn shown_as(row: &Told, column: &str, show: impl Fn(Amount) -> Option<String>) -> Value {
    Value::text_or_null(row.amount(column).and_then(show))
}

fn age(row: &Told, column: &str) -> Value {
    Value::text_or_null(row.integer(column).map(|time| shown::ago(time, now())))
}
