//! A line of events, of a block or alone → facts, raw frames and dead letters; what is known is passed.

use std::collections::BTreeSet;

use schemas::{Headers, Outbox, topics};

use super::cursor::{Made, MiscCursor};
use super::event;
use super::files::SOURCE;
use super::stretches::Stretches;
use crate::dead_letter::{Reject, dead_letter};
use crate::node::{Layout, Unit, fnv, furthest_block, understand};
use crate::raw_frame;

/// A line, and where it was read.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub bytes: &'a [u8],
    pub layout: Layout,
    pub position: &'a str,
    pub received: i64,
    pub keeps_raw: bool,
}

/// Takes a line of a node that is followed: it only goes forward. What imports have brought ahead of it is passed.
pub fn take(line: &Line<'_>, cursor: &mut MiscCursor, imported: &Stretches, out: &mut Outbox) {
    let MiscCursor { block, read, made, .. } = cursor;
    match understand(line.layout, line.bytes).and_then(|unit| follows(unit, *block, read.time())) {
        Ok(unit) if is_passed(&unit, *block, read.time()) => made.repeated += 1,
        Ok(unit) => {
            let events = events(&unit);
            let is_known = |event| read.holds(unit.time, event) || imported.holds(unit.time, event);
            publish(line, &unit, is_known, made, out);
            *block = unit.number.unwrap_or_default();
            read.reach(unit.time, &events);
        }
        Err(reject) => set_aside(line, line.bytes, line.position, &reject, made, out),
    }
}

pub fn set_rest_aside(line: &Line<'_>, made: &mut Made, out: &mut Outbox) {
    set_aside(line, line.bytes, line.position, &Reject::Unterminated, made, out);
}

/// What each event of a line is known by.
pub fn events(unit: &Unit<'_>) -> Vec<u64> {
    unit.legs.iter().map(|text| fnv(text.as_bytes())).collect()
}

pub fn follows<'a>(unit: Unit<'a>, last: u64, last_time: i64) -> Result<Unit<'a>, Reject> {
    match unit.number {
        Some(number) if last > 0 && number > furthest_block(last, last_time, unit.time) => {
            Err(Reject::TooFarAhead { number, last })
        }
        _ => Ok(unit),
    }
}

/// Nodes write again what they wrote before they were restarted.
fn is_passed(unit: &Unit<'_>, last: u64, last_time: i64) -> bool {
    unit.number.is_some_and(|number| number <= last) || unit.time < last_time
}

/// Adds the events that are not known. A line of nothing else is not kept.
pub fn publish(line: &Line<'_>, unit: &Unit<'_>, is_known: impl Fn(u64) -> bool, made: &mut Made, out: &mut Outbox) {
    let mut of_this_line = BTreeSet::new();
    let is_new: Vec<bool> =
        events(unit).into_iter().map(|event| of_this_line.insert(event) && !is_known(event)).collect();
    if !is_new.is_empty() && !is_new.contains(&true) {
        made.repeated += 1;
        return;
    }
    if line.keeps_raw {
        raw_frame::keep(&topics::RAW_MISC_EVENTS, line.position, unit.time, line.received, line.bytes, out);
    }
    for (place, text) in unit.legs.iter().enumerate().filter(|(place, _)| is_new[*place]) {
        match event::understand(text) {
            Ok(updates) => {
                made.updates += updates.len() as u64;
                inherit_reception(line, out);
                updates.iter().for_each(|update| out.send(update));
            }
            Err(reject) => {
                let position = format!("{}#{place}", line.position);
                set_aside(line, text.as_bytes(), &position, &reject, made, out);
            }
        }
    }
}

pub fn set_aside(line: &Line<'_>, bytes: &[u8], position: &str, reject: &Reject, made: &mut Made, out: &mut Outbox) {
    inherit_reception(line, out);
    out.send(&dead_letter(SOURCE, position, bytes, reject, line.received));
    made.dead_letters += 1;
}

fn inherit_reception(line: &Line<'_>, out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "received", line.received.to_string().as_bytes());
    out.inherit(Headers(&headers));
}
