//! What is forgotten: batches that are too old, or too many. Age is counted from the newest record of the partition,
//! not from the time of day, so that imported history is not thrown away as it comes in.

use schemas::{Keeps, Topic};

use super::{Log, LogError};

const MIB: u64 = 1024 * 1024;

/// One round over all partitions; returns how many records went.
pub fn forget(log: &Log) -> Result<u64, LogError> {
    let mut forgotten = 0;
    for &topic in log.topics() {
        for partition in log.partitions(topic) {
            if let Some((age_ms, bytes)) = limits(log, topic) {
                forgotten += log.remove_oldest(topic, partition, |extent, last_time| {
                    extent.bytes > bytes || last_time < extent.last_time - age_ms
                })?;
            }
        }
    }
    Ok(forgotten)
}

/// Age, and bytes per partition: a topic's size is shared by its partitions.
fn limits(log: &Log, topic: &Topic) -> Option<(i64, u64)> {
    match topic.keeps {
        Keeps::Recent { hours, mib } | Keeps::LastPerKey { hours, mib } => {
            Some((i64::from(hours) * 3_600_000, mib * MIB / u64::from(log.generation().partitions(topic))))
        }
        Keeps::State => None,
    }
}
