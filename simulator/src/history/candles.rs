//! Candles of every coin: trades go in, open, high, low, close and volume of each interval come out.

use std::collections::VecDeque;

use serde::Serialize;

use super::intervals::{INTERVALS, Interval};
use crate::markets::{MARKETS, Market};
use crate::pairs::Leg;
use crate::print;

/// Of each market and interval the newest ones.
pub(crate) struct Candles(Vec<[VecDeque<Candle>; INTERVALS.len()]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candle {
    begin: i64,
    open: i64,
    close: i64,
    high: i64,
    low: i64,
    amount: i64,
    trades: u64,
}

/// As the exchange writes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Printed {
    #[serde(rename = "t")]
    begin: i64,
    #[serde(rename = "T")]
    end: i64,
    #[serde(rename = "s")]
    coin: &'static str,
    #[serde(rename = "i")]
    interval: &'static str,
    #[serde(rename = "o")]
    open: String,
    #[serde(rename = "c")]
    close: String,
    #[serde(rename = "h")]
    high: String,
    #[serde(rename = "l")]
    low: String,
    #[serde(rename = "v")]
    volume: String,
    #[serde(rename = "n")]
    trades: u64,
}

const MOST: usize = 5_000;

impl Candles {
    pub(crate) fn trade(&mut self, leg: &Leg<'_>) {
        let Some(place) = MARKETS.iter().position(|market| market.coin == leg.coin) else { return };
        let price = print::units(leg.px, MARKETS[place].price_decimals());
        let amount = print::units(leg.sz, MARKETS[place].amount_decimals());
        for (interval, candles) in Interval::all().zip(&mut self.0[place]) {
            let begin = interval.begin(leg.time);
            match candles.back_mut().filter(|candle| candle.begin == begin) {
                Some(candle) => candle.add(price, amount),
                None => push(candles, Candle::first(begin, price, amount)),
            }
        }
    }

    /// The candles that lie in a stretch of time or reach into it, the oldest first.
    pub(crate) fn between(&self, market: usize, interval: Interval, start: i64, end: i64) -> Vec<Printed> {
        let candles = self.0[market][interval.place()].iter();
        let asked_for = candles.filter(|candle| interval.end(candle.begin) >= start && candle.begin <= end);
        asked_for.map(|candle| candle.printed(&MARKETS[market], interval)).collect()
    }
}

impl Default for Candles {
    fn default() -> Self {
        Self(MARKETS.iter().map(|_| Default::default()).collect())
    }
}

fn push(candles: &mut VecDeque<Candle>, candle: Candle) {
    if candles.len() == MOST {
        candles.pop_front();
    }
    candles.push_back(candle);
}

impl Candle {
    fn first(begin: i64, price: i64, amount: i64) -> Self {
        Self { begin, open: price, close: price, high: price, low: price, amount, trades: 1 }
    }

    fn add(&mut self, price: i64, amount: i64) {
        self.close = price;
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.amount += amount;
        self.trades += 1;
    }

    fn printed(&self, market: &Market, interval: Interval) -> Printed {
        let price = |price| print::text(price, market.price_decimals());
        Printed {
            begin: self.begin,
            end: interval.end(self.begin),
            coin: market.coin,
            interval: interval.name(),
            open: price(self.open),
            close: price(self.close),
            high: price(self.high),
            low: price(self.low),
            volume: print::text(self.amount, market.amount_decimals()),
            trades: self.trades,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: i64 = 60_000;
    const BTC: usize = 0;
    const SOL: usize = 2;

    /// 2026-06-28T08:41:40Z
    const TIME: i64 = 1_782_636_100_000;

    fn candles(trades: &[(i64, &str, &str)]) -> Candles {
        let mut candles = Candles::default();
        for (after, px, sz) in trades {
            candles.trade(&Leg { coin: "SOL", px, sz, time: TIME + after, ..Leg::default() });
        }
        candles
    }

    fn named(name: &str) -> Interval {
        Interval::try_from(name.to_owned()).unwrap()
    }

    #[test]
    fn a_candle_is_written_as_it_was_recorded() {
        let candles = candles(&[(0, "72.5", "1.5"), (5_000, "73.0", "0.25"), (9_000, "72.153", "2.0")]);
        let told = candles.between(SOL, named("1h"), TIME, TIME);
        let expected = concat!(
            r#"[{"t":1782633600000,"T":1782637199999,"s":"SOL","i":"1h","o":"72.5","c":"72.153","h":"73.0","l":"72.153","#,
            r#""v":"3.75","n":3}]"#
        );
        assert_eq!(serde_json::to_string(&told).unwrap(), expected);
        assert_eq!(candles.between(BTC, named("1h"), 0, TIME), []);
    }

    #[test]
    fn a_stretch_of_time_has_the_candles_that_reach_into_it() {
        let candles = candles(&[(0, "1.0", "1.0"), (60_000, "2.0", "1.0"), (180_000, "3.0", "1.0")]);
        let opens = |start: i64, end: i64| {
            let told = candles.between(SOL, named("1m"), TIME + start, TIME + end);
            told.into_iter().map(|candle| candle.open).collect::<Vec<_>>().concat()
        };
        assert_eq!(opens(-100_000, 300_000), "1.02.03.0", "a minute without trades has no candle");
        assert_eq!(opens(19_999, 20_000), "1.02.0");
        assert_eq!(opens(20_000, 60_000), "2.0");
    }

    #[test]
    fn only_the_newest_stay() {
        let mut candles = Candles::default();
        for minute in 0..6_000 {
            candles.trade(&Leg { coin: "BTC", px: "1.0", sz: "1.0", time: minute * MINUTE, ..Leg::default() });
        }
        let told = candles.between(BTC, named("1m"), 0, i64::MAX);
        assert_eq!((told.len(), told[0].begin), (MOST, 1_000 * MINUTE));
        assert_eq!(candles.between(BTC, named("1h"), 0, i64::MAX).len(), 100);
    }
}
