//! `taker-sums` -> `market-taker-flow`: how much of all perpetuals together takers bought and sold, per interval.

use schemas::{Gap, MarketTakerFlow, TakerSum};

use crate::flow::{Flow, Taken};
use crate::processor::{Out, Tick};
use crate::windows::{self, Windows};

pub fn fold(market: &mut Windows<Flow, ()>, sum: &TakerSum, _: &mut Out<MarketTakerFlow>) {
    let bought = Taken { notional: sum.buy_notional, trades: sum.buy_trades };
    let sold = Taken { notional: sum.sell_notional, trades: sum.sell_trades };
    windows::add(market, &(), sum.time, &Flow { bought, sold });
}

pub fn tick(market: &mut Windows<Flow, ()>, tick: &Tick, out: &mut Out<MarketTakerFlow>) {
    windows::tell(market, tick, |bucket| {
        let Flow { bought, sold } = bucket.value;
        out.push(MarketTakerFlow {
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

pub fn gap(market: &mut Windows<Flow, ()>, gap: &Gap) {
    windows::gap(market, gap);
}
