//! `fills` -> `candles`: at which prices each coin was traded, and how much, per interval.
//!
//! A trade has two legs and counts once: the taker's. What is booked without anybody trading is no trade.

use schemas::{Amount, Candle, Fill, Gap};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::windows::{self, Windows};

/// What was traded in a stretch of time. The first and the last trade are told by block and place, not by who comes
/// first: a late one may be the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Traded {
    first: (u64, u32),
    last: (u64, u32),
    open: Amount,
    high: Amount,
    low: Amount,
    close: Amount,
    /// Each absent when it is too large for an exact decimal.
    size: Option<Amount>,
    notional: Option<Amount>,
    trades: u64,
}

pub fn fold(coins: &mut Windows<Traded>, fill: &Fill, _: &mut Out<Candle>) {
    if fill.is_trade() && fill.crossed {
        windows::add(coins, &fill.coin, fill.time, &Traded::of(fill));
    }
}

pub fn tick(coins: &mut Windows<Traded>, tick: &Tick, out: &mut Out<Candle>) {
    windows::tell(coins, tick, |bucket| {
        let Traded { open, high, low, close, size, notional, trades, .. } = *bucket.value;
        out.push(Candle {
            coin: bucket.series.clone(),
            interval: bucket.interval,
            time: bucket.start,
            open,
            high,
            low,
            close,
            volume: size,
            notional,
            trades,
            complete: bucket.complete,
            r#final: bucket.r#final,
            block: tick.block,
            clock: tick.time,
        });
    });
}

pub fn gap(coins: &mut Windows<Traded>, gap: &Gap) {
    windows::gap(coins, gap);
}

impl Traded {
    fn of(fill: &Fill) -> Self {
        let (place, px) = ((fill.block, fill.index), fill.px);
        let notional = fill.px.times(fill.sz).ok();
        Self {
            first: place,
            last: place,
            open: px,
            high: px,
            low: px,
            close: px,
            size: Some(fill.sz),
            notional,
            trades: 1,
        }
    }
}

impl windows::Value for Traded {
    fn merge(&mut self, other: &Self) {
        if other.first < self.first {
            (self.first, self.open) = (other.first, other.open);
        }
        if other.last > self.last {
            (self.last, self.close) = (other.last, other.close);
        }
        self.high = self.high.max(other.high);
        self.low = self.low.min(other.low);
        (self.size, self.notional) = (Amount::sum(self.size, other.size), Amount::sum(self.notional, other.notional));
        self.trades += other.trades;
    }
}
