//! Which accounts a long/short ratio is of, and what of them is counted.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Amount;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatioKind {
    /// How many of all accounts stand on each side.
    #[default]
    Accounts,
    /// How many of the accounts with the largest positions.
    TopAccounts,
    /// How much the accounts with the largest positions hold on each side.
    TopPositions,
    /// How many of the accounts of a size cohort.
    CohortAccounts,
    /// How much the accounts of a size cohort hold on each side.
    CohortPositions,
}

/// Accounts whose positions in a coin are worth about as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeCohort {
    Shrimp,
    Fish,
    Dolphin,
    Shark,
    Whale,
    Leviathan,
}

impl RatioKind {
    pub const ALL: [Self; 5] =
        [Self::Accounts, Self::TopAccounts, Self::TopPositions, Self::CohortAccounts, Self::CohortPositions];

    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::TopAccounts => "top_accounts",
            Self::TopPositions => "top_positions",
            Self::CohortAccounts => "cohort_accounts",
            Self::CohortPositions => "cohort_positions",
        }
    }

    /// There is one for each size cohort.
    pub fn is_by_size(self) -> bool {
        matches!(self, Self::CohortAccounts | Self::CohortPositions)
    }

    /// Sizes are counted, and not heads.
    pub fn is_of_positions(self) -> bool {
        matches!(self, Self::TopPositions | Self::CohortPositions)
    }
}

impl SizeCohort {
    pub const ALL: [Self; 6] = [Self::Shrimp, Self::Fish, Self::Dolphin, Self::Shark, Self::Whale, Self::Leviathan];

    /// Where a position of this notional belongs.
    pub fn of(notional: Amount) -> Self {
        let is_reached = |cohort: &Self| notional >= Amount::from(cohort.lowest());
        Self::ALL.into_iter().rfind(is_reached).unwrap_or(Self::Shrimp)
    }

    /// What its positions are worth at least, in USD.
    pub fn lowest(self) -> i64 {
        match self {
            Self::Shrimp => 0,
            Self::Fish => 1_000,
            Self::Dolphin => 10_000,
            Self::Shark => 100_000,
            Self::Whale => 1_000_000,
            Self::Leviathan => 10_000_000,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Shrimp => "shrimp",
            Self::Fish => "fish",
            Self::Dolphin => "dolphin",
            Self::Shark => "shark",
            Self::Whale => "whale",
            Self::Leviathan => "leviathan",
        }
    }
}

impl FromStr for RatioKind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(())
    }
}

impl FromStr for SizeCohort {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|cohort| cohort.name() == name).ok_or(())
    }
}

impl fmt::Display for RatioKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for SizeCohort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cohort_begins_with_its_lower_border() {
        for (notional, cohort) in [
            ("0", SizeCohort::Shrimp),
            ("999.99", SizeCohort::Shrimp),
            ("1000.0", SizeCohort::Fish),
            ("99999.999", SizeCohort::Dolphin),
            ("100000", SizeCohort::Shark),
            ("9999999.9", SizeCohort::Whale),
            ("10000000", SizeCohort::Leviathan),
            ("79228162514264337593543950335", SizeCohort::Leviathan),
        ] {
            assert_eq!(SizeCohort::of(notional.parse().expect(notional)), cohort, "{notional}");
        }
    }
}
