//! Blocks' lines go in; the bytes that the node's files get for each, faults and all, come out, and beside them the
//! truth about what is wrong.

use std::collections::VecDeque;

use chrono::DateTime;

use crate::faults::{Fault, Faults};
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
const LOCAL_TIME: &[u8] = b"{\"local_time\":\"";

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

    /// The bytes for a block replace what `bytes` held.
    pub(crate) fn write(&mut self, made: Made, line: &[u8], bytes: &mut Vec<u8>) -> Vec<Row> {
        bytes.clear();
        if self.faults.has(Fault::Restarts) {
            self.recent.push(line.to_vec());
        }
        let plan = Plan::of(&self.faults, self.seed, made.block);
        let mut rows = Vec::new();
        if let Some(garbage) = &plan.garbage {
            push_line(bytes, garbage);
            rows.push(Row::at(Fault::Garbage, made.block));
        }
        let restart = plan.restart.map(|restart| self.recent.within_reach(restart));
        match restart.and_then(|restart| restart.torn) {
            Some(share) => bytes.extend_from_slice(cut(line, share)),
            None => rows.extend(write_once(plan.writing, made.block, line, bytes)),
        }
        rows.extend(restart.map(|restart| self.recent.repeat(restart, made, bytes)));
        rows.extend(plan.drops.then(|| Row::at(Fault::Dropped, made.block)));
        rows
    }
}

fn write_once(writing: Writing, block: u64, line: &[u8], bytes: &mut Vec<u8>) -> Option<Row> {
    match writing {
        Writing::Never => Some(Row::at(Fault::Missing, block)),
        Writing::Once => {
            push_line(bytes, line);
            None
        }
        Writing::Twice => {
            push_line(bytes, line);
            push_line(bytes, line);
            Some(Row::at(Fault::Duplicated, block))
        }
        Writing::Cut(share) => {
            push_line(bytes, cut(line, share));
            Some(Row::at(Fault::Truncated, block))
        }
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
    fn repeat(&self, restart: Restart, made: Made, bytes: &mut Vec<u8>) -> Row {
        let torn = restart.torn.is_some();
        let skipped = self.lines.len() - restart.blocks as usize;
        for (place, line) in (1..).zip(self.lines.iter().skip(skipped)) {
            push_late(bytes, line, made.local + place * PER_REPEATED_LINE);
        }
        let first = made.block + 1 - restart.blocks + u64::from(torn);
        Row { torn, ..Row::of(Fault::Restarts, made.block, first..=made.block) }
    }
}

/// A line as the node wrote it later: all is the same but its local time.
fn push_late(bytes: &mut Vec<u8>, line: &[u8], local: i64) {
    let moment = DateTime::from_timestamp_nanos(local).naive_utc();
    let rest = line.iter().skip(LOCAL_TIME.len()).position(|byte| *byte == b'"').map(|at| at + LOCAL_TIME.len());
    bytes.extend_from_slice(LOCAL_TIME);
    bytes.extend_from_slice(moment.format("%Y-%m-%dT%H:%M:%S%.f").to_string().as_bytes());
    push_line(bytes, &line[rest.unwrap_or(0)..]);
}

fn push_line(bytes: &mut Vec<u8>, line: &[u8]) {
    bytes.extend_from_slice(line);
    bytes.push(b'\n');
}

/// At least one byte, and never all of them.
fn cut(line: &[u8], per_mille: u64) -> &[u8] {
    let length = line.len() * per_mille as usize / 1000;
    &line[..length.clamp(1, line.len() - 1)]
}
