//! A task once more: what it had saved and the records that it read, in the order in which it read them → what it says.

use std::sync::Arc;
use std::time::Duration;

use computer::{Definition, Rules};
use schemas::{Checkpoint, Clock, LateJoin, Outbox, Record, ResultClock, Topic};

use super::found::{self, Found};
use crate::failure::Failure;
use crate::log::Log;
use crate::run::Lanes;

const CHUNK_BYTES: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);
/// What has no clock comes nearly in the order of its times.
const NEARLY_MS: i64 = 10_000;

pub struct Again {
    lanes: Lanes,
    out: Outbox,
    has_a_clock: bool,
    /// It was read at least once.
    has_looked: bool,
    /// The latest time that was read.
    seen: i64,
    pub facts: u64,
}

/// What a task says: topic, partition and record.
pub type Each<'a> = &'a mut dyn FnMut(&'static Topic, u32, &Record<'_>) -> Result<(), Failure>;

impl Again {
    pub fn begin(
        log: &Arc<dyn Log>,
        rules: &Rules,
        (definition, share): (&'static Definition, u32),
        found: Option<&Found>,
        late: &[LateJoin],
    ) -> Result<Self, Failure> {
        let mut stage = definition.task_by(rules, log.generation(), share);
        if let Some(found) = found {
            found::restore(log, found, &mut stage)?;
        }
        let is_ours = |join: &&LateJoin| join.stage == definition.name && join.share == share;
        late.iter().filter(is_ours).for_each(|join| stage.joins_late(join));
        let has_a_clock = definition.has_clocks();
        let (lanes, out) = (Lanes::open(log, stage)?, Outbox::new(log.generation()));
        Ok(Self { lanes, out, has_a_clock, has_looked: false, seen: i64::MIN, facts: 0 })
    }

    /// Says how everything stands.
    pub fn tell_all(&mut self, each: Each<'_>) -> Result<(), Failure> {
        self.lanes.stage.tell_all(&mut self.out);
        self.hand_over(each)
    }

    /// What it has come to, and since when it knows anything.
    pub fn clock(&self) -> ResultClock {
        let Checkpoint { clock: time, block, since, .. } = *self.lanes.stage.checkpoint();
        let since = since.unwrap_or(Clock { time, block });
        ResultClock { time, block, since_time: since.time, since_block: since.block }
    }

    /// Says everything up to a time.
    pub fn go_to(&mut self, time: i64, each: Each<'_>) -> Result<(), Failure> {
        loop {
            self.lanes.look_again()?;
            self.lanes.go_on(&mut self.out, |stage, out| stage.go_on_up_to(time, out))?;
            self.hand_over(each)?;
            let is_past = if self.has_a_clock { self.lanes.stage.is_past(time) } else { self.seen > time + NEARLY_MS };
            // Nobody waits again and again for what has no clock and says nothing.
            let has_said_all = !self.has_a_clock && self.has_looked && self.lanes.has_all();
            if is_past || has_said_all {
                return Ok(());
            }
            self.has_looked = true;
            let slices = self.lanes.read(CHUNK_BYTES, PATIENCE)?;
            for slice in &slices {
                self.lanes.take(slice, &mut self.out);
                self.facts += slice.count();
                self.seen = self.seen.max(slice.last_time().unwrap_or(i64::MIN));
            }
            if slices.is_empty() && self.lanes.has_all() {
                return Ok(());
            }
        }
    }

    fn hand_over(&mut self, each: Each<'_>) -> Result<(), Failure> {
        for (topic, partition, batch) in self.out.filled() {
            batch.records().try_for_each(|record| each(topic, partition, &record))?;
        }
        self.out.clear();
        Ok(())
    }
}
