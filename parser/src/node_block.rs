//! One line of `node_fills_by_block` → raw frame, gap, fills and clock, in the order in which they are to be read for
//! ever. The order is decided here and nowhere else.

use chrono::NaiveDateTime;
use schemas::{Clock, Cursor, Fill, Gap, Headers, Message, Outbox, RAW_PART_BYTES, kind, raw_parts, topics};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::dead_letter::{Reject, dead_letter};

/// Understands a line (without its line feed) that stood at `position`, adds its facts to the outbox and moves the
/// cursor's block and time. A block that was taken before is counted and left.
pub fn take_line(line: &[u8], position: &str, received: i64, cursor: &mut Cursor, out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "received", received.to_string().as_bytes());
    match parse(line).and_then(|block| follows(block, cursor)) {
        Ok(block) if block.number <= cursor.block && cursor.time > 0 => cursor.blocks_repeated += 1,
        Ok(block) => {
            keep_raw(line, position, block.time, &headers, out);
            take_block(&block, position, received, cursor, out);
        }
        Err(reject) => {
            let time = if cursor.time > 0 { cursor.time } else { received };
            keep_raw(line, position, time, &headers, out);
            out.inherit(Headers(&headers));
            out.send(&dead_letter(SOURCE, position, line, &reject, received));
            cursor.dead_letters += 1;
        }
    }
}

/// More blocks than milliseconds have never been seen; a restart may pass some over.
const BLOCKS_AT_ONCE: u64 = 100_000;

fn follows<'a>(block: Block<'a>, cursor: &Cursor) -> Result<Block<'a>, Reject> {
    let elapsed = u64::try_from(block.time.saturating_sub(cursor.time)).unwrap_or_default();
    let furthest = cursor.block.saturating_add(elapsed).saturating_add(BLOCKS_AT_ONCE);
    if cursor.time > 0 && block.number > furthest || i64::try_from(block.number).is_err() {
        return Err(Reject::TooFarAhead { number: block.number, last: cursor.block });
    }
    Ok(block)
}

const SOURCE: &str = "node-fills";
/// So far two clocks of one node may be apart.
const CLOCK_SKEW_MS: i64 = 60_000;
/// A fill's time is its block's, cut to milliseconds.
const FILL_SKEW_MS: u64 = 1_000;

/// A block as far as it is understood at once: its fills are understood one by one.
struct Block<'a> {
    number: u64,
    time: i64,
    events: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Line<'a> {
    local_time: &'a str,
    block_time: &'a str,
    block_number: u64,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

fn parse(line: &[u8]) -> Result<Block<'_>, Reject> {
    let line: Line = serde_json::from_slice(line).map_err(|error| Reject::Block { reason: error.to_string() })?;
    let (time, written) = (moment("block_time", line.block_time)?, moment("local_time", line.local_time)?);
    if time > written + CLOCK_SKEW_MS {
        return Err(Reject::Future { time, written });
    }
    Ok(Block { number: line.block_number, time, events: line.events })
}

/// A time without a zone, which is UTC, with as many fraction digits as it needs.
fn moment(field: &str, text: &str) -> Result<i64, Reject> {
    let moment = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
    let moment = moment.map_err(|error| Reject::Block { reason: format!("{field} {text:?}: {error}") })?;
    Ok(moment.and_utc().timestamp_millis())
}

fn keep_raw(line: &[u8], position: &str, time: i64, headers: &[u8], out: &mut Outbox) {
    let batch = out.batch(&topics::RAW_NODE_FILLS, 0);
    if line.len() <= RAW_PART_BYTES {
        return batch.push(time, position.as_bytes(), Some(line), headers);
    }
    for (part, parts, bytes) in raw_parts(line) {
        let mut headers = headers.to_vec();
        Headers::write(&mut headers, "part", format!("{part}/{parts}").as_bytes());
        batch.push(time, position.as_bytes(), Some(bytes), &headers);
    }
}

