//! What the log keeps of a topic → whoever asks the API for what has been.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Again, Unread, Whence};
use schemas::Topic;
use tracing::warn;

use super::{PATIENCE, Shared};
use crate::log::{Extent, LogError, Start};

const BYTES: usize = 256 * 1024;
/// So long the log may say nothing before its end.
const SILENCE: Duration = Duration::from_secs(20);

/// From there on up to where the topic ends, as long as somebody wants it.
pub fn read_again(
    shared: &Shared,
    topic: &'static Topic,
    whence: &Whence,
    each: &mut dyn FnMut(Again<'_>) -> bool,
) -> Result<(), Unread> {
    read(shared, topic, whence, each).map_err(|error| match error {
        LogError::OutOfRange { .. } | LogError::Ahead { .. } => Unread::Gone,
        error => {
            warn!("{} could not be read for a client: {error}", topic.name);
            Unread::Failed
        }
    })
}

fn read(
    shared: &Shared,
    topic: &'static Topic,
    whence: &Whence,
    each: &mut dyn FnMut(Again<'_>) -> bool,
) -> Result<(), LogError> {
    let from = places(shared, topic, whence)?;
    let start = |(partition, from): (&u32, &u64)| Start { topic, partition: *partition, from: Some(*from) };
    let starts: Vec<Start> = from.iter().map(start).collect();
    if !each(Again::From(from)) {
        return Ok(());
    }
    let mut reader = Arc::clone(&shared.log).reader(&starts)?;
    let (mut unread, mut last_heard): (BTreeSet<usize>, _) = ((0..starts.len()).collect(), Instant::now());
    while !unread.is_empty() {
        let slices = reader.read(BYTES, PATIENCE)?;
        if !slices.is_empty() {
            last_heard = Instant::now();
        } else if shared.stop.asked() || last_heard.elapsed() > SILENCE {
            return Err(LogError::Ended { doing: format!("reading {} once more", topic.name) });
        }
        for slice in slices {
            for (offset, record) in slice.records() {
                if !each(Again::Record { partition: slice.partition, offset, record: &record }) {
                    return Ok(());
                }
            }
            if !each(Again::UpTo { partition: slice.partition, next: slice.next }) {
                return Ok(());
            }
        }
        unread.retain(|place| !reader.is_at_the_end(*place));
    }
    Ok(())
}

/// The next offset of every partition. What is asked for and kept no more is out of range.
fn places(shared: &Shared, topic: &'static Topic, whence: &Whence) -> Result<BTreeMap<u32, u64>, LogError> {
    let log = &shared.log;
    let mut places = BTreeMap::new();
    for partition in log.partitions(topic) {
        let Extent { first, next: end, .. } = log.extent(topic, partition)?;
        let from = match whence {
            Whence::Behind(next) => next.get(&partition).copied().unwrap_or_default(),
            // When it is before the first one that is kept, there may have been others.
            Whence::Time(time) => match Arc::clone(log).offset_at(topic, partition, *time)? {
                from if from == first && first > 0 && first < end => 0,
                from => from,
            },
        };
        if from < first {
            return Err(LogError::OutOfRange { topic, partition, from, first });
        }
        places.insert(partition, from);
    }
    Ok(places)
}
