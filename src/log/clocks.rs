//! An event time → where the clocks of a partition come to be behind it: a row has the time at which its bucket begins, and by
//! those nothing is found.

use std::sync::Arc;

use schemas::{Topic, kind};

use super::{Extent, Log, LogError, Start, read_to_the_end};

/// The first offset from which on the next clock is behind the time.
pub fn first_behind_a_clock(
    log: &Arc<dyn Log>,
    topic: &'static Topic,
    partition: u32,
    time: i64,
) -> Result<u64, LogError> {
    let Extent { first, next, .. } = log.extent(topic, partition)?;
    let (mut low, mut high) = (first, next);
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
