//! Who was liquidated in a block: one row for each coin, user and route, in the order in which it happened.

use serde::{Deserialize, Serialize};

use super::push;
use crate::engine::{Engine, MILLISECOND};
use crate::liquidations::{LiquidationOrder, Route};
use crate::markets::MARKETS;
use crate::print;

#[derive(Serialize, Deserialize)]
pub(super) struct OrderRow {
    pub(super) block: u64,
    pub(super) time: i64,
    pub(super) coin: String,
    pub(super) user: String,
    pub(super) side: Side,
    pub(super) route: RouteName,
    pub(super) fills: u32,
    pub(super) size: String,
    pub(super) notional: String,
    pub(super) mark_px: String,
    pub(super) closed_pnl: String,
    pub(super) remaining: String,
}

/// Of the position that was liquidated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Long,
    Short,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RouteName {
    Market,
    Backstop,
    Adl,
}

pub(super) fn orders(engine: &Engine) -> Vec<u8> {
    let mut rows = Vec::new();
    for order in &engine.liquidated {
        push(&mut rows, &row(engine, order));
    }
    rows
}

fn row(engine: &Engine, order: &LiquidationOrder) -> OrderRow {
    let terms = &MARKETS[order.market];
    OrderRow {
        block: engine.block,
        time: engine.time / MILLISECOND,
        coin: terms.coin.to_owned(),
        user: String::from_utf8_lossy(engine.crowd.address(order.wallet)).into_owned(),
        side: if order.long { Side::Long } else { Side::Short },
        route: match order.route {
            Route::Market => RouteName::Market,
            Route::Backstop => RouteName::Backstop,
            Route::Deleveraging => RouteName::Adl,
        },
        fills: order.fills,
        size: print::text(order.amount, terms.amount_decimals()),
        notional: print::text(order.value, terms.value_decimals()),
        mark_px: print::text(order.mark, terms.price_decimals()),
        closed_pnl: print::text(order.closed_pnl, terms.value_decimals()),
        remaining: print::text(order.remaining, terms.amount_decimals()),
    }
}
