//! `candles`, `exchange-candles` -> `candle-checks`: whether the exchange's own candles say what those of trades do.
//!
//! The exchange tells its candles in the order of time, up to hours late, and of minutes without trades none: ours wait
//! for them, and a minute that it passes over is one of which it has none.

use schemas::{Candle, CandleCheck, CandleDifference, CandleValues, Coin, Differences, ExchangeCandle, Gap, Interval};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::stage::GRACE_MS;
use crate::table::Table;

pub type Known = (Table<(Coin, i64), Minute>, (Table<Coin, Check>, Table<i64, i64>));

/// A minute of a coin, as far as it was told.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Minute {
    here: Option<CandleValues>,
    /// No block of it is missing.
    is_whole: bool,
    there: Option<CandleValues>,
}

/// What has come out for a coin.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Check {
    since: i64,
    until: i64,
    compared: u64,
    different: u64,
    differences: Differences,
    only_here: u64,
    only_there: u64,
    not_compared: u64,
    last_difference: Option<CandleDifference>,
}

const MINUTE_MS: i64 = 60_000;

/// So long the exchange's candles are waited for: each coin is asked for about once an hour.
const WAITED_FOR_MS: i64 = 3 * 60 * MINUTE_MS;

pub fn here((minutes, _): &mut Known, candle: &Candle, _: &mut Out<CandleCheck>) {
    if candle.interval != Interval::OneMinute || !candle.r#final {
        return;
    }
    let Candle { open, high, low, close, volume, trades, .. } = *candle;
    let minute = minutes.change(&(candle.coin.clone(), candle.time));
    minute.here = Some(CandleValues { open, high, low, close, volume, trades });
    minute.is_whole = candle.complete;
}

pub fn there((minutes, (checks, _)): &mut Known, candle: &ExchangeCandle, _: &mut Out<CandleCheck>) {
    let comes_again = checks.get(&candle.coin).is_some_and(|check| candle.time <= check.until);
    if candle.interval != Interval::OneMinute || comes_again {
        return;
    }
    let ExchangeCandle { open, high, low, close, volume, trades, .. } = *candle;
    let values = CandleValues { open, high, low, close, volume: Some(volume), trades };
    minutes.change(&(candle.coin.clone(), candle.time)).there = Some(values);
}

/// Once a minute: nobody waits for it.
pub fn tick(known: &mut Known, tick: &Tick, out: &mut Out<CandleCheck>) {
    let (minutes, (_, holes)) = known;
    // Before the first tick nothing was seen.
    if tick.previous == 0 {
        *holes.change(&0) = tick.time;
    }
    if !tick.crosses(MINUTE_MS) {
        return;
    }
    let told = minutes.keys_where(|_, minute| minute.there.is_some());
    for of_coin in told.chunk_by(|one, other| one.0 == other.0) {
        compare(known, &of_coin[0].0, tick, out);
    }
    forget(known, tick.time);
}

pub fn gap((_, (_, holes)): &mut Known, gap: &Gap) {
    let until = holes.change(&gap.from_time);
    *until = gap.to_time.max(*until);
}

/// Everything of a coin up to the last minute that the exchange has told and that is final here.
fn compare((minutes, (checks, holes)): &mut Known, coin: &Coin, tick: &Tick, out: &mut Out<CandleCheck>) {
    let is_final = |time: i64| time + MINUTE_MS + GRACE_MS <= tick.time;
    let keys = minutes.keys_where(|(its, time), _| its == coin && is_final(*time));
    let is_told = |key| minutes.get(key).is_some_and(|minute| minute.there.is_some());
    let Some(last) = keys.iter().rposition(is_told) else { return };
    let check = checks.change(coin);
    for key in &keys[..=last] {
        let Some(minute) = minutes.remove(key) else { continue };
        let is_seen = key.1 >= tick.time - WAITED_FOR_MS && !is_in_a_hole(holes, key.1);
        check.count(key.1, minute, is_seen);
    }
    out.push(check.told(coin, tick));
}

fn is_in_a_hole(holes: &Table<i64, i64>, minute: i64) -> bool {
    holes.in_order().iter().any(|(from, to)| **from < minute + MINUTE_MS && **to >= minute)
}

fn forget((minutes, (_, holes)): &mut Known, clock: i64) {
    let oldest = clock - WAITED_FOR_MS;
    for key in minutes.keys_where(|(_, time), _| *time < oldest) {
        minutes.remove(&key);
    }
    for from in holes.keys_where(|_, to| *to < oldest) {
        holes.remove(&from);
    }
}

impl Check {
    fn count(&mut self, time: i64, Minute { here, is_whole, there }: Minute, is_seen: bool) {
        let is_first = self.since == 0;
        if there.is_some() {
            self.since = if is_first { time } else { self.since };
            self.until = time;
        }
        let is_known = if here.is_some() { is_whole } else { is_seen };
        match (here, there) {
            // Of what was before its first candle the exchange has said nothing.
            (Some(_), None) if is_first => return,
            _ if !is_known => {
                self.not_compared += 1;
                return;
            }
            (Some(here), Some(there)) => {
                self.compared += 1;
                if !count_differences(&mut self.differences, &here, &there) {
                    return;
                }
                self.different += 1;
            }
            (Some(_), None) => self.only_here += 1,
            (None, _) => self.only_there += 1,
        }
        self.last_difference = Some(CandleDifference { time, here, there });
    }

    fn told(&self, coin: &Coin, tick: &Tick) -> CandleCheck {
        let Self { since, until, compared, different, differences, only_here, only_there, not_compared, .. } = *self;
        CandleCheck {
            coin: coin.clone(),
            since,
            until,
            compared,
            different,
            differences,
            only_here,
            only_there,
            not_compared,
            last_difference: self.last_difference.clone(),
            block: tick.block,
            clock: tick.time,
        }
    }
}

/// Whether they differ in anything.
fn count_differences(counted: &mut Differences, here: &CandleValues, there: &CandleValues) -> bool {
    let each = [
        (&mut counted.open, here.open != there.open),
        (&mut counted.high, here.high != there.high),
        (&mut counted.low, here.low != there.low),
        (&mut counted.close, here.close != there.close),
        (&mut counted.volume, here.volume != there.volume),
        (&mut counted.trades, here.trades != there.trades),
    ];
    each.into_iter().fold(false, |any, (count, differs)| {
        *count += u64::from(differs);
        any || differs
    })
}
