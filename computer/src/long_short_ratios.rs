//! `position-changes` -> `long-short-ratios`: how many of all accounts stand on each side of a coin, per interval.
//!
//! By accounts and never by money over everybody: every long has its short, so that ratio is always one.

use schemas::{Amount, Gap, LongShortRatio, PositionChange, RatioKind};

use crate::processor::{Out, Tick};
use crate::sides::{Moments, Sides};
use crate::windows::{self, Windows};

pub fn fold(coins: &mut Windows<Moments<u64>>, change: &PositionChange, _: &mut Out<LongShortRatio>) {
    let (before, after) = (Sides::of(change.known.unwrap_or(Amount::ZERO)), Sides::of(change.after));
    if before != after {
        windows::change(coins, &change.coin, change.time..i64::MAX, |moments: &mut Moments<u64>| {
            moments.replace(before, after);
        });
    }
}

pub fn tick(coins: &mut Windows<Moments<u64>>, tick: &Tick, out: &mut Out<LongShortRatio>) {
    windows::begin_quiet(coins, tick);
    windows::tell(coins, tick, |bucket| {
        let Moments { open, high, low, close } = bucket.value;
        out.push(LongShortRatio {
            coin: bucket.series.clone(),
            kind: RatioKind::Accounts,
            cohort: None,
            interval: bucket.interval,
            time: bucket.start,
            accounts: close.long + close.short,
            of_accounts: None,
            long_accounts: close.long,
            short_accounts: close.short,
            long_size: None,
            short_size: None,
            long_ratio: close.long_share(),
            short_ratio: close.short_share(),
            open: open.ratio(),
            high: high.ratio(),
            low: low.ratio(),
            close: close.ratio(),
            complete: bucket.complete,
            r#final: bucket.r#final,
            block: tick.block,
            clock: tick.time,
        });
    });
}

pub fn gap(coins: &mut Windows<Moments<u64>>, gap: &Gap) {
    windows::gap(coins, gap);
}
