//! How a moment is said → its event time: RFC 3339, milliseconds, so long before everything that is computed, or the time
//! of a record by its offset.

use std::sync::Arc;

use schemas::TOPICS;

use crate::failure::Failure;
use crate::log::{Log, Start, read_to_the_end};

pub fn moment(log: &Arc<dyn Log>, text: &str, newest: i64) -> Result<i64, Failure> {
    if let Some(ago) = text.strip_prefix('-') {
        return length_ms(ago).map(|ago| newest - ago).ok_or_else(|| not_understood(text));
    }
    if let Ok(milliseconds) = text.parse() {
        return Ok(milliseconds);
    }
    if let Some((place, offset)) = text.split_once('@') {
        return at_offset(log, place, offset).unwrap_or_else(|| Err(not_understood(text)));
    }
    chrono::DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis()).map_err(|_| not_understood(text))
}

fn not_understood(text: &str) -> Failure {
    Failure::Usage(format!(
        "{text:?} is no moment: say 2026-11-23T10:00:00Z, milliseconds UTC, -2h (before everything that is computed), or \
         fills/2@51200 (the time of the record at an offset of a partition)"
    ))
}

/// `90s`, `15m`, `2h`, `1d`
fn length_ms(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|number| i64::from(number) * unit)
}

fn at_offset(log: &Arc<dyn Log>, place: &str, offset: &str) -> Option<Result<i64, Failure>> {
    let (name, partition) = place.split_once('/')?;
    let topic = TOPICS.into_iter().find(|topic| topic.name == name)?;
    let partition = partition.parse().ok().filter(|partition| log.partitions(topic).contains(partition))?;
    let start = Start { topic, partition, from: Some(offset.parse().ok()?) };
    let mut time = None;
    let read = read_to_the_end::<Failure>(log, start, |_, record| {
        time = Some(record.time);
        Ok(false)
    });
    Some(read.and_then(|()| {
        time.ok_or_else(|| Failure::stop(format!("{place} has no record at offset {offset} or behind it")))
    }))
}

#[cfg(test)]
mod tests {
    use super::length_ms;

    #[test]
    fn lengths_are_numbers_with_a_unit() {
        let lengths = ["90s", "15m", "2h", "1d", "0s", "h", "", "2", "2w", "-1h", "1.5h", "ä"].map(length_ms);
        let none = None;
        assert_eq!(
            lengths,
            [
                Some(90_000),
                Some(900_000),
                Some(7_200_000),
                Some(86_400_000),
                Some(0),
                none,
                none,
                none,
                none,
                none,
                none,
                none
            ]
        );
    }
}
