//! What is forgotten: batches that are too old, or too many. Age is counted from the newest record of the partition,
//! not from the time of day, so that imported history is not thrown away as it comes in.

use schemas::{Keeps, Topic};

use super::{Embedded, Extent, LogError};

const MIB: u64 = 1024 * 1024;

/// One round over all partitions; returns how many records went.
pub fn forget(log: &Embedded) -> Result<u64, LogError> {
    log.topics().iter().map(|topic| forget_of(log, topic)).sum()
}

pub fn forget_of(log: &Embedded, topic: &'static Topic) -> Result<u64, LogError> {
    let (Some(age_ms), Some(bytes)) = (age_kept(topic), bytes_kept(log, topic)) else { return Ok(0) };
    let old = |extent: &Extent, last_time| extent.bytes > bytes || last_time < extent.last_time - age_ms;
    log.partitions(topic).map(|partition| log.remove_oldest(topic, partition, old)).sum()
}

fn age_kept(topic: &Topic) -> Option<i64> {
    match topic.keeps {
        Keeps::Recent { hours, .. } | Keeps::RecentPerKey { hours, .. } | Keeps::LastPerKey { hours, .. } => {
            Some(i64::from(hours) * 3_600_000)
        }
        Keeps::State => None,
    }
}

/// Per partition: a topic's size is shared by its partitions.
pub(super) fn bytes_kept(log: &Embedded, topic: &Topic) -> Option<u64> {
    match topic.keeps {
        Keeps::Recent { mib, .. } | Keeps::RecentPerKey { mib, .. } | Keeps::LastPerKey { mib, .. } => {
            Some(mib * MIB / u64::from(log.generation().partitions(topic)))
        }
        Keeps::State => None,
    }
}
