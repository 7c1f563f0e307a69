//! Reading a partition on the spot: its last values, or the place of a time.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::Topic;

use super::{Extent, Kafka, LogError, PartsReader, Reader as _, Start};

const CHUNK_BYTES: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);

/// The last value of each key, and the offset behind them.
pub fn last_values(log: &Kafka, topic: &'static Topic, partition: u32) -> Result<(Values, u64), LogError> {
    let mut values = BTreeMap::new();
    let next = to_the_end(log, Start { topic, partition, from: None }, |key, value| match value {
        Some(value) => drop(values.insert(key.to_vec(), value.to_vec())),
        None => drop(values.remove(key)),
    })?;
    Ok((values, next))
}

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// Hands over each record from there on. Offsets of a commit itself are never given out: the end is where the reader
/// finds nothing more. A leader that has just become one may not know yet how far it reaches; it does once it has
/// said so. Returns the offset behind them.
fn to_the_end(log: &Kafka, start: Start, mut each: impl FnMut(&[u8], Option<&[u8]>)) -> Result<u64, LogError> {
    let first = log.ask_extent(start.topic, start.partition)?.first;
    let mut next = start.from.unwrap_or(first);
    let mut reader = open(log, start)?;
    while !reader.has_reached_the_end() {
        for slice in reader.read(CHUNK_BYTES, PATIENCE)? {
            slice.records().for_each(|(_, record)| each(record.key, record.value));
            next = slice.next;
        }
        if log.connection.is_ending() {
            return Err(LogError::Ended { doing: format!("reading {}/{}", start.topic.name, start.partition) });
        }
    }
    Ok(next)
}

/// The last value of one key. A reading of the last few records is nearly always enough.
pub fn last_value(
    log: &Kafka,
    topic: &'static Topic,
    partition: u32,
    name: &[u8],
    extent: Extent,
) -> Result<Option<Vec<u8>>, LogError> {
    for reach in [16, 1_024, 65_536, u64::MAX] {
        let from = extent.next.saturating_sub(reach).max(extent.first);
        let last = last_from(log, topic, partition, name, from)?;
        if last.is_some() || from == extent.first {
            return Ok(last.flatten());
        }
    }
    Ok(None)
}

/// The last value of a key from an offset on; a tombstone is one too.
fn last_from(
    log: &Kafka,
    topic: &'static Topic,
    partition: u32,
    name: &[u8],
    from: u64,
) -> Result<Option<Option<Vec<u8>>>, LogError> {
    let mut last = None;
    to_the_end(log, Start { topic, partition, from: Some(from) }, |key, value| {
        if key == name {
            last = Some(value.map(<[u8]>::to_vec));
        }
    })?;
    Ok(last)
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
    let mut reader = open(log, Start { topic, partition, from: Some(from) })?;
    loop {
        let slices = reader.read(1, PATIENCE)?;
        let first =
            slices.iter().flat_map(|slice| slice.records()).map(|(offset, record)| (offset, record.time)).next();
        if first.is_some() || reader.has_reached_the_end() {
            return Ok(first);
        }
        if log.connection.is_ending() {
            return Err(LogError::Ended { doing: format!("reading {}/{partition}", topic.name) });
        }
    }
}

fn open(log: &Kafka, start: Start) -> Result<PartsReader, LogError> {
    PartsReader::new(log, &[start])
}
