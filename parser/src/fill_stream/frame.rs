//! A frame of a stream → where in it the lines are that a node would have written.

use std::ops::Range;

use serde_json::value::RawValue;

use super::path::FramePath;
use crate::dead_letter::Reject;
use crate::node::Layout;

/// Lines of the layout, each as a stretch of the frame's own bytes. Nothing, when the frame is about something else: an
/// answer, a pong.
pub fn understand(frame: &[u8], path: &FramePath, layout: Layout) -> Result<Option<Vec<Range<usize>>>, Reject> {
    if is_bare_pong(frame) {
        return Ok(None);
    }
    let Some(found) = path.find(frame).map_err(|error| reject(error.to_string()))? else { return Ok(None) };
    if path.is_whole_frame() && !may_hold(found, layout) {
        return Ok(None);
    }
    let units = match layout {
        Layout::Fills => pairs(found, path)?,
        _ => blocks(found, path)?,
    };
    let begin = frame.as_ptr().addr();
    let stretch = |unit: &RawValue| {
        let from = unit.get().as_ptr().addr() - begin;
        from..from + unit.get().len()
    };
    Ok(Some(units.into_iter().map(stretch).collect()))
}

/// Where every frame is looked at, only its shape tells answers from fills.
fn may_hold(frame: &RawValue, layout: Layout) -> bool {
    let text = frame.get();
    text.starts_with('[') || layout != Layout::Fills && text.starts_with('{') && text.contains("\"block_number\"")
}

fn blocks<'a>(found: &'a RawValue, path: &FramePath) -> Result<Vec<&'a RawValue>, Reject> {
    match found.get().as_bytes().first() {
        Some(b'{') => Ok(vec![found]),
        Some(b'[') => elements(found),
        _ => Err(reject(format!("at {path} there is neither a block nor a list of blocks"))),
    }
}

fn pairs<'a>(found: &'a RawValue, path: &FramePath) -> Result<Vec<&'a RawValue>, Reject> {
    if !found.get().starts_with('[') {
        return Err(reject(format!("at {path} there is neither a [user, fill] nor a list of them")));
    }
    let elements = elements(found)?;
    let is_one = elements.first().is_some_and(|first| first.get().starts_with('"'));
    Ok(if is_one { vec![found] } else { elements })
}

fn elements(list: &RawValue) -> Result<Vec<&RawValue>, Reject> {
    serde_json::from_str(list.get()).map_err(|error| reject(error.to_string()))
}

/// Some answer without quotes.
fn is_bare_pong(frame: &[u8]) -> bool {
    [&b"pong"[..], b"ping"].contains(&frame.trim_ascii())
}

fn reject(reason: String) -> Reject {
    Reject::StreamFrame { reason }
}
