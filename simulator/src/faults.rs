//! Faults on demand: a list of names, as it stands on a command line, goes in; how often each fault happens comes out.
//! What is wrong then is what is written and sent, never the market and never the truth.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::dice::{Dice, Stream, named};

/// How often which fault happens; the default is never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// About once in so many blocks, or requests, in the order of `KINDS`; 0 is never.
    every: [u32; KINDS.len()],
}

/// A list of faults that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultsError {
    Name(String),
    Rate(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Duplicated,
    Truncated,
    Garbage,
    Missing,
    Restarts,
    Dropped,
    Silent,
    Refusals,
}

struct Kind {
    fault: Fault,
    name: &'static str,
    meaning: &'static str,
    /// About once in so many blocks, or requests, when nothing else is asked for.
    usual: u32,
}

const KINDS: [Kind; 8] = [
    kind(Fault::Duplicated, "duplicated", 500, "a block's line is written twice"),
    kind(Fault::Truncated, "truncated", 2_000, "a block's line is cut somewhere and ended there"),
    kind(Fault::Garbage, "garbage", 1_000, "a line of arbitrary bytes stands before a block's line"),
    kind(Fault::Missing, "missing", 2_000, "1 to 20 blocks are never written"),
    kind(Fault::Restarts, "restarts", 3_000, "the node restarts: the last 1 to 200 blocks are written again"),
    kind(Fault::Dropped, "dropped", 1_000, "all WebSocket connections end without a close frame"),
    kind(Fault::Silent, "silent", 1_500, "the oldest WebSocket connection gets nothing more and stays open"),
    kind(
        Fault::Refusals,
        "refusals",
        50,
        "an info request or a new connection, once in so many, is answered 429 or 502 with a page of HTML",
    ),
];

const fn kind(fault: Fault, name: &'static str, usual: u32, meaning: &'static str) -> Kind {
    Kind { fault, name, meaning, usual }
}

impl Faults {
    /// Name, usual rate and meaning of each fault, for a help text. The rate is in blocks from one to the next; that of
    /// `refusals` in requests.
    pub fn known() -> impl Iterator<Item = (&'static str, u32, &'static str)> {
        KINDS.iter().map(|kind| (kind.name, kind.usual, kind.meaning))
    }

    /// All of them at their usual rates.
    pub fn all() -> Self {
        Self { every: KINDS.map(|kind| kind.usual) }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.every[fault as usize] > 0
    }

    /// Whether a fault happens at a block, or a request: the same answer whenever it is asked.
    pub(crate) fn hits(&self, fault: Fault, seed: u64, block: u64) -> bool {
        self.has(fault)
            && named(seed, Stream::Faults, place(fault, block)).is_multiple_of(self.every[fault as usize].into())
    }

    fn set(&mut self, name: &str, rate: Option<u32>) -> Result<(), FaultsError> {
        let meant = |kind: &&Kind| name == "all" || name == kind.name;
        for kind in KINDS.iter().filter(meant) {
            self.every[kind.fault as usize] = rate.unwrap_or(kind.usual);
        }
        if KINDS.iter().any(|kind| meant(&kind)) { Ok(()) } else { Err(FaultsError::Name(name.to_owned())) }
    }
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        KINDS[self as usize].name
    }

    /// Chance for the shape that a fault takes at a block.
    pub(crate) fn dice(self, seed: u64, block: u64) -> Dice {
        Dice::new(seed, Stream::FaultShapes, place(self, block))
    }
}

fn place(fault: Fault, block: u64) -> u64 {
    block << 3 | fault as u64
}

impl FromStr for Faults {
    type Err = FaultsError;

    /// `all`, `none`, or names with or without a rate: `duplicated,missing=500`. What comes later in the list counts.
    fn from_str(list: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "none") {
            let (name, rate) = match item.split_once('=') {
                Some((name, rate)) => (name, Some(parsed(rate)?)),
                None => (item, None),
            };
            faults.set(name, rate)?;
        }
        Ok(faults)
    }
}

fn parsed(rate: &str) -> Result<u32, FaultsError> {
    rate.parse().ok().filter(|rate| *rate > 0).ok_or_else(|| FaultsError::Rate(rate.to_owned()))
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = KINDS
            .iter()
            .filter(|kind| self.has(kind.fault))
            .map(|kind| format!("{}={}", kind.name, self.every[kind.fault as usize]))
            .collect();
        f.write_str(if named.is_empty() { "none".to_owned() } else { named.join(",") }.as_str())
    }
}

impl fmt::Display for FaultsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                write!(f, "there is no fault {name:?}: name some of {}, or all", known.join(", "))
            }
            Self::Rate(rate) => {
                write!(
                    f,
                    "{rate:?} is no rate: write a whole number from 1 on, as in missing=500: once in so many blocks"
                )
            }
        }
    }
}

impl Error for FaultsError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_is_read_as_it_is_written() {
        for (list, written) in [
            ("", "none"),
            ("none", "none"),
            ("missing", "missing=2000"),
            (" garbage=7, duplicated ", "duplicated=500,garbage=7"),
            ("all=9", "duplicated=9,truncated=9,garbage=9,missing=9,restarts=9,dropped=9,silent=9,refusals=9"),
        ] {
            let faults: Faults = list.parse().unwrap();
            assert_eq!(faults.to_string(), written);
            assert_eq!(written.parse(), Ok(faults));
        }
        assert_eq!("all".parse(), Ok(Faults::all()));
        assert_eq!("all,missing=3".parse::<Faults>().unwrap().every[Fault::Missing as usize], 3);
    }

    #[test]
    fn what_is_no_fault_says_what_is() {
        let error = |list: &str| list.parse::<Faults>().unwrap_err();
        assert_eq!(error("missing,late"), FaultsError::Name("late".to_owned()));
        assert!(Faults::known().all(|(name, ..)| error("late").to_string().contains(name)));
        for rate in ["0", "", "-1", "often", "4294967296"] {
            assert_eq!(error(&format!("all={rate}")), FaultsError::Rate(rate.to_owned()));
        }
    }

    #[test]
    fn every_fault_stands_in_its_place() {
        for (place, kind) in KINDS.iter().enumerate() {
            assert_eq!(kind.fault as usize, place);
        }
    }

    #[test]
    fn faults_are_about_as_frequent_as_asked() {
        let faults: Faults = "all=100".parse().unwrap();
        for kind in &KINDS {
            let hits = (1..=100_000).filter(|block| faults.hits(kind.fault, 5, *block)).count();
            assert!((850..=1_150).contains(&hits), "{}: {hits}", kind.name);
            assert!((1..=1_000).all(|block| !Faults::default().hits(kind.fault, 5, block)));
        }
    }
}
