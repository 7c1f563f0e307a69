//! The two sides of a coin at the moments of a stretch of time: how many accounts stand there, or how much they hold.

use core::cmp::Ordering;

use schemas::Amount;
use serde::{Deserialize, Serialize};

use crate::windows::{Lasting, Value};

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub struct Moments<N> {
    pub open: Sides<N>,
    pub high: Sides<N>,
    pub low: Sides<N>,
    pub close: Sides<N>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides<N> {
    pub long: N,
    pub short: N,
}

/// What is counted: accounts, or what they hold.
pub trait Measure: Copy + Default + Ord {
    /// What an account with a position of this size counts.
    fn of(size: Amount) -> Self;
    /// `None` when it is too large for an exact number.
    fn plus(self, more: Self) -> Option<Self>;
    fn minus(self, less: Self) -> Option<Self>;
    fn share_of(self, whole: Self) -> Option<Amount>;
    /// Which is more of long over short, where somebody is short in one of them.
    fn compare(one: Sides<Self>, other: Sides<Self>) -> Ordering;
}

impl<N: Measure> Moments<N> {
    /// The whole time the same.
    pub fn of(sides: Sides<N>) -> Self {
        Self { open: sides, high: sides, low: sides, close: sides }
    }

    /// What counted the one counts the other from here on.
    pub fn replace(&mut self, before: Sides<N>, after: Sides<N>) -> Option<()> {
        self.close = self.close.plus(after)?.minus(before)?;
        self.high = self.high.or_higher(self.close);
        self.low = self.low.or_lower(self.close);
        Some(())
    }
}

impl<N: Measure> Value for Moments<N> {
    fn merge(&mut self, later: &Self) {
        self.high = self.high.or_higher(later.high);
        self.low = self.low.or_lower(later.low);
        self.close = later.close;
    }
}

impl<N: Measure> Lasting for Moments<N> {
    fn as_it_ended(&self) -> Self {
        Self::of(self.close)
    }
}

impl<N: Measure> Sides<N> {
    /// One account with a position of this size.
    pub fn of(size: Amount) -> Self {
        let counts = |sign| if size.sign() == sign { N::of(size) } else { N::default() };
        Self { long: counts(1), short: counts(-1) }
    }

    pub fn plus(self, more: Self) -> Option<Self> {
        Some(Self { long: self.long.plus(more.long)?, short: self.short.plus(more.short)? })
    }

    pub fn minus(self, less: Self) -> Option<Self> {
        Some(Self { long: self.long.minus(less.long)?, short: self.short.minus(less.short)? })
    }

    /// Long over short.
    pub fn ratio(self) -> Option<Amount> {
        self.long.share_of(self.short)
    }

    pub fn long_share(self) -> Option<Amount> {
        self.long.share_of(self.long.plus(self.short)?)
    }

    pub fn short_share(self) -> Option<Amount> {
        self.short.share_of(self.long.plus(self.short)?)
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
        let nobody = N::default();
        if self.short == nobody && other.short == nobody { self.long.cmp(&other.long) } else { N::compare(self, other) }
    }
}

impl Measure for u64 {
    fn of(size: Amount) -> Self {
        Self::from(!size.is_zero())
    }

    fn plus(self, more: Self) -> Option<Self> {
        self.checked_add(more)
    }

    fn minus(self, less: Self) -> Option<Self> {
        Some(self.saturating_sub(less))
    }

    fn share_of(self, whole: Self) -> Option<Amount> {
        let amount = |count: Self| i64::try_from(count).ok().map(Amount::from);
        amount(self)?.over(amount(whole)?).ok()
    }

    fn compare(one: Sides<Self>, other: Sides<Self>) -> Ordering {
        (u128::from(one.long) * u128::from(other.short)).cmp(&(u128::from(other.long) * u128::from(one.short)))
    }
}

impl Measure for Amount {
    fn of(size: Amount) -> Self {
        size.magnitude()
    }

    fn plus(self, more: Self) -> Option<Self> {
        self.plus(more).ok()
    }

    fn minus(self, less: Self) -> Option<Self> {
        self.minus(less).ok()
    }

    fn share_of(self, whole: Self) -> Option<Amount> {
        self.over(whole).ok()
    }

    fn compare(one: Sides<Self>, other: Sides<Self>) -> Ordering {
        match (one.long.times(other.short), other.long.times(one.short)) {
            (Ok(one), Ok(other)) => one.cmp(&other),
            // More digits than a product can hold: then as they are told.
            _ => (one.short.is_zero(), one.ratio()).cmp(&(other.short.is_zero(), other.ratio())),
        }
    }
}
