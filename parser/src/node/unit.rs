//! A line of any layout → the fills or other events in it, and of which block they are.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::layout::Layout;
use super::trade_line;
use crate::dead_letter::Reject;

/// What a line holds. Its fills or events are understood one by one, later.
#[derive(Debug)]
pub struct Unit<'a> {
    /// The height, where the layout says it.
    pub number: Option<u64>,
    pub time: i64,
    /// All of its block, or a part that others follow.
    pub is_whole: bool,
    /// Each `[user, fill]`, in the order of execution; or each event.
    pub legs: Vec<Cow<'a, str>>,
}

/// So far two clocks of one node may be apart.
const CLOCK_SKEW_MS: i64 = 60_000;

pub fn understand(layout: Layout, line: &[u8]) -> Result<Unit<'_>, Reject> {
    match layout {
        Layout::ByBlock | Layout::EventsByBlock => envelope(line, true),
        Layout::Streaming => envelope(line, false),
        Layout::Fills => fill(line),
        Layout::Trades => trade_line::understand(line),
        Layout::Events => event(line),
    }
}

/// The height and time of a line, without looking at its fills; nothing, when they are not understood.
pub fn head(layout: Layout, line: &[u8]) -> Option<(Option<u64>, i64)> {
    if layout.is_numbered() {
        let before_events = memchr::memmem::find(&line[..line.len().min(HEAD_BYTES)], br#","events":"#);
        let head = before_events.and_then(|end| head_of(&[&line[..end], b"}"].concat()));
        return head.or_else(|| head_of(line));
    }
    understand(layout, line).ok().map(|unit| (unit.number, unit.time))
}

/// What stands before the fills is no longer than this.
const HEAD_BYTES: usize = 256;

fn head_of(object: &[u8]) -> Option<(Option<u64>, i64)> {
    #[derive(Deserialize)]
    struct Head<'a> {
        block_time: &'a str,
        block_number: u64,
    }
    let head: Head = serde_json::from_slice(object).ok()?;
    Some((Some(head.block_number), moment("block_time", head.block_time).ok()?))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    local_time: &'a str,
    block_time: &'a str,
    block_number: u64,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

fn envelope(line: &[u8], is_whole: bool) -> Result<Unit<'_>, Reject> {
    let line: Envelope = serde_json::from_slice(line).map_err(|error| Reject::Block { reason: error.to_string() })?;
    let (time, written) = (moment("block_time", line.block_time)?, moment("local_time", line.local_time)?);
    if time > written + CLOCK_SKEW_MS {
        return Err(Reject::Future { time, written });
    }
    let legs = line.events.into_iter().map(|event| Cow::Borrowed(event.get())).collect();
    Ok(Unit { number: Some(line.block_number), time, is_whole, legs })
}

fn fill(line: &[u8]) -> Result<Unit<'_>, Reject> {
    #[derive(Deserialize)]
    struct Timed {
        time: i64,
    }
    let not_a_fill = |reason: String| Reject::Fill { reason };
    let text = std::str::from_utf8(line).map_err(|error| not_a_fill(error.to_string()))?;
    let (_, fill): (IgnoredAny, Timed) = serde_json::from_str(text).map_err(|error| not_a_fill(error.to_string()))?;
    Ok(Unit { number: None, time: fill.time, is_whole: false, legs: vec![Cow::Borrowed(text.trim())] })
}

fn event(line: &[u8]) -> Result<Unit<'_>, Reject> {
    #[derive(Deserialize)]
    struct Timed<'a> {
        time: &'a str,
        #[serde(rename = "inner")]
        _inner: IgnoredAny,
    }
    let not_an_event = |reason: String| Reject::Event { reason };
    let text = std::str::from_utf8(line).map_err(|error| not_an_event(error.to_string()))?;
    let event: Timed = serde_json::from_str(text).map_err(|error| not_an_event(error.to_string()))?;
    let time = moment("time", event.time)?;
    Ok(Unit { number: None, time, is_whole: false, legs: vec![Cow::Borrowed(text.trim())] })
}

/// A time without a zone, which is UTC, with as many fraction digits as it needs.
pub fn moment(field: &str, text: &str) -> Result<i64, Reject> {
    let moment = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
    let moment = moment.map_err(|error| Reject::Block { reason: format!("{field} {text:?}: {error}") })?;
    Ok(moment.and_utc().timestamp_millis())
}
