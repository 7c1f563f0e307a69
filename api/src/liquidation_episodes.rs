//! `/liquidations/episodes`: liquidations of one victim and coin that belong together.

use schemas::liquidations::method;
use schemas::table::Value;
use schemas::tables::liquidation_episodes::{BACKSTOP, DELEVERAGED, TABLE};
use schemas::{LiquidationEpisode, Message};

use crate::filter::{Filter, MIN_NOTIONAL, SIDE};
use crate::liquidations::METHODS;
use crate::list::List;
use crate::query::Query;
use crate::row::{REASON, Shape, Told};

pub(crate) static LIST: List = List {
    name: "liquidations/episodes",
    summary: "Liquidations of one victim that belong together",
    shape: &SHAPE,
    schema: LiquidationEpisode::SCHEMA,
    definition: "orders of one victim, coin and side with less than a minute of event time between them; size and notional \
         are of the victim's leg only and without auto-deleveraging, which stands in adl_size and adl_notional; \
         backstop_notional is the part of notional that the liquidator vault took over; chosen by when they began",
    filters: &[
        Filter::Coin,
        Filter::Wallet,
        SIDE,
        Filter::About { name: "method", code: "INVALID_METHOD", words: &METHODS, push: push_method },
        MIN_NOTIONAL,
        Filter::About { name: "final", code: "INVALID_FINAL", words: &["true", "false"], push: push_final },
    ],
    order: &["first_time", "coin", "wallet", "first_block", "side"],
    sorts: &["notional"],
    item: None,
    as_of: "clock",
    whole: Some("complete"),
};

static SHAPE: Shape =
    Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

fn why_null(episode: &Told) -> Value {
    let is_exact = ["notional", "backstop_notional", "adl_notional"].iter().all(|column| !episode.is_null(column));
    match (is_exact, episode.is_null("average_px")) {
        (false, _) => Value::text("too_large_to_be_exact"),
        (true, true) => Value::text("nothing_but_auto_deleveraging"),
        (true, false) => Value::Null,
    }
}

/// An episode may have orders of several methods. Most have been in the market, and the next ones on the page are soon
/// found; the others say it themselves, and there are few.
fn push_method(query: &mut Query, method: &str) {
    match method {
        method::BACKSTOP => query.push(format_args!(" AND {BACKSTOP}")),
        method::ADL => query.push(format_args!(" AND {DELEVERAGED}")),
        in_the_market => query.push(format_args!(
            " AND EXISTS (SELECT 1 FROM liquidations AS made WHERE made.generation = liquidation_episodes.generation \
             AND made.coin = liquidation_episodes.coin AND made.wallet = liquidation_episodes.wallet \
             AND made.side = liquidation_episodes.side \
             AND made.block BETWEEN liquidation_episodes.first_block AND liquidation_episodes.last_block \
             AND made.method = '{in_the_market}')"
        )),
    };
}

/// Those alone that nothing will change any more; otherwise all.
fn push_final(query: &mut Query, word: &str) {
    if word == "true" {
        query.push(" AND final = ").push_bind(true);
    }
}
