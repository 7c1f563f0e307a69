//! A line of events, of a block or alone → facts, raw frames and dead letters; what was taken before is passed.

use std::borrow::Cow;

use schemas::{Headers, Outbox, topics};

use super::cursor::MiscCursor;
use super::event;
use super::files::SOURCE;
use crate::dead_letter::{Reject, dead_letter};
use crate::node::{Layout, fnv, furthest_block, moment, understand};
use crate::raw_frame;

/// A line, and where it was read.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub bytes: &'a [u8],
    /// Whether it is the events of one block.
    pub is_numbered: bool,
    pub position: &'a str,
    pub received: i64,
}

pub fn take(line: &Line<'_>, cursor: &mut MiscCursor, out: &mut Outbox) {
    match unit(line).and_then(|unit| follows(unit, cursor)) {
        Ok(unit) if is_known(line, &unit, cursor) => cursor.repeated += 1,
        Ok(unit) => publish(line, &unit, cursor, out),
        Err(reject) => set_aside(line, line.bytes, line.position, &reject, cursor, out),
    }
}

pub fn set_rest_aside(line: &Line<'_>, cursor: &mut MiscCursor, out: &mut Outbox) {
    set_aside(line, line.bytes, line.position, &Reject::Unterminated, cursor, out);
}

struct Unit<'a> {
    block: Option<u64>,
    time: i64,
    events: Vec<Cow<'a, str>>,
}

fn unit<'a>(line: &Line<'a>) -> Result<Unit<'a>, Reject> {
    if line.is_numbered {
        let block = understand(Layout::ByBlock, line.bytes)?;
        return Ok(Unit { block: block.number, time: block.time, events: block.legs });
    }
    let text = std::str::from_utf8(line.bytes).map_err(|error| Reject::Event { reason: error.to_string() })?;
    Ok(Unit { block: None, time: time_of(text)?, events: vec![Cow::Borrowed(text.trim())] })
}

fn time_of(event: &str) -> Result<i64, Reject> {
    #[derive(serde::Deserialize)]
    struct Timed<'a> {
        time: &'a str,
    }
    let timed: Timed = serde_json::from_str(event).map_err(|error| Reject::Event { reason: error.to_string() })?;
    moment("time", timed.time)
}

fn follows<'a>(unit: Unit<'a>, cursor: &MiscCursor) -> Result<Unit<'a>, Reject> {
    let Some(number) = unit.block else { return Ok(unit) };
    if cursor.block > 0 && number > furthest_block(cursor.block, cursor.time, unit.time) {
        return Err(Reject::TooFarAhead { number, last: cursor.block });
    }
    Ok(unit)
}

/// Nodes write again what they wrote before they were restarted.
fn is_known(line: &Line<'_>, unit: &Unit<'_>, cursor: &MiscCursor) -> bool {
    match unit.block {
        Some(number) => number <= cursor.block,
        None => unit.time < cursor.time || unit.time == cursor.time && cursor.lines.contains(&fnv(line.bytes)),
    }
}

fn publish(line: &Line<'_>, unit: &Unit<'_>, cursor: &mut MiscCursor, out: &mut Outbox) {
    raw_frame::keep(&topics::RAW_MISC_EVENTS, line.position, unit.time, line.received, line.bytes, out);
    for (place, text) in unit.events.iter().enumerate() {
        match event::understand(text) {
            Ok(updates) => {
                cursor.updates += updates.len() as u64;
                inherit_reception(line, out);
                updates.iter().for_each(|update| out.send(update));
            }
            Err(reject) => {
                let position = format!("{}#{place}", line.position);
                set_aside(line, text.as_bytes(), &position, &reject, cursor, out);
            }
        }
    }
    match unit.block {
        Some(number) => cursor.block = number,
        None if unit.time == cursor.time => cursor.lines.push(fnv(line.bytes)),
        None => cursor.lines = vec![fnv(line.bytes)],
    }
    cursor.time = unit.time.max(cursor.time);
}

fn set_aside(
    line: &Line<'_>,
    bytes: &[u8],
    position: &str,
    reject: &Reject,
    cursor: &mut MiscCursor,
    out: &mut Outbox,
) {
    inherit_reception(line, out);
    out.send(&dead_letter(SOURCE, position, bytes, reject, line.received));
    cursor.dead_letters += 1;
}

fn inherit_reception(line: &Line<'_>, out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "received", line.received.to_string().as_bytes());
    out.inherit(Headers(&headers));
}
