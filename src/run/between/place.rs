//! An event time → from which offset on a partition is read to know everything behind it.

use std::sync::Arc;

use schemas::{Topic, kind};

use crate::log::{Extent, Log, LogError, Start, read_to_the_end};

/// What has no clocks comes nearly in the order of its times.
const NEARLY_MS: i64 = 120_000;

/// What was kept no more is out of range.
pub fn place(log: &Arc<dyn Log>, topic: &'static Topic, partition: u32, time: i64) -> Result<u64, LogError> {
    let extent = log.extent(topic, partition)?;
    let Extent { first, next: end, .. } = extent;
    let (from, has_all) = if ::computer::stages().iter().any(|stage| stage.tells_the_time(topic)) {
        let from = by_its_clocks(log, topic, partition, time, extent)?;
        (from, from > first)
    } else {
        let from = Arc::clone(log).offset_at(topic, partition, time.saturating_sub(NEARLY_MS))?;
        (from, from > first || Arc::clone(log).offset_at(topic, partition, time.saturating_add(1))? > first)
    };
    // When all that is kept is behind the time, there may have been others.
    if !has_all && first > 0 && first < end {
        return Err(LogError::OutOfRange { topic, partition, from: 0, first });
    }
    Ok(from)
}

/// The first offset from which on the next clock is behind the time: a row has the time at which its bucket begins, and by
/// those nothing is found.
fn by_its_clocks(
    log: &Arc<dyn Log>,
    topic: &'static Topic,
    partition: u32,
    time: i64,
    Extent { first, next: end, .. }: Extent,
) -> Result<u64, LogError> {
    let (mut low, mut high) = (first, end);
    while low < high {
        let middle = low + (high - low) / 2;
        match next_clock(log, topic, partition, middle)? {
            Some((offset, clock)) if clock <= time => low = offset + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Offset and time.
fn next_clock(
    log: &Arc<dyn Log>,
    topic: &'static Topic,
    partition: u32,
    from: u64,
) -> Result<Option<(u64, i64)>, LogError> {
    let mut found = None;
    read_to_the_end::<LogError>(log, Start { topic, partition, from: Some(from) }, |offset, record| {
        if record.headers.get(kind::HEADER) == Some(kind::CLOCK) {
            found = Some((offset, record.time));
        }
        Ok(found.is_none())
    })?;
    Ok(found)
}
