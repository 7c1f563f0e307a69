//! `position-changes`, `asset-contexts` -> `long-short-ratios`: how many of all accounts stand on each side of a coin, per
//! interval.
//!
//! By accounts and never by money over everybody: every long has its short, so that ratio is always one.

use schemas::{Amount, AssetContext, Coin, Gap, LongShortRatio, PositionChange, RatioKind};

use crate::oi_coverage::Interest;
use crate::processor::{Out, Tick};
use crate::sides::{Moments, Sides};
use crate::table::Table;
use crate::windows::{self, Told, Windows};

type State = (Table<Coin, Interest>, Windows<Moments<u64>>);

pub fn fold((interests, coins): &mut State, change: &PositionChange, _: &mut Out<LongShortRatio>) {
    interests.change(&change.coin).change(change);
    let (before, after) = (Sides::of(change.known.unwrap_or(Amount::ZERO)), Sides::of(change.after));
    if before != after {
        windows::change(coins, &change.coin, change.time..i64::MAX, |moments: &mut Moments<u64>| {
            moments.replace(before, after);
        });
    }
}

pub fn context((interests, _): &mut State, context: &AssetContext, _: &mut Out<LongShortRatio>) {
    if interests.get(&context.coin).is_none_or(|interest| interest.is_news(context)) {
        interests.change(&context.coin).context(context);
    }
}

pub fn tick((interests, coins): &mut State, tick: &Tick, out: &mut Out<LongShortRatio>) {
    windows::begin_quiet(coins, tick);
    windows::tell(coins, tick, |bucket| out.push(publish(bucket, interests, tick)));
    for coin in interests.keys_where(|_, interest| interest.has_over(tick)) {
        interests.change(&coin).forget_over(tick);
    }
}

pub fn gap((_, coins): &mut State, gap: &Gap) {
    windows::gap(coins, gap);
}

fn publish(bucket: &Told<'_, Moments<u64>, Coin>, interests: &Table<Coin, Interest>, tick: &Tick) -> LongShortRatio {
    let Moments { open, high, low, close } = *bucket.value;
    LongShortRatio {
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
        oi_coverage_pct: interests.get(bucket.series).and_then(|interest| interest.coverage_at(bucket.end())),
        complete: bucket.complete,
        r#final: bucket.r#final,
        block: tick.block,
        clock: tick.time,
    }
}
