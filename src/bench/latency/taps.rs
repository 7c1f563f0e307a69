//! The log's topics, read as they grow → when each block could be read there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::{Topic, kind, topics};
use serde::Deserialize;

use super::matching::{Results, Sight};
use crate::failure::Failure;
use crate::log::Start;
use crate::run::Shared;

const CHUNK_BYTES: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);

/// Each block's clock, in each partition of `fills`.
pub fn facts(shared: &Shared) -> Result<Vec<Sight>, Failure> {
    let mut sights = Vec::new();
    read(shared, &topics::FILLS, |sight, is_clock| {
        if is_clock {
            sights.push(sight);
        }
    })?;
    Ok(sights)
}

/// Each record of `positions`.
pub fn results(shared: &Shared) -> Result<Results, Failure> {
    let mut records = Vec::new();
    let mut clocks: BTreeMap<u32, u64> = shared.log.partitions(&topics::POSITIONS).map(|part| (part, 0)).collect();
    read(shared, &topics::POSITIONS, |sight, is_clock| {
        if is_clock {
            clocks.insert(sight.partition, sight.block);
        } else {
            records.push(sight);
        }
    })?;
    Ok(Results { records, whole_up_to: clocks.into_values().min().unwrap_or_default() })
}

fn read(shared: &Shared, topic: &'static Topic, mut each: impl FnMut(Sight, bool)) -> Result<(), Failure> {
    let starts: Vec<Start> =
        shared.log.partitions(topic).map(|partition| Start { topic, partition, from: None }).collect();
    let mut reader = Arc::clone(&shared.log).reader(&starts)?;
    while !shared.stop.asked() {
        let slices = reader.read(CHUNK_BYTES, PATIENCE)?;
        let at = Instant::now();
        for slice in &slices {
            for (_, record) in slice.records() {
                let is_clock = record.headers.get(kind::HEADER) == Some(kind::CLOCK);
                // One without a value only says that a key is to be forgotten: nobody is told.
                if let Some(value) = record.value {
                    each(Sight { block: block_of(value)?, partition: slice.partition, at }, is_clock);
                }
            }
        }
    }
    Ok(())
}

/// Fills, positions and clocks: all of them say it in the same way.
fn block_of(value: &[u8]) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    struct OfBlock {
        block: u64,
    }
    let read: Result<OfBlock, _> = serde_json::from_slice(value);
    read.map(|of| of.block).map_err(|cause| Failure::because("a record does not say its block", cause))
}
