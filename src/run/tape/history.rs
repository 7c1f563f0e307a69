//! `fills-history` → stretches of it in which blocks follow each other, and of each its blocks, one after the other. It is a
//! collection of what was found at different times: only within a stretch there is an order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Clock, comes_after, is_numbered, topics};

use super::merge::{Block, Blocks};
use crate::failure::Failure;
use crate::log::{Log, Reader, Start, read_to_the_end};

/// Where blocks follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub first: Clock,
    from: u64,
    to: u64,
}

/// One of them, as far as it was read.
pub struct Reading {
    reader: Box<dyn Reader>,
    to: u64,
    next: u64,
    blocks: Blocks,
    ready: VecDeque<Block>,
}

const CHUNK_BYTES: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);

/// Those of a partition up to an offset, by their first blocks. What has no numbers stands for itself beside the tape: which
/// of it is there already, nobody can tell.
pub fn stretches(log: &Arc<dyn Log>, partition: u32, to: u64) -> Result<Vec<Stretch>, Failure> {
    let start = Start { topic: &topics::FILLS_HISTORY, partition, from: None };
    let (mut stretches, mut blocks, mut last): (Vec<Stretch>, _, Option<Clock>) = (Vec::new(), Blocks::default(), None);
    let (mut from, mut is_open) = (0, false);
    let mut take = |block: Block, from: u64| {
        let Block { clock, next, .. } = block;
        let follows = last.is_some_and(|last| comes_after((clock.block, 0, 0), (last.block, 0, 0)));
        last = Some(clock).filter(|clock| is_numbered(clock.block));
        match stretches.last_mut() {
            _ if last.is_none() => {}
            Some(stretch) if follows => stretch.to = next,
            _ => stretches.push(Stretch { first: clock, from, to: next }),
        }
    };
    read_to_the_end::<Failure>(log, start, |offset, record| {
        if offset >= to {
            return Ok(false);
        }
        if !is_open {
            (from, is_open) = (offset, true);
        }
        if let Some(block) = blocks.take(offset, record)? {
            let next = block.next;
            take(block, from);
            from = next;
        }
        Ok(true)
    })?;
    if let Some(block) = blocks.end() {
        take(block, from);
    }
    stretches.sort_by_key(|stretch| stretch.first.block);
    Ok(stretches)
}

impl Reading {
    pub fn open(log: &Arc<dyn Log>, partition: u32, stretch: &Stretch) -> Result<Self, Failure> {
        let start = Start { topic: &topics::FILLS_HISTORY, partition, from: Some(stretch.from) };
        let reader = Arc::clone(log).reader(&[start])?;
        let (blocks, ready) = (Blocks::default(), VecDeque::new());
        Ok(Self { reader, to: stretch.to, next: stretch.from, blocks, ready })
    }

    /// Nothing at its end.
    pub fn next(&mut self, goes_on: &dyn Fn() -> bool) -> Result<Option<Block>, Failure> {
        while self.ready.is_empty() && self.next < self.to {
            if !goes_on() {
                let what = "the end came while it was read what was found later".to_owned();
                return Err(Failure::Again { what, at_once: true });
            }
            for slice in self.reader.read(CHUNK_BYTES, PATIENCE)? {
                for (offset, record) in slice.records().filter(|(offset, _)| *offset < self.to) {
                    self.ready.extend(self.blocks.take(offset, &record)?);
                }
                self.next = slice.next;
            }
            if self.next >= self.to || self.reader.is_at_the_end(0) {
                self.next = self.to;
                self.ready.extend(self.blocks.end());
            }
        }
        Ok(self.ready.pop_front())
    }
}
