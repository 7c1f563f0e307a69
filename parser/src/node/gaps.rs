//! Holes whose blocks may still be found elsewhere: those that are left of each.

use schemas::{Gap, OpenGap};

/// More than so many are not waited for: the oldest ones stay missing.
const MOST: usize = 1_000;

/// What a block is to the holes.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Not in any of them.
    Nothing,
    /// Others of its hole are still missing.
    Part,
    /// The last one that was missing.
    Rest(Gap),
}

pub fn open(open: &mut Vec<OpenGap>, gap: Gap) {
    if open.len() == MOST {
        open.remove(0);
    }
    open.push(OpenGap { gap, left: vec![(gap.from_block, gap.to_block)] });
}

/// Takes a block off the hole that it is in.
pub fn find(open: &mut Vec<OpenGap>, block: u64) -> Found {
    let is_in = |&(from, to): &(u64, u64)| (from..=to).contains(&block);
    let Some(at) = open.iter().position(|hole| hole.left.iter().any(is_in)) else { return Found::Nothing };
    let left = open[at].left.iter().flat_map(|&(from, to)| without(block, from, to)).collect::<Vec<_>>();
    if left.is_empty() {
        return Found::Rest(open.remove(at).gap);
    }
    open[at].left = left;
    Found::Part
}

/// What is left of a stretch, before and behind the block.
fn without(block: u64, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    let before = block.checked_sub(1).map(|last| (from, last.min(to)));
    let behind = (block.saturating_add(1).max(from), to);
    before.into_iter().chain([behind]).filter(|(from, to)| from <= to)
}
