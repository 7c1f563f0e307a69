//! `fills` -> `taker-sums`: how much of all perpetuals of this task takers bought and sold, once a second, by minutes.

use schemas::{Coin, Fill, Gap, Interval, MarketKind, TakerSum};
use serde::{Deserialize, Serialize};

use crate::flow::Flow;
use crate::processor::{Out, Tick};
use crate::table::Table;
use crate::windows::Value as _;

/// What was not told yet, by the beginnings of minutes.
pub type Minutes = Table<i64, Untold>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Untold {
    first_coin: Option<Coin>,
    flow: Flow,
}

const TOLD_EVERY_MS: i64 = 1_000;

pub fn fold(minutes: &mut Minutes, fill: &Fill, _: &mut Out<TakerSum>) {
    let (MarketKind::Perp, Some(flow)) = (fill.coin.kind(), Flow::of(fill)) else { return };
    let untold = minutes.change(&Interval::OneMinute.bucket(fill.time));
    untold.first_coin.get_or_insert_with(|| fill.coin.clone());
    untold.flow.merge(&flow);
}

pub fn tick(minutes: &mut Minutes, tick: &Tick, out: &mut Out<TakerSum>) {
    if !tick.crosses(TOLD_EVERY_MS) {
        return;
    }
    for time in minutes.keys() {
        let Some(Untold { first_coin: Some(first_coin), flow }) = minutes.remove(&time) else { continue };
        out.push(TakerSum {
            time,
            first_coin,
            buy_notional: flow.bought.notional,
            sell_notional: flow.sold.notional,
            buy_trades: flow.bought.trades,
            sell_trades: flow.sold.trades,
            block: tick.block,
            clock: tick.time,
        });
    }
}

/// What was missed in a hole is in no sum.
pub fn gap(_: &mut Minutes, _: &Gap) {}
