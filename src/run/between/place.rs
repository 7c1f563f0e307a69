//! An event time → from which offset on a partition is read to know everything behind it.

use std::sync::Arc;

use schemas::Topic;

use crate::log::{Extent, Log, LogError, first_behind_a_clock};

/// What has no clocks comes nearly in the order of its times.
const NEARLY_MS: i64 = 120_000;

/// What was kept no more is out of range.
pub fn place(log: &Arc<dyn Log>, topic: &'static Topic, partition: u32, time: i64) -> Result<u64, LogError> {
    let Extent { first, next: end, .. } = log.extent(topic, partition)?;
    let (from, has_all) = if ::computer::stages().iter().any(|stage| stage.tells_the_time(topic)) {
        let from = first_behind_a_clock(log, topic, partition, time)?;
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
