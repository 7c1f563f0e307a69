//! Partitions of the log → the stage that reads them as its lanes, and how far each of them is known to reach.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use computer::Stage;
use schemas::Outbox;

use crate::log::{Log, LogError, Reader, Slice, Start};

pub struct Lanes {
    pub stage: Stage,
    reader: Box<dyn Reader>,
    starts: Vec<Start>,
    /// Lanes that are waited for until they have been read so far.
    promised: BTreeSet<usize>,
}

impl Lanes {
    /// From where the stage goes on.
    pub fn open(log: &Arc<dyn Log>, stage: Stage) -> Result<Self, LogError> {
        let starts: Vec<Start> =
            stage.lanes().map(|(topic, partition, from)| Start { topic, partition, from }).collect();
        let reader = Arc::clone(log).reader(&starts)?;
        Ok(Self { stage, reader, starts, promised: BTreeSet::new() })
    }

    /// What is no longer kept of a lane is passed over.
    pub fn may_pass_over(&mut self, lane: usize) {
        self.reader.may_pass_over(lane);
    }

    /// What has come of the lanes that are needed now; all together fill so many bytes.
    pub fn read(&mut self, bytes: usize, patience: Duration) -> Result<Vec<Slice>, LogError> {
        let of_each = bytes / self.starts.len().max(1);
        self.reader.read_of(&|lane| self.stage.wants_more_of(lane), of_each, patience)
    }

    pub fn take(&mut self, slice: &Slice, out: &mut Outbox) {
        let is_it = |start: &Start| start.partition == slice.partition && std::ptr::eq(start.topic, slice.topic);
        let Some(lane) = self.starts.iter().position(is_it) else { return };
        for (offset, record) in slice.records() {
            self.stage.take(lane, offset, &record, out);
        }
        self.stage.has_read(lane, slice.next);
    }

    /// Of what was waited for, what is not there yet is asked for again.
    pub fn look_again(&mut self) -> Result<(), LogError> {
        for lane in std::mem::take(&mut self.promised) {
            // Not all that takes an offset is read: at the end it is asked again what there is.
            if !self.reader.is_at_the_end(lane) || !self.learns_the_end(lane)? {
                self.promised.insert(lane);
            }
        }
        Ok(())
    }

    /// Applies what can be applied, as far as `step` goes.
    pub fn go_on(
        &mut self,
        out: &mut Outbox,
        step: impl Fn(&mut Stage, &mut Outbox) -> Option<usize>,
    ) -> Result<(), LogError> {
        while let Some(lane) = step(&mut self.stage, out)
            && self.learns_the_end(lane)?
        {}
        Ok(())
    }

    /// Whether the log says how far a lane reaches now: behind the newest clock that was taken.
    fn learns_the_end(&mut self, lane: usize) -> Result<bool, LogError> {
        let Some(end) = self.reader.end(lane)? else { return Ok(false) };
        self.stage.ends_at(lane, end);
        if end > 0 {
            self.promised.insert(lane);
        }
        Ok(true)
    }

    /// Whether nothing can come that would let it go on.
    pub fn has_all(&self) -> bool {
        (0..self.starts.len()).all(|lane| self.reader.is_at_the_end(lane) || !self.stage.wants_more_of(lane))
    }

    /// How many records are still to be read, as far as is known.
    pub fn behind(&self) -> u64 {
        self.reader.behind()
    }
}