fn take_block(block: &Block<'_>, position: &str, received: i64, cursor: &mut Cursor, out: &mut Outbox) {
    let headers = |kind: &[u8], schema: &str| fact_headers(kind, schema, position, block.number, received);
    let is_first = cursor.time == 0;
    if block.number - cursor.block.min(block.number) > 1 {
        // Before the first block it is the same: of what was before, nothing is known.
        let (from_block, to_block) = (cursor.block + 1, block.number - 1);
        let gap = Gap { from_block, to_block, from_time: cursor.time, to_time: block.time };
        to_every_partition(&gap, block.time, &headers(kind::GAP, "gap/1"), out);
        if !is_first {
            cursor.blocks_missed += to_block - cursor.block;
            cursor.last_gap = Some(gap);
        }
    }
    if is_first {
        (cursor.first_block, cursor.first_time) = (block.number, block.time);
    }
    let fill_headers = headers(kind::FILL, Fill::SCHEMA);
    for (index, event) in block.events.iter().enumerate() {
        if let Err(reject) = take_fill(block, index, event.get(), &fill_headers, out) {
            let position = format!("{position}#{index}");
            out.inherit(Headers(&fill_headers));
            out.send(&dead_letter(SOURCE, &position, event.get().as_bytes(), &reject, received));
            cursor.dead_letters += 1;
        }
    }
    cursor.block = block.number;
    cursor.time = cursor.time.max(block.time);
    let clock = Clock { time: cursor.time, block: block.number };
    to_every_partition(&clock, clock.time, &headers(kind::CLOCK, "clock/1"), out);
}

/// The source's own object goes on as it is, with block, index and user put in front: no field of it is lost.
fn take_fill(block: &Block<'_>, index: usize, event: &str, headers: &[u8], out: &mut Outbox) -> Result<(), Reject> {
    let not_a_fill = |error: serde_json::Error| Reject::Fill { reason: error.to_string() };
    let (user, object): (&RawValue, &RawValue) = serde_json::from_str(event).map_err(not_a_fill)?;
    let fields = object.get().strip_prefix('{').map(str::trim_start).filter(|fields| !fields.starts_with('}'));
    let fields = fields.ok_or_else(|| Reject::Fill { reason: "an object with fields was expected".to_owned() })?;
    let fact = format!(r#"{{"block":{},"index":{index},"user":{},{fields}"#, block.number, user.get());
    let fill: Fill = serde_json::from_str(&fact).map_err(not_a_fill)?;
    if fill.time.abs_diff(block.time) > FILL_SKEW_MS {
        return Err(Reject::OtherTime { time: fill.time, block_time: block.time });
    }
    if fill.sz.sign() < 0 {
        return Err(Reject::NegativeSize);
    }
    fill.end_position().map_err(|_| Reject::Position)?;
    let partition = fill.partition(out.generation().partitions(&topics::FILLS));
    let coin = fill.coin.as_str().as_bytes();
    out.batch(&topics::FILLS, partition).push(fill.time, coin, Some(fact.as_bytes()), headers);
    Ok(())
}

/// An idle partition is told too.
fn to_every_partition<T: Serialize>(message: &T, time: i64, headers: &[u8], out: &mut Outbox) {
    let Ok(value) = serde_json::to_vec(message) else { return };
    for partition in 0..out.generation().partitions(&topics::FILLS) {
        out.batch(&topics::FILLS, partition).push(time, b"", Some(&value), headers);
    }
}

fn fact_headers(kind: &[u8], schema: &str, position: &str, block: u64, received: i64) -> Vec<u8> {
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind);
    Headers::write(&mut headers, "schema", schema.as_bytes());
    Headers::write(&mut headers, "source", position.as_bytes());
    Headers::write(&mut headers, "block", block.to_string().as_bytes());
    Headers::write(&mut headers, "received", received.to_string().as_bytes());
    headers
}
