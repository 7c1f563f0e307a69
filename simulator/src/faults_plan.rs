//! What goes wrong with one block's line: seed, faults and number of the block go in, and nothing else, so that the
//! same is planned after a restart.

use crate::dice::Dice;
use crate::faults::{Fault, Faults};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Stands before the line.
    pub(crate) garbage: Option<Vec<u8>>,
    pub(crate) writing: Writing,
    pub(crate) restart: Option<Restart>,
    pub(crate) drops: bool,
    pub(crate) silences: bool,
}

/// How the line itself is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Once,
    Twice,
    /// Up to so many thousandths of it.
    Cut(u64),
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restart {
    /// How many blocks are written again, this one included.
    pub(crate) blocks: u64,
    /// The node was killed within this block's line: up to so many thousandths of it.
    pub(crate) torn: Option<u64>,
}

const LONGEST_MISSING: i64 = 20;
pub(crate) const MOST_REPEATED: i64 = 200;
const LONGEST_GARBAGE: i64 = 300;
const TORN_PER_MILLE: u64 = 400;

impl Plan {
    pub(crate) fn of(faults: &Faults, seed: u64, block: u64) -> Self {
        let hits = |fault| faults.hits(fault, seed, block);
        let dice = |fault: Fault| fault.dice(seed, block);
        let writing = if is_missing(faults, seed, block) {
            Writing::Never
        } else if hits(Fault::Truncated) {
            Writing::Cut(dice(Fault::Truncated).below(1000))
        } else if hits(Fault::Duplicated) {
            Writing::Twice
        } else {
            Writing::Once
        };
        Self {
            garbage: hits(Fault::Garbage).then(|| garbage(&mut dice(Fault::Garbage))),
            writing,
            restart: hits(Fault::Restarts).then(|| restart(&mut dice(Fault::Restarts), writing)),
            drops: hits(Fault::Dropped),
            silences: hits(Fault::Silent),
        }
    }
}

/// Whether a run of missing blocks that began at this block or not long before reaches it.
fn is_missing(faults: &Faults, seed: u64, block: u64) -> bool {
    let first = block.saturating_sub(LONGEST_MISSING as u64 - 1).max(1);
    let length = |begin| Fault::Missing.dice(seed, begin).between(1, LONGEST_MISSING) as u64;
    (first..=block).any(|begin| faults.hits(Fault::Missing, seed, begin) && begin + length(begin) > block)
}

/// A line of its own is torn only when it would have been written whole.
fn restart(dice: &mut Dice, writing: Writing) -> Restart {
    let blocks = dice.between(1, MOST_REPEATED) as u64;
    let torn = (writing == Writing::Once && blocks > 1 && dice.happens(TORN_PER_MILLE)).then(|| dice.below(1000));
    Restart { blocks, torn }
}

/// Either plain letters or bytes that are no UTF-8; never a line feed, never a block.
fn garbage(dice: &mut Dice) -> Vec<u8> {
    let readable = dice.happens(400);
    let (least, most) = if readable { (b'!', b'~') } else { (0, u8::MAX) };
    let mut bytes = vec![if readable { b'#' } else { 0xff }];
    for _ in 1..dice.between(1, LONGEST_GARBAGE) {
        let byte = dice.between(least.into(), most.into()) as u8;
        bytes.push(if byte == b'\n' { b'\r' } else { byte });
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BLOCKS: u64 = 50_000;

    fn plans(list: &str) -> Vec<Plan> {
        let faults = list.parse().unwrap();
        (1..=BLOCKS).map(|block| Plan::of(&faults, 3, block)).collect()
    }

    #[test]
    fn nothing_is_planned_when_nothing_is_asked_for() {
        let whole = Plan { garbage: None, writing: Writing::Once, restart: None, drops: false, silences: false };
        assert!(plans("none").iter().all(|plan| *plan == whole));
    }

    #[test]
    fn blocks_are_missing_in_runs() {
        let plans = plans("missing=500");
        let runs = plans.chunk_by(|one, other| one.writing == other.writing);
        let missing: Vec<usize> = runs.filter(|run| run[0].writing == Writing::Never).map(<[Plan]>::len).collect();
        assert!((70..=130).contains(&missing.len()), "{} runs", missing.len());
        // Two runs may touch; but that is rare.
        assert!(missing.iter().filter(|length| **length > 20).count() < 5, "{missing:?}");
        assert!(missing.contains(&1) && missing.contains(&20));
    }

    #[test]
    fn restarts_reach_back_and_are_torn_now_and_then() {
        let plans = plans("all=60");
        let restarts: Vec<(Restart, Writing)> =
            plans.iter().filter_map(|plan| Some((plan.restart?, plan.writing))).collect();
        let torn: Vec<_> = restarts.iter().filter(|(restart, _)| restart.torn.is_some()).collect();
        assert!(torn.len() * 5 > restarts.len() && torn.len() * 2 < restarts.len(), "{}", torn.len());
        assert!(torn.iter().all(|(restart, writing)| restart.blocks > 1 && *writing == Writing::Once));
        assert_eq!(restarts.iter().map(|(restart, _)| restart.blocks).min(), Some(1));
        assert_eq!(restarts.iter().map(|(restart, _)| restart.blocks).max(), Some(200));
    }

    #[test]
    fn garbage_is_one_line_and_no_block() {
        let garbage: Vec<Vec<u8>> = plans("garbage=20").into_iter().filter_map(|plan| plan.garbage).collect();
        assert!(garbage.iter().any(|line| str::from_utf8(line).is_ok()));
        assert!(garbage.iter().any(|line| str::from_utf8(line).is_err()));
        assert!(garbage.iter().all(|line| !line.contains(&b'\n')));
        assert!(garbage.iter().all(|line| serde_json::from_slice::<serde_json::Value>(line).is_err()));
    }
}
