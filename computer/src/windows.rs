//! What happens in a coin, by buckets of event time: each is told now and then while it forms, and once for all when
//! nothing more can come.
//!
//! Whatever comes goes into its minute alone; a longer bucket is the sum of its minutes that are final, and of the
//! others whenever it is told. So an event costs one entry, however many intervals there are.

use alloc::vec::Vec;

use schemas::{Coin, Gap, Interval};
use serde::{Deserialize, Serialize};

use crate::processor::Tick;
use crate::stage::GRACE_MS;
use crate::table::Table;

const MINUTE: Interval = Interval::OneMinute;

/// How often a minute is told while it forms. A longer bucket is told sixty times, but no less than once a minute.
const TOLD_EVERY_MS: i64 = 1_000;

pub type Windows<V> = Table<(Coin, Interval), Buckets<V>>;

/// Of one coin and interval, what is not final yet, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Buckets<V>(Vec<Bucket<V>>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bucket<V> {
    start: i64,
    /// Absent in a longer bucket of which no minute is final.
    value: Option<V>,
    /// How much has come, and how much of that was told last; absent when all of it is to be told.
    parts: u64,
    told: Option<u64>,
    /// No block of it is missing.
    complete: bool,
}

/// What a bucket holds.
pub trait Value: Clone {
    fn merge(&mut self, later: &Self);
}

/// What lasts until it changes: a bucket in which nothing happens begins and ends with what was before it.
pub trait Lasting: Value + Default {
    fn as_it_ended(&self) -> Self;
}

/// A bucket as it is told.
pub struct Told<'a, V> {
    pub coin: &'a Coin,
    pub interval: Interval,
    pub start: i64,
    pub value: &'a V,
    pub complete: bool,
    pub r#final: bool,
}

/// Adds what happened at this time.
pub fn add<V: Value>(windows: &mut Windows<V>, coin: &Coin, time: i64, value: &V) {
    let minute = MINUTE.bucket(time);
    let Buckets(minutes) = windows.change(&(coin.clone(), MINUTE));
    match minutes.iter_mut().find(|bucket| bucket.start == minute) {
        Some(bucket) => bucket.absorb(Some(value), 1),
        None => {
            insert(minutes, Bucket::begun(minute, Some(value.clone()), 1));
            begin_longer(windows, coin, minute);
        }
    }
}

/// Changes what lasts, from this time on: a change that came late, but within the grace, is one of the minutes that
/// follow as well.
pub fn change<V: Lasting>(windows: &mut Windows<V>, coin: &Coin, time: i64, change: impl Fn(&mut V)) {
    let minute = MINUTE.bucket(time);
    let Buckets(minutes) = windows.change(&(coin.clone(), MINUTE));
    let begins = minutes.last().is_none_or(|newest| newest.start < minute);
    if begins {
        let before = minutes.last().and_then(|newest| newest.value.as_ref()).map(V::as_it_ended);
        minutes.push(Bucket::begun(minute, Some(before.unwrap_or_default()), 0));
    }
    for bucket in minutes.iter_mut().filter(|bucket| bucket.start >= minute) {
        bucket.value.iter_mut().for_each(&change);
        bucket.parts += 1;
    }
    if begins {
        begin_longer(windows, coin, minute);
    }
}

/// Begins the minutes in which nothing has happened so far. Of one that lies in a hole altogether nothing can be said.
pub fn begin_quiet<V: Lasting>(windows: &mut Windows<V>, tick: &Tick) {
    if !tick.crosses(TOLD_EVERY_MS) {
        return;
    }
    let now = MINUTE.bucket(tick.time);
    let has_all = |first: &Bucket<V>, count: usize| (now - first.start) / MINUTE.length_ms() < count as i64;
    let is_behind = |(_, interval): &(Coin, Interval), Buckets(buckets): &Buckets<V>| {
        *interval == MINUTE && buckets.first().is_some_and(|first| !has_all(first, buckets.len()))
    };
    for key in windows.keys_where(is_behind) {
        let Buckets(minutes) = windows.change(&key);
        let quiet = quiet_minutes(minutes, now, &tick.holes);
        for &start in &quiet {
            let before =
                minutes.iter().rev().find(|bucket| bucket.start < start).and_then(|bucket| bucket.value.as_ref());
            let lasting = before.map(V::as_it_ended).unwrap_or_default();
            insert(minutes, Bucket::begun(start, Some(lasting), 0));
        }
        quiet.into_iter().for_each(|start| begin_longer(windows, &key.0, start));
    }
}

