//! `/positions/history`: what positions were after each block that changed them.

use schemas::table::Value;
use schemas::tables::position_history::TABLE;
use schemas::{Message, Position};

use crate::filter::Filter;
use crate::list::List;
use crate::row::{REASON, Shape, Told};
use crate::transactions::INDEX;

pub(crate) static LIST: List = List {
    name: "positions/history",
    summary: "What positions were after each block that changed them",
    shape: &SHAPE,
    schema: Position::SCHEMA,
    definition: "what a wallet held in a coin after the last fill of each block that changed it, with the flat position that ended it; \
         realised_pnl is of this side since it was opened, fees taken off; rows are kept for seven days beside the newest",
    filters: &[
        Filter::Coin,
        Filter::Wallet,
        Filter::Word { name: "side", code: "INVALID_SIDE", words: &["long", "short", "flat"] },
    ],
    order: &["time", "wallet", "coin", "block", "idx"],
    sorts: &[],
    item: None,
    as_of: "time",
    whole: None,
};

static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &["idx"],
    optional: &[],
    derived: &[INDEX, REASON],
    derive: |row| vec![row.value("idx").clone(), why_null(row)],
};

fn why_null(position: &Told) -> Value {
    let is_flat = position.text("side") == Some("flat");
    match is_flat || !position.is_null("opened_at") {
        true => Value::Null,
        false => Value::text("opened_before_anything_was_seen"),
    }
}
