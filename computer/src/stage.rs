//! One task of a stage: the records of one partition in, results and state out. It can be dropped at any moment and
//! made again from what it last saved.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use schemas::{
    AssetContext, Checkpoint, Clock, Fill, Gap, Generation, LateEvent, Outbox, Record, ResultClock, Topic, comes_after,
    kind,
};

use crate::definition::Definition;
use crate::processor::{Run, Tick, offer};

/// A window closes when the clock is this far past its end; what comes later is late.
pub const GRACE_MS: i64 = 10_000;

/// How often the result topics are told the time.
const CLOCK_EVERY_MS: i64 = 1_000;

pub struct Stage {
    definition: &'static Definition,
    partition: u32,
    processors: Vec<Box<dyn Run>>,
    /// Topics of which this task alone writes this partition: it says the clock there.
    told_the_time: Vec<&'static Topic>,
    checkpoint: Checkpoint,
}

/// A record that no fold could read. The bytes will not change: it is set aside and the stream goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
}

impl Stage {
    /// A task for one partition, before anything has been restored.
    pub(crate) fn of(definition: &'static Definition, generation: Generation, partition: u32) -> Self {
        Self {
            definition,
            partition,
            processors: (definition.processors)(),
            told_the_time: definition.written_like_the_input(),
            checkpoint: Checkpoint { generation: generation.number, ..Checkpoint::default() },
        }
    }

    /// The stage that reads `fills`.
    pub fn coin(generation: Generation, partition: u32) -> Self {
        Self::of(&crate::COIN, generation, partition)
    }

    /// The stage that reads `asset-contexts`.
    pub fn price(generation: Generation, partition: u32) -> Self {
        Self::of(&crate::PRICE, generation, partition)
    }

    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    pub fn input(&self) -> &'static Topic {
        self.definition.input
    }

    pub fn state(&self) -> &'static Topic {
        self.definition.state
    }

    /// Applies one record of the input.
    pub fn apply(&mut self, record: &Record<'_>, out: &mut Outbox) -> Result<(), Refused> {
        out.inherit(record.headers);
        let value = record.value.unwrap_or_default();
        match record.headers.get(kind::HEADER) {
            Some(kind::CLOCK) => self.clock(&read(value)?, out),
            Some(kind::GAP) => self.gap(&read(value)?),
            Some(event) if event == self.definition.event => (self.definition.take)(self, value, out)?,
            other => {
                let kind = String::from_utf8_lossy(other.unwrap_or_default()).into_owned();
                return Err(Refused { reason: alloc::format!("a record of unknown kind {kind:?}") });
            }
        }
        Ok(())
    }

    pub(crate) fn take_fill(&mut self, value: &[u8], out: &mut Outbox) -> Result<(), Refused> {
        let fill: Fill = read(value)?;
        if fill.time < self.checkpoint.clock - GRACE_MS {
            out.send(&LateEvent {
                coin: fill.coin.clone(),
                block: fill.block,
                index: fill.index,
                time: fill.time,
                clock: self.checkpoint.clock,
                fill: String::from_utf8_lossy(value).into_owned(),
            });
        } else {
            offer(&mut self.processors, &fill, out);
        }
        Ok(())
    }

    pub(crate) fn take_context(&mut self, value: &[u8], out: &mut Outbox) -> Result<(), Refused> {
        let context: AssetContext = read(value)?;
        offer(&mut self.processors, &context, out);
        Ok(())
    }

    fn clock(&mut self, clock: &Clock, out: &mut Outbox) {
        if !comes_after((clock.block, 0, clock.time), (self.checkpoint.block, 0, self.checkpoint.clock)) {
            return;
        }
        let tick = self.advance(clock);
        let mut rest = self.processors.as_mut_slice();
        while let Some((first, next)) = rest.split_first_mut() {
            first.tick(&tick, out, next);
            rest = next;
        }
        if tick.crosses(CLOCK_EVERY_MS) {
            self.tell_the_time(clock, out);
        }
        for processor in &mut self.processors {
            processor.begin_tick(self.checkpoint.ticks);
        }
    }

    fn advance(&mut self, clock: &Clock) -> Tick {
        let holes = self.checkpoint.holes.iter().map(|gap| (gap.from_time, gap.to_time)).collect();
        let tick = Tick { time: clock.time, block: clock.block, previous: self.checkpoint.clock, holes };
        self.checkpoint.clock = clock.time;
        self.checkpoint.block = clock.block;
        self.checkpoint.ticks += 1;
        tick
    }

    fn tell_the_time(&mut self, &Clock { time, block }: &Clock, out: &mut Outbox) {
        let since = self.checkpoint.since.get_or_insert(Clock { time, block });
        let clock = ResultClock { time, block, since_time: since.time, since_block: since.block };
        for topic in &self.told_the_time {
            out.send_clock(topic, self.partition, &clock);
        }
    }

    fn gap(&mut self, gap: &Gap) {
        // What ended before this hole and may still be begun, by a late event, is told of the ones before it.
        let is_over = |later: &Gap| later.from_time + GRACE_MS <= self.checkpoint.clock;
        let over = self.checkpoint.holes.iter().skip(1).take_while(|later| is_over(later)).count();
        self.checkpoint.holes.drain(..over);
        self.checkpoint.holes.push(*gap);
        for processor in &mut self.processors {
            processor.gap(gap);
        }
    }

    /// Adds to the outbox what brings a successor here: the changed entries, and the input position they stand for.
    pub fn save(&mut self, input: &Topic, next: u64, out: &mut Outbox) {
        for processor in &mut self.processors {
            processor.save(out, self.definition.state, self.partition);
        }
        self.checkpoint.next.insert(input.name.to_string(), next);
        let checkpoint = &self.checkpoint;
        out.batch(self.definition.state, self.partition).push_with(
            checkpoint.clock,
            &[],
            |key| key.extend_from_slice(Checkpoint::KEY),
            |value| {
                let written = serde::Serialize::serialize(checkpoint, &mut serde_json::Serializer::new(value));
                debug_assert!(written.is_ok(), "a checkpoint could not be written");
            },
        );
    }

    /// Puts back one record of the state.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refused> {
        if key == Checkpoint::KEY {
            self.checkpoint = read(value)?;
            return Ok(());
        }
        let restored = core::str::from_utf8(key)
            .ok()
            .and_then(|key| self.processors.iter_mut().find_map(|processor| processor.restore(key, value)));
        restored.ok_or_else(|| Refused {
            reason: alloc::format!("no table takes the state entry {:?}", String::from_utf8_lossy(key)),
        })
    }

    /// All of the state is back.
    pub fn restored(&mut self) {
        for processor in &mut self.processors {
            processor.restored(self.checkpoint.ticks);
        }
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Entries in all tables.
    pub fn entries(&self) -> usize {
        self.processors.iter().map(|processor| processor.entries()).sum()
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(value).map_err(|error| Refused { reason: error.to_string() })
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl core::error::Error for Refused {}
