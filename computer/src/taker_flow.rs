//! `fills` -> `taker-flow`: how much of each coin takers bought and sold, per interval.

use schemas::{Fill, Gap, TakerFlow};

use crate::flow::Flow;
use crate::processor::{Out, Tick};
use crate::windows::{self, Windows};

pub fn fold(coins: &mut Windows<Flow>, fill: &Fill, _: &mut Out<TakerFlow>) {
    if let Some(flow) = Flow::of(fill) {
        windows::add(coins, &fill.coin, fill.time, &flow);
    }
}

pub fn tick(coins: &mut Windows<Flow>, tick: &Tick, out: &mut Out<TakerFlow>) {
    windows::tell(coins, tick, |bucket| {
        let Flow { bought, sold } = bucket.value;
        out.push(TakerFlow {
            coin: bucket.series.clone(),
            interval: bucket.interval,
            time: bucket.start,
            buy_notional: bought.notional,
            sell_notional: sold.notional,
            buy_trades: bought.trades,
            sell_trades: sold.trades,
            ratio: bucket.value.ratio(),
            complete: bucket.complete,
            r#final: bucket.r#final,
            block: tick.block,
            clock: tick.time,
        });
    });
}

pub fn gap(coins: &mut Windows<Flow>, gap: &Gap) {
    windows::gap(coins, gap);
}
