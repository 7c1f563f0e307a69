//! One task of a stage: the records of one partition in, results and state out. It can be dropped at any moment and
//! made again from what it last saved.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use schemas::{Checkpoint, Clock, Fill, Gap, Generation, LateEvent, Outbox, Record, Topic, kind, topics};

use crate::processor::{Run, Tick, offer};

/// A window closes when the clock is this far past its end; what comes later is late.
pub const GRACE_MS: i64 = 10_000;

pub struct Stage {
    state: &'static Topic,
    partition: u32,
    processors: Vec<Box<dyn Run>>,
    checkpoint: Checkpoint,
}

/// A record that no fold could read. The bytes will not change: it is set aside and the stream goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
}

impl Stage {
    /// The stage that reads `fills`, for one partition, before anything has been restored.
    pub fn coin(generation: Generation, partition: u32) -> Self {
        Self {
            state: &topics::STATE_COIN,
            partition,
            processors: crate::coin_stage(),
            checkpoint: Checkpoint { generation: generation.number, ..Checkpoint::default() },
        }
    }

    /// Applies one record of the input.
    pub fn apply(&mut self, record: &Record<'_>, out: &mut Outbox) -> Result<(), Refused> {
        out.inherit(record.headers);
        let value = record.value.unwrap_or_default();
        match record.headers.get(kind::HEADER) {
            Some(kind::FILL) => self.fill(&read(value)?, value, out),
            Some(kind::CLOCK) => self.clock(&read(value)?, out),
            Some(kind::GAP) => self.gap(&read(value)?),
            other => {
                let kind = String::from_utf8_lossy(other.unwrap_or_default()).into_owned();
                return Err(Refused { reason: alloc::format!("a record of unknown kind {kind:?}") });
            }
        }
        Ok(())
    }

    fn fill(&mut self, fill: &Fill, value: &[u8], out: &mut Outbox) {
        if fill.time < self.checkpoint.clock - GRACE_MS {
            out.send(&LateEvent {
                coin: fill.coin.clone(),
                block: fill.block,
                index: fill.index,
                time: fill.time,
                clock: self.checkpoint.clock,
                fill: String::from_utf8_lossy(value).into_owned(),
            });
            return;
        }
        offer(&mut self.processors, fill, out);
    }

    fn clock(&mut self, clock: &Clock, out: &mut Outbox) {
        if clock.block <= self.checkpoint.block {
            return;
        }
        let hole = self.checkpoint.hole.map(|gap| (gap.from_time, gap.to_time));
        let tick = Tick { time: clock.time, block: clock.block, previous: self.checkpoint.clock, hole };
        self.checkpoint.clock = clock.time;
        self.checkpoint.block = clock.block;
        self.checkpoint.ticks += 1;
        let mut rest = self.processors.as_mut_slice();
        while let Some((first, next)) = rest.split_first_mut() {
            first.tick(&tick, out, next);
            rest = next;
        }
        for processor in &mut self.processors {
            processor.begin_tick(self.checkpoint.ticks);
        }
    }

    fn gap(&mut self, gap: &Gap) {
        self.checkpoint.hole = Some(*gap);
        for processor in &mut self.processors {
            processor.gap(gap);
        }
    }

    /// Adds to the outbox what brings a successor here: the changed entries, and the input position they stand for.
    pub fn save(&mut self, input: &Topic, next: u64, out: &mut Outbox) {
        for processor in &mut self.processors {
            processor.save(out, self.state, self.partition);
        }
        self.checkpoint.next.insert(input.name.to_string(), next);
        let checkpoint = &self.checkpoint;
        out.batch(self.state, self.partition).push_with(
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
