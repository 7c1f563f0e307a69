//! `position-changes` -> `long-short-ratios`: how many accounts stand on each side of a coin, per interval.
//!
//! By accounts and never by money over everybody: every long has its short, so that ratio is always one.

use alloc::vec::Vec;
use core::cmp::Ordering;

use schemas::{Amount, Coin, Gap, Interval, LongShortRatio, PositionChange};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::stage::GRACE_MS;
use crate::table::Table;

const PUBLISHED_EVERY_MS: i64 = 1_000;

/// One coin: the accounts now, and the buckets that are not final yet, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sides {
    now: Accounts,
    buckets: Vec<Bucket>,
    /// The latest hole in the blocks: nothing is known between these times.
    hole: Option<(i64, i64)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Accounts {
    long: u64,
    short: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Bucket {
    interval: Interval,
    start: i64,
    open: Accounts,
    high: Accounts,
    low: Accounts,
    close: Accounts,
    complete: bool,
    /// Changed since it was last published.
    news: bool,
}

pub fn fold(sides: &mut Table<Coin, Sides>, change: &PositionChange, _: &mut Out<LongShortRatio>) {
    let before = change.known.map_or(0, Amount::sign);
    let after = change.after.sign();
    if before == after && sides.get(&change.coin).is_some() {
        return;
    }
    let sides = sides.change(&change.coin);
    sides.open_buckets(change.time);
    sides.now = sides.now.moved(before, after);
    // A change that came in late, but within the grace, also belongs to the buckets that follow its own.
    for bucket in sides.buckets.iter_mut().filter(|bucket| change.time < bucket.end()) {
        bucket.move_accounts(before, after);
    }
}

/// Once a second: what is forming, where something changed, and each bucket whose grace is over, once and for all.
pub fn tick(sides: &mut Table<Coin, Sides>, tick: &Tick, out: &mut Out<LongShortRatio>) {
    if !tick.crosses(PUBLISHED_EVERY_MS) {
        return;
    }
    for coin in sides.keys() {
        if sides.get(&coin).is_none_or(|sides| !sides.has_news_at(tick.time)) {
            continue;
        }
        let sides = sides.change(&coin);
        sides.open_buckets(tick.time);
        for bucket in &mut sides.buckets {
            let is_final = bucket.is_over(tick.time);
            // Coins that were first seen after a hole know of it only now.
            bucket.complete &= !tick.hole.is_some_and(|hole| bucket.touches(hole));
            if bucket.news || is_final {
                out.push(bucket.publish(&coin, tick, is_final));
                bucket.news = false;
            }
        }
        sides.buckets.retain(|bucket| !bucket.is_over(tick.time));
    }
}

/// Buckets that touch a hole are not complete.
pub fn gap(sides: &mut Table<Coin, Sides>, gap: &Gap) {
    for coin in sides.keys() {
        let sides = sides.change(&coin);
        sides.hole = Some((gap.from_time, gap.to_time));
        for bucket in sides.buckets.iter_mut().filter(|bucket| gap.from_time < bucket.end()) {
            bucket.complete = false;
            bucket.news = true;
        }
    }
}

impl Sides {
    /// Opens, per interval, the bucket of `time` and those between it and the last one that was opened.
    fn open_buckets(&mut self, time: i64) {
        for interval in Interval::ALL {
            let newest = self.buckets.iter().filter(|bucket| bucket.interval == interval).map(|b| b.start).max();
            let last = interval.bucket(time);
            let mut start = newest.map_or(last, |newest| newest + interval.length_ms());
            while start <= last {
                self.open_bucket(interval, start);
                start += interval.length_ms();
            }
        }
    }

    fn open_bucket(&mut self, interval: Interval, start: i64) {
        let end = start + interval.length_ms();
        let is_within = |(from, to): (i64, i64)| from <= start && end <= to;
        // Of a bucket that lies in a hole altogether nothing can be said.
        if self.hole.is_some_and(is_within) {
            return;
        }
        self.buckets.push(Bucket {
            interval,
            start,
            open: self.now,
            high: self.now,
            low: self.now,
            close: self.now,
            complete: true,
            news: true,
        });
    }

    fn has_news_at(&self, clock: i64) -> bool {
        self.buckets.iter().any(|bucket| bucket.news || bucket.is_over(clock))
            || Interval::ALL.into_iter().any(|interval| {
                let newest = self.buckets.iter().filter(|bucket| bucket.interval == interval).map(Bucket::end).max();
                newest.is_none_or(|end| end <= clock)
            })
    }
}

impl Accounts {
    fn moved(self, before: i32, after: i32) -> Self {
        Self {
            long: (self.long + u64::from(after > 0)).saturating_sub(u64::from(before > 0)),
            short: (self.short + u64::from(after < 0)).saturating_sub(u64::from(before < 0)),
        }
    }

    /// Of nobody there is no ratio, neither high nor low.
    fn is_nobody(self) -> bool {
        self == Self::default()
    }

    /// Orders by long over short without dividing; nobody short is the highest there is.
    fn compare(self, other: Self) -> Ordering {
        match (self.short, other.short) {
            (0, 0) => self.long.cmp(&other.long),
            _ => (u128::from(self.long) * u128::from(other.short))
                .cmp(&(u128::from(other.long) * u128::from(self.short))),
        }
    }

    fn ratio(self) -> Option<Amount> {
        share(self.long, self.short)
    }
}

fn share(part: u64, whole: u64) -> Option<Amount> {
    let amount = |count: u64| i64::try_from(count).ok().map(Amount::from);
    amount(part)?.over(amount(whole)?).ok()
}

impl Bucket {
    fn end(&self) -> i64 {
        self.start + self.interval.length_ms()
    }

    fn touches(&self, (from, to): (i64, i64)) -> bool {
        from < self.end() && self.start < to
    }

    fn is_over(&self, clock: i64) -> bool {
        self.end() + GRACE_MS <= clock
    }

    fn move_accounts(&mut self, before: i32, after: i32) {
        self.close = self.close.moved(before, after);
        if self.high.is_nobody() || self.close.compare(self.high) == Ordering::Greater {
            self.high = self.close;
        }
        if self.low.is_nobody() || self.close.compare(self.low) == Ordering::Less {
            self.low = self.close;
        }
        self.news = true;
    }

    fn publish(&self, coin: &Coin, tick: &Tick, is_final: bool) -> LongShortRatio {
        let Accounts { long, short } = self.close;
        LongShortRatio {
            coin: coin.clone(),
            interval: self.interval,
            time: self.start,
            long_accounts: long,
            short_accounts: short,
            long_ratio: share(long, long + short),
            short_ratio: share(short, long + short),
            open: self.open.ratio(),
            high: self.high.ratio(),
            low: self.low.ratio(),
            close: self.close.ratio(),
            complete: self.complete,
            r#final: is_final,
            block: tick.block,
            clock: tick.time,
        }
    }
}
