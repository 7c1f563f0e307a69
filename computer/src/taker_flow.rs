//! `fills` -> `taker-flow`: how much of each coin takers bought and sold, per interval.
//!
//! Of each trade the taker's leg alone, with its side: both legs together are as much bought as sold.

use schemas::{Amount, Fill, Gap, Side, TakerFlow};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::windows::{self, Windows};

/// What takers did in a stretch of time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Flow {
    bought: Taken,
    sold: Taken,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Taken {
    /// Absent when it is too large for an exact decimal.
    notional: Option<Amount>,
    trades: u64,
}

pub fn fold(coins: &mut Windows<Flow>, fill: &Fill, _: &mut Out<TakerFlow>) {
    if fill.is_trade() && fill.crossed {
        windows::add(coins, &fill.coin, fill.time, &Flow::of(fill));
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
            ratio: bought.notional.zip(sold.notional).and_then(|(bought, sold)| bought.over(sold).ok()),
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

impl Flow {
    fn of(fill: &Fill) -> Self {
        let nothing = Taken { notional: Some(Amount::ZERO), trades: 0 };
        let taken = Taken { notional: fill.px.times(fill.sz).ok(), trades: 1 };
        match fill.side {
            Side::Buy => Self { bought: taken, sold: nothing },
            Side::Sell => Self { bought: nothing, sold: taken },
        }
    }
}

impl windows::Value for Flow {
    fn merge(&mut self, other: &Self) {
        self.bought.add(other.bought);
        self.sold.add(other.sold);
    }
}

impl Taken {
    fn add(&mut self, other: Self) {
        self.notional = Amount::sum(self.notional, other.notional);
        self.trades += other.trades;
    }
}
