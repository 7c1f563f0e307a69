//! What lasts until it changes, by buckets of event time: a bucket in which nothing happens is as the one before it ended.

use alloc::vec::Vec;
use core::ops::Range;

use schemas::Interval;

use super::{Bucket, Buckets, MINUTE, TOLD_EVERY_MS, Value, Windows, begin_longer, insert};
use crate::processor::Tick;
use crate::table::TableKey;

pub trait Lasting: Value + Default {
    fn as_it_ended(&self) -> Self;
}

/// Changes what lasts, in these times: a change that came late, but within the grace, is one of the minutes that follow
/// as well. Where no earlier minute is left it begins none, for nobody knows what was before it.
pub fn change<V: Lasting, S: TableKey>(
    windows: &mut Windows<V, S>,
    series: &S,
    times: Range<i64>,
    change: impl Fn(&mut V),
) {
    let minute = MINUTE.bucket(times.start);
    let Buckets(minutes) = windows.change(&(series.clone(), MINUTE));
    let is_known = minutes.first().is_none_or(|first| first.start < minute);
    let begins = is_known && !minutes.iter().any(|bucket| bucket.start == minute);
    if begins {
        let before = as_it_was_before(minutes, minute);
        insert(minutes, Bucket::begun(minute, Some(before), 0));
    }
    for bucket in minutes.iter_mut().filter(|bucket| (minute..times.end).contains(&bucket.start)) {
        bucket.value.iter_mut().for_each(&change);
        bucket.parts += 1;
    }
    if begins {
        begin_longer(windows, series, minute);
    }
}

/// What was begun since this time is forgotten: from that minute on something else lasts.
pub fn begin_anew<V: Lasting, S: TableKey>(windows: &mut Windows<V, S>, series: &S, since: i64, minute: i64, value: V) {
    let Buckets(minutes) = windows.change(&(series.clone(), MINUTE));
    minutes.retain(|bucket| bucket.start < since);
    minutes.push(Bucket::begun(minute, Some(value), 1));
    begin_longer(windows, series, minute);
}

/// Whether anything lasts there.
pub fn are_there<V: Lasting, S: TableKey>(windows: &Windows<V, S>, series: &S) -> bool {
    windows.get(&(series.clone(), MINUTE)).is_some()
}

/// Begins the minutes in which nothing has happened so far. Of one that lies in a hole altogether nothing can be said.
pub fn begin_quiet<V: Lasting, S: TableKey>(windows: &mut Windows<V, S>, tick: &Tick) {
    if !tick.crosses(TOLD_EVERY_MS) {
        return;
    }
    let now = MINUTE.bucket(tick.time);
    let has_all = |first: &Bucket<V>, count: usize| (now - first.start) / MINUTE.length_ms() < count as i64;
    let is_behind = |(_, interval): &(S, Interval), Buckets(buckets): &Buckets<V>| {
        *interval == MINUTE && buckets.first().is_some_and(|first| !has_all(first, buckets.len()))
    };
    for key in windows.keys_where(is_behind) {
        let Buckets(minutes) = windows.change(&key);
        let quiet = quiet_minutes(minutes, now, &tick.holes);
        for &start in &quiet {
            let before = as_it_was_before(minutes, start);
            insert(minutes, Bucket::begun(start, Some(before), 0));
        }
        quiet.into_iter().for_each(|start| begin_longer(windows, &key.0, start));
    }
}

/// This minute, or the first one after it that does not lie in a hole altogether.
pub fn after_holes(minute: i64, holes: &[(i64, i64)]) -> i64 {
    let swallows = |(from, to): &&(i64, i64)| *from <= minute && minute + MINUTE.length_ms() <= *to;
    holes.iter().find(swallows).map_or(minute, |(_, to)| after_holes(MINUTE.bucket(*to), holes))
}

/// Those up to now that are not there, and are not swallowed by a hole.
fn quiet_minutes<V>(minutes: &[Bucket<V>], now: i64, holes: &[(i64, i64)]) -> Vec<i64> {
    let mut quiet = Vec::new();
    let mut start = after_holes(minutes.first().map_or(now, |first| first.start), holes);
    while start <= now {
        if !minutes.iter().any(|bucket| bucket.start == start) {
            quiet.push(start);
        }
        start = after_holes(start + MINUTE.length_ms(), holes);
    }
    quiet
}

fn as_it_was_before<V: Lasting>(minutes: &[Bucket<V>], minute: i64) -> V {
    let before = minutes.iter().rfind(|bucket| bucket.start < minute).and_then(|bucket| bucket.value.as_ref());
    before.map(V::as_it_ended).unwrap_or_default()
}
