//! Blocks as several sources have them → one tape in the order of events: each block once, each of its fills once, and of the
//! holes what is still missing. Knows no log: whoever has one hands the records over.

use std::collections::BTreeMap;

use schemas::{Batch, Clock, Gap, Headers, Record, comes_after, is_numbered, kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// A block of one source, with what it said before it.
#[derive(Debug, Default)]
pub struct Block {
    pub clock: Clock,
    /// By their place in it.
    fills: BTreeMap<u32, Kept>,
    /// What says that it is whole; single fills that were found later have none.
    whole: Option<Kept>,
    holes: Vec<(Gap, Kept)>,
    /// Where its source goes on.
    pub next: u64,
}

/// A record as it is.
#[derive(Debug)]
struct Kept {
    time: i64,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<u8>,
}

/// Records of a source, one after the other → its blocks.
#[derive(Debug, Default)]
pub struct Blocks {
    open: Option<Block>,
    holes: Vec<(Gap, Kept)>,
}

#[derive(Deserialize)]
struct Place {
    block: u64,
    index: u32,
    time: i64,
}

impl Blocks {
    /// The block that is whole now, if one is: by its clock, or because this record is of another one.
    pub fn take(&mut self, offset: u64, record: &Record<'_>) -> Result<Option<Block>, Failure> {
        let kept = Kept::of(record);
        match record.headers.get(kind::HEADER) {
            Some(kind::CLOCK) => {
                let clock: Clock = read(&kept.value)?;
                let is_its = self.open.as_ref().is_some_and(|open| open.clock.block == clock.block);
                // Of a block without a clock of its own the rest is told before this one.
                let before = if is_its { None } else { self.open.take() };
                let mut block = self.open.take().unwrap_or_else(|| self.begin(clock));
                (block.clock, block.whole, block.next) = (clock, Some(kept), offset + 1);
                match before {
                    None => Ok(Some(block)),
                    before => {
                        self.open = Some(block);
                        Ok(before)
                    }
                }
            }
            Some(kind::GAP) => {
                self.holes.push((read(&kept.value)?, kept));
                Ok(None)
            }
            _ => {
                let Place { block, index, time } = read(&kept.value)?;
                let is_its = |open: &&mut Block| open.clock.block == block && open.whole.is_none();
                if let Some(open) = self.open.as_mut().filter(|open| is_its(open)) {
                    (open.clock.time, open.next) = (open.clock.time.max(time), offset + 1);
                    open.fills.insert(index, kept);
                    return Ok(None);
                }
                let before = self.open.take();
                let mut begun = self.begin(Clock { time, block });
                begun.fills.insert(index, kept);
                begun.next = offset + 1;
                self.open = Some(begun);
                Ok(before)
            }
        }
    }

    /// What is left when nothing follows.
    pub fn end(&mut self) -> Option<Block> {
        self.open.take()
    }

    fn begin(&mut self, clock: Clock) -> Block {
        Block { clock, holes: std::mem::take(&mut self.holes), ..Block::default() }
    }
}

impl Block {
    pub fn is_after(&self, other: Clock) -> bool {
        comes_after(place(self.clock), place(other))
    }

    /// Whether it says that something before it is missing.
    pub fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    /// The same block, as another source has it: what this one lacks is taken.
    fn join(&mut self, other: Self) {
        for (index, fill) in other.fills {
            self.fills.entry(index).or_insert(fill);
        }
        self.whole = self.whole.take().or(other.whole);
        self.clock.time = self.clock.time.max(other.clock.time);
    }
}

/// The tape as far as it is in order.
#[derive(Debug, Default)]
pub struct Merge {
    /// The last block that was written.
    pub last: Option<Clock>,
}

impl Merge {
    /// Writes the earliest of the blocks that come next in their sources. Gives back which of them have gone on, and where;
    /// nothing when the first source, which is the tape as it was written, has to be known first.
    pub fn step(&mut self, heads: &mut [Option<Block>], out: &mut Batch) -> Result<Vec<(usize, u64)>, Failure> {
        let earlier = |one: Clock, other: Clock| if comes_after(place(one), place(other)) { other } else { one };
        let clocks = heads.iter().flatten().map(|head| head.clock);
        let (Some(Some(_)), Some(first)) = (heads.first(), clocks.reduce(earlier)) else { return Ok(Vec::new()) };
        self.say_holes(first, heads, out)?;
        let (mut gone_on, mut whole): (Vec<(usize, u64)>, Option<Block>) = (Vec::new(), None);
        for (source, head) in heads.iter_mut().enumerate() {
            let Some(block) = head.take_if(|block| block.clock.block == first.block) else { continue };
            gone_on.push((source, block.next));
            match &mut whole {
                None => whole = Some(block),
                Some(whole) => whole.join(block),
            }
        }
        let Some(block) = whole else { return Ok(gone_on) };
        // What stands there already, also since before the task began again, is not told again.
        if self.last.is_some_and(|last| !block.is_after(last)) {
            return Ok(gone_on);
        }
        block.fills.values().for_each(|fill| fill.write(out));
        if let Some(whole) = &block.whole {
            whole.write(out);
            self.last = Some(block.clock);
        }
        Ok(gone_on)
    }

    /// Of what any source lacks before this block, what no other one has had.
    fn say_holes(&self, first: Clock, heads: &mut [Option<Block>], out: &mut Batch) -> Result<(), Failure> {
        let mut told = self.last.map_or(0, |last| last.block);
        let from_time = |gap: &Gap| self.last.map_or(gap.from_time, |last| gap.from_time.max(last.time));
        for head in heads.iter_mut().flatten() {
            let is_next = head.clock.block == first.block;
            for (gap, kept) in &mut head.holes {
                if !is_numbered(gap.to_block) {
                    if is_next {
                        kept.write_hole(&Gap { from_time: from_time(gap), ..*gap }, out)?;
                    }
                    continue;
                }
                let from_block = gap.from_block.max(if is_numbered(told) { told + 1 } else { 0 });
                let to_block = gap.to_block.min(first.block.saturating_sub(1));
                if from_block <= to_block && is_numbered(first.block) {
                    let rest = Gap { from_block, to_block, from_time: from_time(gap), to_time: first.time };
                    kept.write_hole(&rest, out)?;
                    told = to_block;
                }
            }
        }
        Ok(())
    }
}

impl Kept {
    fn of(record: &Record<'_>) -> Self {
        let Headers(headers) = record.headers;
        let value = record.value.unwrap_or_default().to_vec();
        Self { time: record.time, key: record.key.to_vec(), value, headers: headers.to_vec() }
    }

    fn write(&self, out: &mut Batch) {
        out.push(self.time, &self.key, Some(&self.value), &self.headers);
    }

    fn write_hole(&self, gap: &Gap, out: &mut Batch) -> Result<(), Failure> {
        let value = serde_json::to_vec(gap).map_err(|cause| Failure::because("a hole cannot be said", cause))?;
        out.push(gap.to_time, &self.key, Some(&value), &self.headers);
        Ok(())
    }
}

fn place(clock: Clock) -> (u64, u32, i64) {
    (clock.block, 0, clock.time)
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(value)
        .map_err(|cause| Failure::because("a record of the fills is not what its kind says", cause))
}
