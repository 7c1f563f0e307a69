//! What happens in a coin, or in another series, by buckets of event time: each is told now and then while it forms, and
//! once for all when nothing more can come.
//!
//! Whatever comes goes into its minute alone; a longer bucket is the sum of its minutes that are final, and of the
//! others whenever it is told. So an event costs one entry, however many intervals there are.

use alloc::vec::Vec;

use schemas::{Coin, Gap, Interval};
use serde::{Deserialize, Serialize};

use crate::processor::Tick;
use crate::stage::GRACE_MS;
use crate::table::{Table, TableKey};

mod lasting;

pub use lasting::{Lasting, after_holes, are_there, begin_anew, begin_quiet, change};

const MINUTE: Interval = Interval::OneMinute;

/// How often a minute is told while it forms. A longer bucket is told sixty times, but no less than once a minute.
const TOLD_EVERY_MS: i64 = 1_000;

pub type Windows<V, S = Coin> = Table<(S, Interval), Buckets<V>>;

/// Of one series and interval, what is not final yet, oldest first.
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

/// A bucket as it is told.
pub struct Told<'a, V, S> {
    pub series: &'a S,
    pub interval: Interval,
    pub start: i64,
    pub value: &'a V,
    pub complete: bool,
    pub r#final: bool,
}

impl<V, S> Told<'_, V, S> {
    pub fn end(&self) -> i64 {
        self.start + self.interval.length_ms()
    }
}

/// Adds what happened at this time.
pub fn add<V: Value, S: TableKey>(windows: &mut Windows<V, S>, series: &S, time: i64, value: &V) {
    let minute = MINUTE.bucket(time);
    let Buckets(minutes) = windows.change(&(series.clone(), MINUTE));
    match minutes.iter_mut().find(|bucket| bucket.start == minute) {
        Some(bucket) => bucket.absorb(Some(value), 1),
        None => {
            insert(minutes, Bucket::begun(minute, Some(value.clone()), 1));
            begin_longer(windows, series, minute);
        }
    }
}

/// Tells each bucket that is due and has changed since, and for the last time each that is final.
pub fn tell<V: Value, S: TableKey>(windows: &mut Windows<V, S>, tick: &Tick, mut say: impl FnMut(&Told<'_, V, S>)) {
    // What was begun after a hole knows of it only now.
    for key in if tick.holes.is_empty() { Vec::new() } else { windows.touched() } {
        tick.holes.iter().for_each(|hole| note_hole(windows, &key, *hole));
    }
    if !tick.crosses(TOLD_EVERY_MS) && !tick.tells_all {
        return;
    }
    let is_due = |(_, interval): &(S, Interval), Buckets(buckets): &Buckets<V>| {
        let may_be_news = tick.crosses(told_every_ms(*interval));
        buckets
            .iter()
            .any(|bucket| bucket.is_over(*interval, tick.time) || may_be_news && bucket.may_be_news(*interval))
            || tick.tells_all
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
pub fn gap<V: Value, S: TableKey>(windows: &mut Windows<V, S>, gap: &Gap) {
    let hole = (gap.from_time, gap.to_time);
    for key in windows.keys_where(|(_, interval), buckets| buckets.is_touched(*interval, hole)) {
        note_hole(windows, &key, hole);
    }
}

fn told_every_ms(interval: Interval) -> i64 {
    (interval.length_ms() / 60).clamp(TOLD_EVERY_MS, 60 * TOLD_EVERY_MS)
}

/// From its first moment on a longer bucket is there, to be told of holes.
fn begin_longer<V: Value, S: TableKey>(windows: &mut Windows<V, S>, series: &S, minute: i64) {
    for interval in longer() {
        let (key, start) = ((series.clone(), interval), interval.bucket(minute));
        if !windows.get(&key).is_some_and(|Buckets(buckets)| buckets.iter().any(|bucket| bucket.start == start)) {
            insert(&mut windows.change(&key).0, Bucket::begun(start, None, 0));
        }
    }
}

fn add_to_longer<V: Value, S: TableKey>(windows: &mut Windows<V, S>, series: &S, minute: &Bucket<V>) {
    for interval in longer() {
        let Buckets(buckets) = windows.change(&(series.clone(), interval));
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

fn note_hole<V: Value, S: TableKey>(windows: &mut Windows<V, S>, key: &(S, Interval), hole: (i64, i64)) {
    if !windows.get(key).is_some_and(|buckets| buckets.is_touched(key.1, hole)) {
        return;
    }
    for bucket in windows.change(key).0.iter_mut().filter(|bucket| bucket.would_know_of(key.1, hole)) {
        bucket.complete = false;
        bucket.told = None;
    }
}

fn tell_some<V: Value, S: TableKey>(
    windows: &mut Windows<V, S>,
    key: &(S, Interval),
    tick: &Tick,
    say: &mut impl FnMut(&Told<'_, V, S>),
) {
    let (series, interval) = (&key.0, key.1);
    let is_due = tick.crosses(told_every_ms(interval));
    let mut told = Vec::new();
    for bucket in windows.get(key).iter().flat_map(|Buckets(buckets)| buckets) {
        let is_final = bucket.is_over(interval, tick.time);
        let whole = if interval == MINUTE { bucket.clone() } else { with_minutes(windows, series, interval, bucket) };
        let is_told = is_final || is_due && bucket.told != Some(whole.parts) || tick.tells_all;
        let (Some(value), true) = (&whole.value, is_told) else { continue };
        say(&Told { series, interval, start: bucket.start, value, complete: bucket.complete, r#final: is_final });
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
fn with_minutes<V: Value, S: TableKey>(
    windows: &Windows<V, S>,
    series: &S,
    interval: Interval,
    bucket: &Bucket<V>,
) -> Bucket<V> {
    let mut whole = bucket.clone();
    let minutes = windows.get(&(series.clone(), MINUTE));
    for minute in minutes.iter().flat_map(|Buckets(minutes)| minutes) {
        if interval.bucket(minute.start) == bucket.start {
            whole.absorb(minute.value.as_ref(), minute.parts);
        }
    }
    whole
}

/// Takes out what is final.
fn take_over<V: Value, S: TableKey>(windows: &mut Windows<V, S>, key: &(S, Interval), clock: i64) -> Vec<Bucket<V>> {
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
