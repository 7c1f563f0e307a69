//! `/long-short-ratio` of `kind` `taker`: of what was traded of a coin, or of all perpetuals together, how much takers bought
//! and how much they sold.

use schemas::table::{Kind, Value};
use schemas::tables::{market_taker_flow, taker_flow};
use schemas::{Amount, MarketTakerFlow, Message, TakerFlow};

use crate::course::Course;
use crate::parameters::MAX_LIMIT;
use crate::row::{Field, REASON, Shape, Told};

/// How it is asked for.
pub(crate) const KIND: &str = "taker";

pub(crate) static OF_COIN: Course = Course {
    name: "long-short-ratio",
    summaries: ["What takers buy of a coin over what they sell", "What takers bought of a coin over what they sold"],
    shape: &SHAPE_OF_COIN,
    schema: TakerFlow::SCHEMA,
    definition: |_| DEFINITION,
    reason_for_none: |_| "nothing_traded_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

pub(crate) static OF_THE_MARKET: Course = Course {
    name: "long-short-ratio",
    summaries: [
        "What takers buy over what they sell, of all perpetuals",
        "What takers bought over what they sold, of all perpetuals",
    ],
    shape: &SHAPE_OF_THE_MARKET,
    schema: MarketTakerFlow::SCHEMA,
    definition: |_| DEFINITION,
    reason_for_none: |_| "nothing_traded_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

const DEFINITION: &str = "price times size of every trade of the bucket, by the side of the taker: long is what takers bought, short what they \
     sold; of the moments within a bucket nothing is kept, so there is no open, high, low or close; where nothing was traded \
     there is no bucket";

static SHAPE_OF_COIN: Shape = Shape {
    of: &taker_flow::TABLE,
    hidden: &["ratio"],
    optional: &[],
    derived: &[
        Field { name: "kind", kind: Kind::Text },
        Field { name: "definition", kind: Kind::Text },
        Field { name: "long_ratio", kind: Kind::Decimal },
        Field { name: "short_ratio", kind: Kind::Decimal },
        Field { name: "long_short_ratio", kind: Kind::Decimal },
        REASON,
    ],
    derive,
};

static SHAPE_OF_THE_MARKET: Shape = Shape { of: &market_taker_flow::TABLE, ..SHAPE_OF_COIN };

fn derive(flow: &Told) -> Vec<Value> {
    let (bought, sold) = (flow.amount("buy_notional"), flow.amount("sell_notional"));
    let all = bought.zip(sold).and_then(|(bought, sold)| bought.plus(sold).ok());
    let share = |part: Option<Amount>| part.zip(all).and_then(|(part, all)| part.over(all).ok());
    let (long, short) = (share(bought), share(sold));
    let reason = match (long, flow.is_null("ratio")) {
        (Some(_), false) => None,
        (Some(_), true) => Some("nothing_sold"),
        (None, _) => Some("too_large_to_be_exact"),
    };
    let of = flow.text("coin").unwrap_or("all perpetuals");
    let trades = ["buy_trades", "sell_trades"].into_iter().filter_map(|column| flow.integer(column)).sum::<i64>();
    vec![
        Value::text(KIND),
        Value::text(format!("what takers bought and sold of {of}: {trades} trades")),
        Value::text_or_null(long),
        Value::text_or_null(short),
        flow.value("ratio").clone(),
        Value::text_or_null(reason),
    ]
}
