//! Reading a partition on the spot: its last values, or the place of a time.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::Topic;

use super::{Extent, Kafka, LogError, PartsReader, Reader as _, Start};
use crate::log::Log as _;

const CHUNK_BYTES: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);

/// The last value of each key up to an offset: where the partition ended when nobody else could write to it any more.
pub fn last_values(
    log: &Kafka,
    topic: &'static Topic,
    partition: u32,
    end: u64,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, LogError> {
    let mut values = BTreeMap::new();
    if end == 0 {
        return Ok(values);
    }
    let mut reader = open(log, topic, partition, None)?;
    // Offsets of a commit itself are never given out: the end is where the reader finds nothing more.
    while !reader.has_reached_the_end() {
        for slice in reader.read(CHUNK_BYTES, PATIENCE)? {
            for (_, record) in slice.records() {
                match record.value {
                    Some(value) => drop(values.insert(record.key.to_vec(), value.to_vec())),
                    None => drop(values.remove(record.key)),
                }
            }
        }
        if log.connection.is_ending() {
            return Err(LogError::Ended { doing: format!("reading {}/{partition}", topic.name) });
        }
    }
    Ok(values)
}

/// The first offset whose record is not before a time. Times are in order but for what a source says late.
pub fn offset_at(
    log: &Kafka,
    topic: &'static Topic,
    partition: u32,
    time: i64,
    extent: Extent,
) -> Result<u64, LogError> {
    let (mut low, mut high) = (extent.first, extent.next);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_from(log, topic, partition, middle)? {
            Some((offset, found)) if found < time => low = offset + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Offset and time of the first record from an offset on.
fn first_from(log: &Kafka, topic: &'static Topic, partition: u32, from: u64) -> Result<Option<(u64, i64)>, LogError> {
    let mut reader = open(log, topic, partition, Some(from))?;
    loop {
        let slices = reader.read(1, PATIENCE)?;
        let first =
            slices.iter().flat_map(|slice| slice.records()).map(|(offset, record)| (offset, record.time)).next();
        if first.is_some() || reader.has_reached_the_end() || log.connection.is_ending() {
            return Ok(first);
        }
    }
}

fn open(log: &Kafka, topic: &'static Topic, partition: u32, from: Option<u64>) -> Result<PartsReader, LogError> {
    PartsReader::new(log.generation(), &log.settings, &log.connection, &[Start { topic, partition, from }])
}
