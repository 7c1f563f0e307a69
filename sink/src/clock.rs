//! The records of a partition → the last clock among them: what the rows stand for when all of them are written.

use schemas::table::{RowError, Value, count, message};
use schemas::{Batch, ResultClock, kind};

use crate::Part;

/// Time and block of the clock, time and block since when there were any; nothing of it when no clock was read.
pub(crate) type Clock = [Value; 4];

pub(crate) fn last(part: &Part<'_>) -> Result<Clock, RowError> {
    let clocks = part.batch.iter().flat_map(Batch::records).filter(|record| {
        // A record without a value only says that the log has forgotten the key.
        record.value.is_some() && record.headers.get(kind::HEADER) == Some(kind::CLOCK)
    });
    let Some(record) = clocks.last() else { return Ok([const { Value::Null }; 4]) };
    let clock: ResultClock = message(part.topic, &record)?;
    let [block, since_block] = [clock.block, clock.since_block].map(|block| count(part.topic, &record, block));
    Ok([clock.time.into(), block?, clock.since_time.into(), since_block?])
}
