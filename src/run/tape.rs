//! The tape as it was written, and what was found later → the tape of a generation that is rebuilt: blocks in the order of
//! events, what was healed or imported among them. When nothing is left to be put between, it goes on as it comes.

mod history;
mod merge;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use schemas::{Clock, Outbox, TapeMark, comes_after, topics};
use tracing::info;

use super::{PATIENCE, Shared, state, tasks};
use crate::failure::Failure;
use crate::log::{Log, Reader, Start, Writer};
use crate::stats;
use crate::stop::Upstream;
use history::{Reading, Stretch, stretches};
use merge::{Block, Blocks, Merge};
use tasks::Lease;

pub const STAGE: &str = "tape";

pub fn run(shared: &Shared, upstream: &Upstream) -> Result<(), Failure> {
    tasks::keep(shared, STAGE, &topics::STATE_TAPE, |shared, share, lease| task(shared, share, lease, upstream))
}

/// Says what is still to be read, before anything is forgotten.
pub fn announce(log: &Arc<dyn Log>) -> Result<(), Failure> {
    let facts = log.of_the_facts()?;
    for share in log.partitions(&topics::STATE_TAPE) {
        let mark = mark(log.as_ref(), share)?;
        facts.done(STAGE, &topics::FILLS, share, mark.as_ref().map_or(0, |mark| mark.next));
        keep_history(facts.as_ref(), share, mark.as_ref());
    }
    Ok(())
}

/// What was found later is read once, and kept until then.
fn keep_history(facts: &dyn Log, share: u32, mark: Option<&TapeMark>) {
    match mark.filter(|mark| mark.is_merged) {
        None => facts.done(STAGE, &topics::FILLS_HISTORY, share, 0),
        Some(mark) => facts.has_come_to(STAGE, &topics::FILLS_HISTORY, share, mark.history_to),
    }
}

/// How far it is; nothing where it has not begun.
pub fn mark(log: &dyn Log, share: u32) -> Result<Option<TapeMark>, Failure> {
    state::read(log, &topics::STATE_TAPE, share, TapeMark::KEY, "how far the tape is in order")
}

fn task(shared: &Shared, share: u32, lease: &Lease, upstream: &Upstream) -> Result<(), Failure> {
    let Shared { log, stats, .. } = shared;
    // First the writer: when it has begun, nobody else can change the mark that is read next.
    let writer = Arc::clone(log).writer(&format!("{STAGE}.{share}"))?;
    let facts = log.of_the_facts()?;
    let mark = match mark(log.as_ref(), share)? {
        Some(mark) => mark,
        None => {
            let next = facts.extent(&topics::FILLS, share)?.first;
            let history = log.extent(&topics::FILLS_HISTORY, share)?;
            TapeMark { next, history_to: history.next, last: None, is_merged: history.next == history.first }
        }
    };
    facts.done(STAGE, &topics::FILLS, share, mark.next);
    keep_history(facts.as_ref(), share, Some(&mark));
    let reader =
        Arc::clone(&facts).reader(&[Start { topic: &topics::FILLS, partition: share, from: Some(mark.next) }])?;
    let (out, task) = (Outbox::new(log.generation()), stats.task(STAGE, share));
    let mut work = Work { shared, facts, share, lease, upstream, writer, reader, mark, out, task };
    if work.mark.is_merged || work.merge()? { work.copy() } else { Ok(()) }
}

struct Work<'a> {
    shared: &'a Shared,
    facts: Arc<dyn Log>,
    share: u32,
    lease: &'a Lease,
    upstream: &'a Upstream,
    writer: Box<dyn Writer>,
    reader: Box<dyn Reader>,
    mark: TapeMark,
    out: Outbox,
    task: Arc<stats::Task>,
}

