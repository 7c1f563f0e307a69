//! `/whale/activities`: what large orders and large transfers did, as a tape shows it.

use schemas::table::Value;

use super::{age, display, shown_as};
use crate::list::List;
use crate::row::{REASON, Shape, Told};
use crate::{shown, whale_activities};

pub(super) static LIST: List = List {
    name: "whale/activities",
    summary: "What large orders and large transfers did, as a tape shows it",
    shape: &SHAPE,
    schema: "shown-whale-activity/1",
    ..whale_activities::LIST
};

static SHAPE: Shape = Shape {
    derived: &[
        display("time_display"),
        display("wallet_display"),
        display("size_display"),
        display("notional_display"),
        display("price_display"),
        REASON,
    ],
    derive,
    ..whale_activities::SHAPE
};

fn derive(row: &Told) -> Vec<Value> {
    let of_what = row.text("coin").or(row.text("token")).unwrap_or_default();
    let how_much = if row.is_null("size") { "amount" } else { "size" };
    let mut shown = vec![
        age(row, "time"),
        Value::text_or_null(row.text("wallet").map(shown::wallet)),
        shown_as(row, how_much, |size| Some(shown::size(size, of_what))),
        shown_as(row, "notional", shown::usd),
        shown_as(row, "average_px", |px| Some(shown::price(px))),
    ];
    shown.extend((whale_activities::SHAPE.derive)(row));
    shown
}
