//! Who belongs to which cohort of a coin, by how large the positions are.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use schemas::{Amount, Coin, RatioKind, SizeCohort, Wallet};
use serde::{Deserialize, Serialize};

use crate::table::TableKey;

/// One in so many accounts is at the top, rounded up: those with the largest positions.
const ONE_IN: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cohort {
    Top,
    OfSize(SizeCohort),
}

/// Where an account belongs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    is_top: bool,
    size: Option<SizeCohort>,
}

/// Where the accounts with these positions belong, at this price. Of two that are as large the first wallet comes first.
pub fn rank(positions: &[(Wallet, Amount)], px: Amount) -> BTreeMap<Wallet, Membership> {
    let mut largest_first: Vec<(Amount, Wallet)> =
        positions.iter().map(|(wallet, size)| (size.magnitude(), *wallet)).collect();
    largest_first.sort_unstable_by_key(|(size, wallet)| (Reverse(*size), *wallet));
    let top = positions.len().div_ceil(ONE_IN);
    let ranked = largest_first.into_iter().enumerate().map(|(place, (size, wallet))| {
        // What is worth more than an exact decimal holds is of no size that is known.
        let size = size.times(px).ok().map(SizeCohort::of);
        (wallet, Membership { is_top: place < top, size })
    });
    ranked.collect()
}

impl Membership {
    pub fn cohorts(self) -> impl Iterator<Item = Cohort> {
        self.is_top.then_some(Cohort::Top).into_iter().chain(self.size.map(Cohort::OfSize))
    }

    pub fn is_nowhere(self) -> bool {
        self == Self::default()
    }
}

impl Cohort {
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Top].into_iter().chain(SizeCohort::ALL.map(Self::OfSize))
    }

    pub fn size(self) -> Option<SizeCohort> {
        match self {
            Self::Top => None,
            Self::OfSize(size) => Some(size),
        }
    }

    /// The ratios of its accounts and of its positions.
    pub fn kinds(self) -> [RatioKind; 2] {
        match self {
            Self::Top => [RatioKind::TopAccounts, RatioKind::TopPositions],
            Self::OfSize(_) => [RatioKind::CohortAccounts, RatioKind::CohortPositions],
        }
    }

    fn name(self) -> &'static str {
        self.size().map_or("top", SizeCohort::name)
    }
}

/// One cohort of a coin.
impl TableKey for (Coin, Cohort) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        out.push(b'|');
        out.extend_from_slice(self.1.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, name) = text.rsplit_once('|')?;
        Some((Coin::new(coin), Cohort::all().find(|cohort| cohort.name() == name)?))
    }
}
