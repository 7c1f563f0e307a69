//! What is held of a coin, and its open interest, by minutes of event time -> how much of the open interest is known at
//! the end of one.
//!
//! It stands apart from what is told in buckets: that it has changed is no reason to tell one anew.

use alloc::vec::Vec;

use schemas::{Amount, AssetContext, Interval, PositionChange};
use serde::{Deserialize, Serialize};

use crate::processor::Tick;
use crate::stage::GRACE_MS;

const MINUTE: Interval = Interval::OneMinute;

/// Of one coin: as each minute ended that may still be asked for, and as it is so far; oldest first. A minute that is
/// not there is as the one before it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Interest {
    /// When the context was received that told the open interest.
    received: Option<i64>,
    minutes: Vec<Minute>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Minute {
    start: i64,
    /// All positions that are known, long and short added up; absent since it was too large for an exact decimal.
    held: Option<Amount>,
    /// Absent before the first context.
    open: Option<Amount>,
}

impl Interest {
    /// A position is another one from then on.
    pub fn change(&mut self, change: &PositionChange) {
        let (before, after) = (change.known.unwrap_or_default().magnitude(), change.after.magnitude());
        self.since(change.time, |minute| {
            minute.held = minute.held.and_then(|held| held.plus(after).and_then(|held| held.minus(before)).ok());
        });
    }

    /// Whether it tells another open interest, and no older one.
    pub fn is_news(&self, context: &AssetContext) -> bool {
        let open = self.minutes.last().and_then(|minute| minute.open);
        self.received <= Some(context.time) && open != Some(context.open_interest)
    }

    pub fn context(&mut self, context: &AssetContext) {
        self.received = Some(context.time);
        self.since(context.time, |minute| minute.open = Some(context.open_interest));
    }

    /// In per cent, cut to two decimals: both sides are held, and the open interest is of one.
    pub fn coverage_at(&self, end: i64) -> Option<Amount> {
        let &Minute { held, open, .. } = self.minutes.iter().rfind(|minute| minute.start < end)?;
        let (held, open) = (held?, open?);
        let parts = held.times(Amount::from(5_000)).and_then(|held| held.over(open)).ok()?.floor();
        Some(parts.times(Amount::power_of_ten(-2).ok()?).ok()?.shortest())
    }

    /// Whether, once a minute, there is one with which nothing ends any more.
    pub fn has_over(&self, tick: &Tick) -> bool {
        tick.crosses(MINUTE.length_ms()) && self.minutes.get(1).is_some_and(|next| is_over(next, tick))
    }

    pub fn forget_over(&mut self, tick: &Tick) {
        let over = self.minutes.iter().skip(1).take_while(|next| is_over(next, tick)).count();
        self.minutes.drain(..over);
    }

    fn since(&mut self, time: i64, change: impl Fn(&mut Minute)) {
        let start = MINUTE.bucket(time);
        let place = self.minutes.partition_point(|minute| minute.start < start);
        if self.minutes.get(place).is_none_or(|minute| minute.start != start) {
            let before = place.checked_sub(1).map(|before| self.minutes[before]);
            self.minutes.insert(place, Minute { start, ..before.unwrap_or_default() });
        }
        self.minutes[place..].iter_mut().for_each(change);
    }
}

/// Whether everything that ends where it begins is final.
fn is_over(minute: &Minute, tick: &Tick) -> bool {
    minute.start + GRACE_MS <= tick.time
}

impl Default for Minute {
    fn default() -> Self {
        Self { start: 0, held: Some(Amount::ZERO), open: None }
    }
}