/// Tells each bucket that is due and has changed since, and for the last time each that is final.
pub fn tell<V: Value>(windows: &mut Windows<V>, tick: &Tick, mut say: impl FnMut(&Told<'_, V>)) {
    // What was begun after a hole knows of it only now.
    for key in if tick.holes.is_empty() { Vec::new() } else { windows.touched() } {
        tick.holes.iter().for_each(|hole| note_hole(windows, &key, *hole));
    }
    if !tick.crosses(TOLD_EVERY_MS) {
        return;
    }
    let is_due = |(_, interval): &(Coin, Interval), Buckets(buckets): &Buckets<V>| {
        let may_be_news = tick.crosses(told_every_ms(*interval));
        buckets
            .iter()
            .any(|bucket| bucket.is_over(*interval, tick.time) || may_be_news && bucket.may_be_news(*interval))
    };
    for key in windows.keys_where(is_due) {
        tell_some(windows, &key, tick, &mut say);
        let over = take_over(windows, &key, tick.time);
        if key.1 == MINUTE {
            over.iter().for_each(|minute| add_to_longer(windows, &key.0, minute));
        }
    }
}

/// Buckets that touch a hole are not complete.
pub fn gap<V: Value>(windows: &mut Windows<V>, gap: &Gap) {
    let hole = (gap.from_time, gap.to_time);
    for key in windows.keys_where(|(_, interval), buckets| buckets.is_touched(*interval, hole)) {
        note_hole(windows, &key, hole);
    }
}

fn told_every_ms(interval: Interval) -> i64 {
    (interval.length_ms() / 60).clamp(TOLD_EVERY_MS, 60 * TOLD_EVERY_MS)
}

/// Those up to now that are not there, and are not swallowed by a hole.
fn quiet_minutes<V>(minutes: &[Bucket<V>], now: i64, holes: &[(i64, i64)]) -> Vec<i64> {
    let (mut quiet, length) = (Vec::new(), MINUTE.length_ms());
    let mut start = minutes.first().map_or(now, |first| first.start);
    while start <= now {
        match holes.iter().find(|(from, to)| *from <= start && start + length <= *to) {
            Some((_, to)) => start = MINUTE.bucket(*to),
            None => {
                if !minutes.iter().any(|bucket| bucket.start == start) {
                    quiet.push(start);
                }
                start += length;
            }
        }
    }
    quiet
}

/// From its first moment on a longer bucket is there, to be told of holes.
fn begin_longer<V: Value>(windows: &mut Windows<V>, coin: &Coin, minute: i64) {
    for interval in longer() {
        let (key, start) = ((coin.clone(), interval), interval.bucket(minute));
        if !windows.get(&key).is_some_and(|Buckets(buckets)| buckets.iter().any(|bucket| bucket.start == start)) {
            insert(&mut windows.change(&key).0, Bucket::begun(start, None, 0));
        }
    }
}

fn add_to_longer<V: Value>(windows: &mut Windows<V>, coin: &Coin, minute: &Bucket<V>) {
    for interval in longer() {
        let Buckets(buckets) = windows.change(&(coin.clone(), interval));
        let start = interval.bucket(minute.start);
        if let Some(bucket) = buckets.iter_mut().find(|bucket| bucket.start == start) {
            bucket.absorb(minute.value.as_ref(), minute.parts);
        }
    }
}

fn longer() -> impl Iterator<Item = Interval> {
    Interval::ALL.into_iter().filter(|interval| *interval != MINUTE)
}

fn insert<V>(buckets: &mut Vec<Bucket<V>>, bucket: Bucket<V>) {
    let place = buckets.partition_point(|other| other.start < bucket.start);
    buckets.insert(place, bucket);
}

fn note_hole<V: Value>(windows: &mut Windows<V>, key: &(Coin, Interval), hole: (i64, i64)) {
    if !windows.get(key).is_some_and(|buckets| buckets.is_touched(key.1, hole)) {
        return;
    }
    for bucket in windows.change(key).0.iter_mut().filter(|bucket| bucket.would_know_of(key.1, hole)) {
        bucket.complete = false;
        bucket.told = None;
    }
}

fn tell_some<V: Value>(
    windows: &mut Windows<V>,
    key: &(Coin, Interval),
    tick: &Tick,
    say: &mut impl FnMut(&Told<'_, V>),
) {
    let (coin, interval) = (&key.0, key.1);
    let is_due = tick.crosses(told_every_ms(interval));
    let mut told = Vec::new();
    for bucket in windows.get(key).iter().flat_map(|Buckets(buckets)| buckets) {
        let is_final = bucket.is_over(interval, tick.time);
        let whole = if interval == MINUTE { bucket.clone() } else { with_minutes(windows, coin, interval, bucket) };
        let (Some(value), true) = (&whole.value, is_final || is_due && bucket.told != Some(whole.parts)) else {
            continue;
        };
        say(&Told { coin, interval, start: bucket.start, value, complete: bucket.complete, r#final: is_final });
        told.push((bucket.start, whole.parts));
    }
    if told.is_empty() {
        return;
    }
    for bucket in &mut windows.change(key).0 {
        if let Some((_, parts)) = told.iter().find(|(start, _)| *start == bucket.start) {
            bucket.told = Some(*parts);
        }
    }
}

/// A longer bucket with those of its minutes that are not final yet.
fn with_minutes<V: Value>(windows: &Windows<V>, coin: &Coin, interval: Interval, bucket: &Bucket<V>) -> Bucket<V> {
    let mut whole = bucket.clone();
    let minutes = windows.get(&(coin.clone(), MINUTE));
    for minute in minutes.iter().flat_map(|Buckets(minutes)| minutes) {
        if interval.bucket(minute.start) == bucket.start {
            whole.absorb(minute.value.as_ref(), minute.parts);
        }
    }
    whole
}

/// Takes out what is final.
fn take_over<V: Value>(windows: &mut Windows<V>, key: &(Coin, Interval), clock: i64) -> Vec<Bucket<V>> {
    let is_over = |bucket: &Bucket<V>| bucket.is_over(key.1, clock);
    if !windows.get(key).is_some_and(|Buckets(buckets)| buckets.iter().any(is_over)) {
        return Vec::new();
    }
    let Buckets(buckets) = windows.change(key);
    let (over, rest): (Vec<_>, Vec<_>) = core::mem::take(buckets).into_iter().partition(is_over);
    *buckets = rest;
    if buckets.is_empty() {
        windows.remove(key);
    }
    over
}

impl<V> Default for Buckets<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Buckets<V> {
    /// Whether one of them would know of this hole.
    fn is_touched(&self, interval: Interval, hole: (i64, i64)) -> bool {
        self.0.iter().any(|bucket| bucket.would_know_of(interval, hole))
    }
}

impl<V> Bucket<V> {
    fn begun(start: i64, value: Option<V>, parts: u64) -> Self {
        Self { start, value, parts, told: None, complete: true }
    }

    /// Whether the hole touches it and is the first to do so.
    fn would_know_of(&self, interval: Interval, (from, to): (i64, i64)) -> bool {
        self.complete && from < self.start + interval.length_ms() && self.start < to
    }

    fn is_over(&self, interval: Interval, clock: i64) -> bool {
        self.start + interval.length_ms() + GRACE_MS <= clock
    }

    /// A longer one would have to ask its minutes.
    fn may_be_news(&self, interval: Interval) -> bool {
        interval != MINUTE || self.told != Some(self.parts)
    }
}

impl<V: Value> Bucket<V> {
    fn absorb(&mut self, later: Option<&V>, parts: u64) {
        self.parts += parts;
        match (&mut self.value, later) {
            (Some(value), Some(later)) => value.merge(later),
            (value, Some(later)) => *value = Some(later.clone()),
            (_, None) => {}
        }
    }
}
