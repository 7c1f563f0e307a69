//! `position-changes` -> `long-short-ratios`: how many accounts stand on each side of a coin, per interval.
//!
//! By accounts and never by money over everybody: every long has its short, so that ratio is always one.

use core::cmp::Ordering;

use schemas::{Amount, Gap, LongShortRatio, PositionChange};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::windows::{self, Lasting, Windows};

/// The accounts at the moments of a stretch of time.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub struct Moments {
    open: Accounts,
    high: Accounts,
    low: Accounts,
    close: Accounts,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Accounts {
    long: u64,
    short: u64,
}

pub fn fold(coins: &mut Windows<Moments>, change: &PositionChange, _: &mut Out<LongShortRatio>) {
    let before = change.known.map_or(0, Amount::sign);
    let after = change.after.sign();
    if before != after {
        windows::change(coins, &change.coin, change.time, |moments: &mut Moments| moments.move_accounts(before, after));
    }
}

pub fn tick(coins: &mut Windows<Moments>, tick: &Tick, out: &mut Out<LongShortRatio>) {
    windows::begin_quiet(coins, tick);
    windows::tell(coins, tick, |bucket| {
        let Moments { open, high, low, close } = bucket.value;
        let Accounts { long, short } = *close;
        out.push(LongShortRatio {
            coin: bucket.coin.clone(),
            interval: bucket.interval,
            time: bucket.start,
            long_accounts: long,
            short_accounts: short,
            long_ratio: share(long, long + short),
            short_ratio: share(short, long + short),
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

pub fn gap(coins: &mut Windows<Moments>, gap: &Gap) {
    windows::gap(coins, gap);
}

impl windows::Value for Moments {
    fn merge(&mut self, later: &Self) {
        self.high = self.high.or_higher(later.high);
        self.low = self.low.or_lower(later.low);
        self.close = later.close;
    }
}

impl Lasting for Moments {
    fn as_it_ended(&self) -> Self {
        Self { open: self.close, high: self.close, low: self.close, close: self.close }
    }
}

impl Moments {
    fn move_accounts(&mut self, before: i32, after: i32) {
        self.close = self.close.moved(before, after);
        self.high = self.high.or_higher(self.close);
        self.low = self.low.or_lower(self.close);
    }
}

impl Accounts {
    fn moved(self, before: i32, after: i32) -> Self {
        Self {
            long: (self.long + u64::from(after > 0)).saturating_sub(u64::from(before > 0)),
            short: (self.short + u64::from(after < 0)).saturating_sub(u64::from(before < 0)),
        }
    }

    fn or_higher(self, other: Self) -> Self {
        if self.is_nobody() || self.compare(other) == Ordering::Less { other } else { self }
    }

    fn or_lower(self, other: Self) -> Self {
        let is_lower = !other.is_nobody() && self.compare(other) == Ordering::Greater;
        if self.is_nobody() || is_lower { other } else { self }
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
