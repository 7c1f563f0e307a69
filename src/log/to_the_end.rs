//! A partition → its records, from an offset up to where it ended when that was asked.

use std::sync::Arc;
use std::time::Duration;

use schemas::Record;

use super::{Log, LogError, Start};

const CHUNK_BYTES: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(200);

/// Hands each record over with its offset, for as long as that gives back that more are wanted.
pub fn read_to_the_end<E: From<LogError>>(
    log: &Arc<dyn Log>,
    start: Start,
    mut each: impl FnMut(u64, &Record<'_>) -> Result<bool, E>,
) -> Result<(), E> {
    let Start { topic, partition, from } = start;
    let mut next = from.unwrap_or(log.extent(topic, partition)?.first);
    if log.unread(topic, partition, next)? == 0 {
        return Ok(());
    }
    let end = log.extent(topic, partition)?.next;
    let mut reader = Arc::clone(log).reader(&[start])?;
    while next < end {
        for slice in reader.read(CHUNK_BYTES, PATIENCE)? {
            for (offset, record) in slice.records().filter(|(offset, _)| *offset < end) {
                if !each(offset, &record)? {
                    return Ok(());
                }
            }
            next = slice.next;
        }
        if reader.behind() == 0 {
            break;
        }
    }
    Ok(())
}
