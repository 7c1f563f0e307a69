//! Blocks' lines go in; what the node's files get for each, faults and all, comes out, and beside it the truth about
//! what is wrong.

use std::collections::VecDeque;

use crate::faults::{Fault, Faults};
use crate::faults_pieces::Piece;
use crate::faults_plan::{MOST_REPEATED, Plan, Restart, Writing};
use crate::faults_truth::Row;

pub(crate) struct Pen {
    seed: u64,
    faults: Faults,
    recent: Recent,
}

/// What a restart can write again: the last lines without their line feeds.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
}

/// When a block's line was made, and the number of the block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) block: u64,
    /// In nanoseconds.
    pub(crate) local: i64,
}

/// Of the lines that are remembered; the busiest markets are repeated less far back.
const MOST_BYTES: usize = 32 << 20;
/// From one repeated line to the next, in nanoseconds.
const PER_REPEATED_LINE: i64 = 50_000;

impl Pen {
    pub(crate) fn new(seed: u64, faults: Faults, recent: Recent) -> Self {
        Self { seed, faults, recent }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// From the next block on.
    pub(crate) fn change(&mut self, faults: Faults) {
        self.faults = faults;
        if !faults.has(Fault::Restarts) {
            self.recent = Recent::default();
        }
    }

    /// What is written for a block.
    pub(crate) fn write<'a>(&'a mut self, made: Made, line: &'a [u8]) -> (Vec<Piece<'a>>, Vec<Row>) {
        if self.faults.has(Fault::Restarts) {
            self.recent.push(line.to_vec());
        }
        let plan = Plan::of(&self.faults, self.seed, made.block);
        let (mut pieces, mut rows) = (Vec::new(), Vec::new());
        if let Some(garbage) = plan.garbage {
            pieces.push(Piece::Garbage(garbage));
            rows.push(Row::at(Fault::Garbage, made.block));
        }
        let restart = plan.restart.map(|restart| self.recent.within_reach(restart));
        let (written, fault) = match restart.and_then(|restart| restart.torn) {
            Some(share) => (vec![Piece::Torn(line, share)], None),
            None => written(plan.writing, line),
        };
        pieces.extend(written);
        rows.extend(fault.map(|fault| Row::at(fault, made.block)));
        rows.extend(restart.map(|restart| self.recent.repeat(restart, made, &mut pieces)));
        rows.extend(plan.drops.then(|| Row::at(Fault::Dropped, made.block)));
        rows.extend(plan.silences.then(|| Row::at(Fault::Silent, made.block)));
        (pieces, rows)
    }
}

/// What a line becomes, and what is wrong with it.
fn written(writing: Writing, line: &[u8]) -> (Vec<Piece<'_>>, Option<Fault>) {
    match writing {
        Writing::Once => (vec![Piece::Whole(line)], None),
        Writing::Twice => (vec![Piece::Whole(line), Piece::Whole(line)], Some(Fault::Duplicated)),
        Writing::Cut(share) => (vec![Piece::Cut(line, share)], Some(Fault::Truncated)),
        Writing::Never => (Vec::new(), Some(Fault::Missing)),
    }
}

impl Recent {
    /// The oldest go as soon as there are too many, so what is remembered depends on the blocks alone.
    pub(crate) fn push(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > MOST_REPEATED as usize || (self.bytes > MOST_BYTES && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |oldest| oldest.len());
        }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(Vec::as_slice)
    }

    /// A single repeated line is not torn into: its block would be lost.
    fn within_reach(&self, restart: Restart) -> Restart {
        let blocks = restart.blocks.min(self.lines.len() as u64);
        Restart { blocks, torn: restart.torn.filter(|_| blocks > 1) }
    }

    /// Writes the last blocks again. Where the line before was torn, the first of them continues it and is no line of
    /// its own.
    fn repeat<'a>(&'a self, restart: Restart, made: Made, pieces: &mut Vec<Piece<'a>>) -> Row {
        let torn = restart.torn.is_some();
        let skipped = self.lines.len() - restart.blocks as usize;
        for (place, line) in (1..).zip(self.lines.iter().skip(skipped)) {
            pieces.push(Piece::Again(line, made.local + place * PER_REPEATED_LINE));
        }
        let first = made.block + 1 - restart.blocks + u64::from(torn);
        Row { torn, ..Row::of(Fault::Restarts, made.block, first..=made.block) }
    }
}
