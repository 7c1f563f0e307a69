//! `/taker-flow` and the live channels `taker_flow` and `market_taker_flow`: what takers bought and sold of each coin, and of
//! all perpetuals together.

use schemas::table::Value;
use schemas::tables::{market_taker_flow, taker_flow};
use schemas::{MarketTakerFlow, Message, TakerFlow};

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, by_bucket, live_row};
use crate::course::Course;
use crate::openapi::form::Form;
use crate::parameters::MAX_LIMIT;
use crate::row::{REASON, Shape, Told};

pub(crate) static OF_COIN: Course = Course {
    name: "taker-flow",
    summaries: ["What takers buy and sell of a coin now", "What takers bought and sold of a coin"],
    shape: &SHAPE_OF_COIN,
    schema: TakerFlow::SCHEMA,
    definition: |_| DEFINITION,
    reason_for_none: |_| "nothing_traded_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

/// Of all perpetuals: spot markets are no part of it.
pub(crate) static OF_THE_MARKET: Course = Course {
    name: "taker-flow",
    summaries: ["What takers buy and sell of all perpetuals now", "What takers bought and sold of all perpetuals"],
    shape: &SHAPE_OF_THE_MARKET,
    schema: MarketTakerFlow::SCHEMA,
    definition: |_| DEFINITION_OF_THE_MARKET,
    reason_for_none: |_| "nothing_traded_yet",
    only: None,
    rows_of_a_page: MAX_LIMIT,
    is_told_as_it_was: false,
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "taker_flow",
    alias: None,
    topic: TakerFlow::TOPIC,
    kind: TakerFlow::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: false,
    tells: Tells::State(by_bucket),
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Shape(TakerFlow::SCHEMA, &SHAPE_OF_COIN),
    live: |value| live_row(&SHAPE_OF_COIN, value),
};

pub(crate) static CHANNEL_OF_THE_MARKET: Channel = Channel {
    name: "market_taker_flow",
    alias: None,
    topic: MarketTakerFlow::TOPIC,
    kind: MarketTakerFlow::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: false,
    tells: Tells::State(by_bucket),
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Shape(MarketTakerFlow::SCHEMA, &SHAPE_OF_THE_MARKET),
    live: |value| live_row(&SHAPE_OF_THE_MARKET, value),
};

const DEFINITION: &str = "price times size of every trade once, by the side of the taker; ratio is bought over sold; what is booked without \
     anybody trading (settlements, dust, vaults that are netted) is no trade; where nothing was traded there is no bucket";

const DEFINITION_OF_THE_MARKET: &str = "price times size of every trade of a perpetual once, all coins together, by the side of the taker; ratio is \
     bought over sold; what is booked without anybody trading is no trade; where nothing was traded there is no bucket";

static SHAPE_OF_COIN: Shape =
    Shape { of: &taker_flow::TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

static SHAPE_OF_THE_MARKET: Shape = Shape { of: &market_taker_flow::TABLE, ..SHAPE_OF_COIN };

fn why_null(flow: &Told) -> Value {
    let is_exact = !flow.is_null("buy_notional") && !flow.is_null("sell_notional");
    match (flow.is_null("ratio"), is_exact) {
        (false, _) => Value::Null,
        (true, true) => Value::text("nothing_sold"),
        (true, false) => Value::text("too_large_to_be_exact"),
    }
}
