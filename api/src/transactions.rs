//! `/transactions` and `/transactions/{id}`: each leg of each trade, as the source told it.

use schemas::table::{Kind, Value};
use schemas::tables::transactions::TABLE;
use schemas::{Fill, Message};

use crate::filter::{Filter, MIN_NOTIONAL};
use crate::identity::{self, ID};
use crate::list::List;
use crate::row::{Field, REASON, Shape, Told};

pub(crate) static LIST: List = List {
    name: "transactions",
    summary: "Each leg of each trade",
    shape: &SHAPE,
    schema: Fill::SCHEMA,
    definition: "a transaction is one wallet's leg of a trade: a trade is two of them, or more; a block stands for its time where \
         the source numbers none; fills that were found later, in archives or of single wallets, stand beside those \
         that came live; legs are kept for three days beside the newest",
    filters: &[
        Filter::Coin,
        Filter::Wallet,
        Filter::Count { name: "oid", code: "INVALID_OID" },
        Filter::Hash,
        Filter::Word { name: "side", code: "INVALID_SIDE", words: &["buy", "sell"] },
        MIN_NOTIONAL,
    ],
    order: &ORDER,
    sorts: &[],
    item: Some("A leg of a trade"),
    as_of: "time",
    whole: None,
};

/// What makes a leg the one it is.
const ORDER: [&str; 4] = ["time", "block", "idx", "wallet"];

static SHAPE: Shape = Shape {
    of: &TABLE,
    hidden: &["idx"],
    optional: &["twap_id", "liquidation_method", "liquidation_mark_px", "liquidated_wallet"],
    derived: &[ID, INDEX, REASON],
    derive: |row| vec![identity::of(row, &ORDER), row.value("idx").clone(), why_null(row)],
};

/// Its place in the block, as the contract calls it; in SQL that is a word of its own.
pub(crate) const INDEX: Field = Field { name: "index", kind: Kind::Integer };

fn why_null(fill: &Told) -> Value {
    let why = [
        ("notional", "too_large_to_be_exact"),
        ("closed_pnl", "not_told_by_the_source"),
        ("fee", "not_told_by_the_source"),
        ("fee_token", "not_told_by_the_source"),
        ("tid", "not_told_by_the_source"),
    ];
    Value::text_or_null(why.into_iter().find(|(column, _)| fill.is_null(column)).map(|(_, why)| why))
}
