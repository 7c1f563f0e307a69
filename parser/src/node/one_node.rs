//! One of those that give blocks: where its lines come from, and what is to be said of how it does.

use std::path::Path;

use schemas::{Cursor, FeedStatus, NODE_FILLS, Outbox, SourceStatus};
use tracing::warn;

use super::layout::Layout;
use super::origin::{Origin, hourly};
use super::tail::Tail;
use crate::fill_stream::FillStream;
use crate::run_record::RunRecord;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct Node {
    pub label: String,
    pub origin: Origin,
    pub run: RunRecord,
    /// It was not connected since its last line that was new: what it gives next may not be what follows.
    pub is_cut: bool,
    /// When it gave a line last, if it has given any.
    pub heard: Option<i64>,
    /// Its files cannot be read: the others go on without it.
    is_away: bool,
    /// Of a stream: whether it is connected, as was said last.
    said: Option<SourceStatus>,
}

impl Node {
    pub fn of_files(folder: &Path, now: i64) -> Self {
        let label = folder.display().to_string();
        let run = RunRecord::begin(NODE_FILLS, &label, now);
        let origin = Origin::Files { folder: folder.to_owned(), tail: None };
        Self { label, origin, run, is_cut: false, heard: None, is_away: false, said: None }
    }

    pub fn of_stream(stream: FillStream, now: i64) -> Self {
        let label = stream.name().to_owned();
        let run = RunRecord::begin(&stream_source(&label), &label, now);
        let origin = Origin::Stream(Box::new(stream));
        Self { label, origin, run, is_cut: true, heard: None, is_away: false, said: None }
    }

    /// Finds out how the node writes, as soon as it has written anything.
    pub fn open(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        if let Origin::Files { folder, tail: tail @ None } = &mut self.origin
            && let Some((layout, hourly)) = hourly(folder)
        {
            let place = cursor.places.get(&self.label).cloned();
            let (block, time) = last_before_what_is_missing(cursor);
            *tail = Some(Box::new(Tail::open(hourly, layout, place, block, time)?));
        }
        Ok(())
    }

    pub fn goes_away(&mut self, error: &SourceError, received: i64, out: &mut Outbox) {
        if !self.is_away {
            self.is_away = true;
            warn!("{error}: going on without {}", self.label);
            out.send(&FeedStatus::of(NODE_FILLS, SourceStatus::Disconnected, received, error.to_string()));
        }
    }

    pub fn comes_back(&mut self, received: i64, out: &mut Outbox) {
        if self.is_away {
            self.is_away = false;
            let reason = format!("{} can be read again", self.label);
            out.send(&FeedStatus::of(NODE_FILLS, SourceStatus::Connected, received, reason));
        }
    }

    /// Says of a stream how it is connected, whenever that has changed.
    pub fn say(&mut self, status: SourceStatus, reason: &str, received: i64, out: &mut Outbox) {
        if self.origin.is_stream() && self.said != Some(status) {
            self.said = Some(status);
            out.send(&FeedStatus::of(self.source().as_str(), status, received, reason));
        }
    }

    /// What it is called beside the other sources.
    pub fn source(&self) -> String {
        if self.origin.is_stream() { stream_source(&self.label) } else { NODE_FILLS.to_owned() }
    }

    pub fn numbers_blocks(&self) -> bool {
        self.origin.layout().is_some_and(Layout::is_numbered)
    }

    pub fn is_heard(&self, within_ms: i64, received: i64) -> bool {
        self.heard.is_some_and(|heard| received - heard < within_ms)
    }
}

fn stream_source(name: &str) -> String {
    format!("fill-stream.{name}")
}

/// Holes older than this are left to archives.
const RECENT_MS: i64 = 600_000;

/// Whoever is new may have what others lack: it is read from before the first hole that is not old.
fn last_before_what_is_missing(cursor: &Cursor) -> (u64, i64) {
    let recent = cursor.open_gaps.iter().find(|open| open.gap.from_time > cursor.time - RECENT_MS);
    let hole = recent.and_then(|open| Some((open.left.first()?.0.saturating_sub(1), open.gap.from_time)));
    hole.unwrap_or((cursor.block, cursor.time))
}