impl Work<'_> {
    /// Puts what was found later between what was written. Whether it has come to its end.
    fn merge(&mut self) -> Result<bool, Failure> {
        let mut between = Between::begin(&self.shared.log, self.share, &self.mark)?;
        info!("{STAGE}/{}: {} stretches of what was found later are put in order", self.share, between.waiting.len());
        let (mut blocks, mut ready) = (Blocks::default(), VecDeque::new());
        let mut heads: Vec<Option<Block>> = vec![None];
        let mut merge = Merge { last: self.mark.last };
        while !between.is_over(&heads) {
            if !self.goes_on() {
                return Ok(false);
            }
            if heads[0].is_none() && ready.is_empty() {
                for slice in self.reader.read(self.shared.chunk_bytes, PATIENCE)? {
                    for (offset, record) in slice.records() {
                        ready.extend(blocks.take(offset, &record)?);
                    }
                    self.task.taken.increment(slice.count());
                }
                self.task.is_behind(self.reader.behind());
                if ready.is_empty() && self.reads_no_more() {
                    return Ok(false);
                }
            }
            while self.out.bytes() < self.shared.chunk_bytes && !between.is_over(&heads) {
                if heads[0].is_none() {
                    heads[0] = ready.pop_front();
                }
                let Some(tape) = heads[0].as_ref().map(|block| block.clock) else { break };
                between.fill(&mut heads, tape, &|| !self.lease.is_over() && !self.shared.ends_at_once())?;
                for (source, next) in merge.step(&mut heads, self.out.batch(&topics::FILLS, self.share))? {
                    if source == 0 {
                        self.mark.next = next;
                    }
                }
            }
            self.mark.last = merge.last;
            self.mark.is_merged = between.is_over(&heads);
            self.commit()?;
        }
        keep_history(self.facts.as_ref(), self.share, Some(&self.mark));
        // What was read ahead of it is read again, as it is.
        let start = Start { topic: &topics::FILLS, partition: self.share, from: Some(self.mark.next) };
        self.reader = Arc::clone(&self.facts).reader(&[start])?;
        info!("{STAGE}/{}: everything is in the order of events", self.share);
        Ok(true)
    }

    fn copy(&mut self) -> Result<(), Failure> {
        while self.goes_on() {
            let over = self.shared.is_over(self.upstream);
            let slices = self.reader.read(self.shared.chunk_bytes, PATIENCE)?;
            self.task.is_behind(self.reader.behind());
            if slices.is_empty() && over && self.reads_no_more() {
                return Ok(());
            }
            for slice in &slices {
                let tape = self.out.batch(&topics::FILLS, self.share);
                slice.batches.iter().for_each(|batch| tape.append(batch));
                self.mark.next = slice.next;
                self.task.taken.increment(slice.count());
                let time = slice.last_time().unwrap_or_default();
                self.task.reach(time, 0);
            }
            self.commit()?;
        }
        Ok(())
    }

    fn goes_on(&self) -> bool {
        while self.shared.log.is_held_up(&topics::FILLS, self.share) && !self.shared.ends_at_once() {
            if self.lease.is_over() {
                return false;
            }
            self.shared.stop.rest(PATIENCE);
        }
        !self.lease.is_over() && !self.shared.ends_at_once()
    }

    fn reads_no_more(&self) -> bool {
        self.shared.is_over(self.upstream) && self.reader.is_at_the_end(0)
    }

    fn commit(&mut self) -> Result<(), Failure> {
        if self.out.records() > 0 {
            self.mark.append_to(self.out.batch(&topics::STATE_TAPE, self.share));
            self.writer.commit(&self.out)?;
            if self.shared.log.is_told() {
                stats::committed(STAGE, &self.out);
            }
            self.task.commit(self.out.records() as u64);
            self.task.reach(self.mark.last.map_or(0, |clock| clock.time), 0);
            self.out.clear();
        }
        self.facts.done(STAGE, &topics::FILLS, self.share, self.mark.next);
        Ok(())
    }
}

/// What was found later, as it is needed: a stretch is opened when its first block has its turn.
struct Between {
    log: Arc<dyn Log>,
    share: u32,
    waiting: VecDeque<Stretch>,
    open: Vec<Option<Reading>>,
}

impl Between {
    fn begin(log: &Arc<dyn Log>, share: u32, mark: &TapeMark) -> Result<Self, Failure> {
        let waiting = stretches(log, share, mark.history_to)?.into();
        Ok(Self { log: Arc::clone(log), share, waiting, open: Vec::new() })
    }

    /// Nothing of it is left, and of a hole that it may have filled the rest was said.
    fn is_over(&self, heads: &[Option<Block>]) -> bool {
        let is_read = self.waiting.is_empty() && self.open.iter().all(Option::is_none);
        let is_said = |head: &Option<Block>| head.as_ref().is_none_or(|block| !block.has_holes());
        is_read && heads.iter().skip(1).all(Option::is_none) && heads.first().is_none_or(is_said)
    }

    /// Has every stretch that has a block before this one show its next block.
    fn fill(&mut self, heads: &mut Vec<Option<Block>>, tape: Clock, goes_on: &dyn Fn() -> bool) -> Result<(), Failure> {
        let is_due = |stretch: &mut Stretch| {
            !comes_after((stretch.first.block, 0, stretch.first.time), (tape.block, 0, tape.time))
        };
        while let Some(stretch) = self.waiting.pop_front_if(is_due) {
            let reading = Some(Reading::open(&self.log, self.share, &stretch)?);
            match self.open.iter().position(Option::is_none).filter(|place| heads[place + 1].is_none()) {
                Some(place) => self.open[place] = reading,
                None => {
                    self.open.push(reading);
                    heads.push(None);
                }
            }
        }
        for (reading, head) in self.open.iter_mut().zip(heads.iter_mut().skip(1)).filter(|(_, head)| head.is_none()) {
            let Some(open) = reading else { continue };
            *head = open.next(goes_on)?;
            if head.is_none() {
                *reading = None;
            }
        }
        Ok(())
    }
}
