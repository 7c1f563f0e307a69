//! The records of a partition → the last clock among them: what the rows stand for when all of them are written.

use schemas::table::{RowError, Value, count, count_or_null, message};
use schemas::{Batch, Record, kind};
use serde::Deserialize;

use crate::Part;

/// Time and block of the clock, time and block since when there were any; nothing of it when no clock was read.
pub(crate) type Clock = [Value; 4];

pub(crate) fn last(part: &Part<'_>) -> Result<Clock, RowError> {
    let Some(record) = clocks(part).last() else { return Ok([const { Value::Null }; 4]) };
    let clock: Told = message(part.topic, &record)?;
    let (since_time, since_block) = since(part, &clock)?;
    let block = count(part.topic, &record, clock.block)?;
    let since_block = count_or_null(part.topic, &record, since_block)?;
    Ok([clock.time.into(), block, since_time.into(), since_block])
}

/// The clock of results, or that of facts, which does not say since when there are any.
#[derive(Deserialize)]
struct Told {
    time: i64,
    block: u64,
    since_time: Option<i64>,
    since_block: Option<u64>,
}

/// Where the clock does not say it, it is since the first one that is read at all.
fn since(part: &Part<'_>, clock: &Told) -> Result<(Option<i64>, Option<u64>), RowError> {
    match (clock.since_time, part.expected, clocks(part).next()) {
        (None, None, Some(first)) => {
            let first: Told = message(part.topic, &first)?;
            Ok((Some(first.time), Some(first.block)))
        }
        _ => Ok((clock.since_time, clock.since_block)),
    }
}

fn clocks<'a>(part: &Part<'a>) -> impl Iterator<Item = Record<'a>> {
    part.batch.iter().flat_map(Batch::records).filter(|record| {
        // A record without a value only says that the log has forgotten the key.
        record.value.is_some() && record.headers.get(kind::HEADER) == Some(kind::CLOCK)
    })
}
