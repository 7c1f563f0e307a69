//! The event files of one node, or of several that see the same blocks → facts. One node is read at a time; when it
//! falls silent, the next one goes on behind the last block: what each of them writes is complete.

use std::path::{Path, PathBuf};

use schemas::{FeedStatus, Outbox, Place, SourceStatus, topics};

use super::cursor::MiscCursor;
use super::import::EventProgress;
use super::line::{self, Line};
use super::stretches::Stretches;
use crate::node::{CHUNK_BYTES, Layout, Next, Tail, Taken};
use crate::run_record::{Counts, RunRecord};
use crate::source_error::SourceError;

pub const SOURCE: &str = "misc-events";

#[derive(Debug)]
pub struct MiscEvents {
    nodes: Vec<PathBuf>,
    /// Which of them is read.
    at: usize,
    tail: Option<Tail>,
    run: RunRecord,
    cursor: MiscCursor,
    /// What imports have brought, which may be ahead.
    imported: Stretches,
    last_heard: i64,
    tried_since: i64,
    said: Option<SourceStatus>,
}

/// Minutes may pass without an event, hours do not: funding is one. Another node is tried much sooner.
const STALE_MS: i64 = 3_600_000 + 60_000;
const TRY_ANOTHER_MS: i64 = 5_000;

impl MiscEvents {
    /// Each folder is a node's data folder.
    pub fn open(
        nodes: &[PathBuf],
        cursor: MiscCursor,
        imported: EventProgress,
        generation: u32,
        now: i64,
    ) -> Result<Self, SourceError> {
        if cursor.generation != 0 && cursor.generation != generation {
            return Err(SourceError::Generation { found: cursor.generation });
        }
        let at = nodes.iter().position(|node| node.display().to_string() == cursor.stream).unwrap_or_default();
        let label = nodes.get(at).map(|node| node.display().to_string()).unwrap_or_default();
        let run = RunRecord::begin(SOURCE, &label, now);
        let cursor = MiscCursor { generation, ..cursor };
        let (nodes, imported) = (nodes.to_vec(), imported.read);
        Ok(Self { nodes, at, tail: None, run, cursor, imported, last_heard: now, tried_since: now, said: None })
    }

    pub fn cursor(&self) -> &MiscCursor {
        &self.cursor
    }

    /// Takes complete lines from the cursor on, as many as there are up to a bound; adds their facts and the cursor
    /// behind them to the outbox, also when an error ends the reading. Nothing taken means caught up.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut taken = Taken::default();
        let outcome = self.take(&mut taken, received, out);
        self.listen(taken, received, out);
        if taken != Taken::default() {
            self.write_state(out);
            self.run.say(self.position(), received, out);
        }
        match outcome {
            Err(error) if error.retry() && self.nodes.len() > 1 => self.turn_to_another(received, out),
            outcome => outcome?,
        }
        Ok(taken)
    }

    /// Nothing follows for now.
    pub fn end(&mut self, now: i64, out: &mut Outbox) {
        out.send(&FeedStatus::of(SOURCE, SourceStatus::Disconnected, now, "the parser has ended"));
        self.run.end(self.position(), now, out);
    }

    fn take(&mut self, taken: &mut Taken, received: i64, out: &mut Outbox) -> Result<(), SourceError> {
        self.find_files()?;
        let Self { tail: Some(tail), cursor, imported, run, .. } = self else { return Ok(()) };
        while taken.bytes < CHUNK_BYTES as u64 {
            let (position, layout) = (tail.position(), tail.layout());
            let line = |bytes| Line { bytes, layout, position: &position, received, keeps_raw: true };
            let before = counts(cursor);
            let bytes = match tail.look()? {
                Next::Nothing => break,
                Next::Line(bytes) => {
                    if !bytes.trim_ascii().is_empty() {
                        line::take(&line(bytes), cursor, imported, out);
                    }
                    tail.pass_line()
                }
                Next::Rest(bytes) => {
                    line::set_rest_aside(&line(bytes), &mut cursor.made, out);
                    tail.pass_rest()
                }
            };
            run.count(1, bytes, &before, &counts(cursor), received);
            taken.bytes += bytes;
            taken.lines += 1;
        }
        Ok(())
    }

    /// Finds out how the node writes, as soon as it has written anything.
    fn find_files(&mut self) -> Result<(), SourceError> {
        if self.tail.is_none()
            && let Some((hourly, layout)) = self.nodes.get(self.at).and_then(|node| hourly(node))
        {
            let label = self.label();
            let place = (self.cursor.stream == label).then(|| self.cursor.place.clone());
            self.tail = Some(Tail::open(hourly, layout, place, self.cursor.block, self.cursor.read.time())?);
            self.cursor.stream = label;
        }
        Ok(())
    }

    fn listen(&mut self, taken: Taken, received: i64, out: &mut Outbox) {
        let (status, reason) = if taken.lines > 0 {
            (self.last_heard, self.tried_since) = (received, received);
            (SourceStatus::Connected, "events come")
        } else if received - self.last_heard >= STALE_MS {
            (
                SourceStatus::Stale,
                "not one event for more than an hour: does the node write them (--write-misc-events)?",
            )
        } else {
            if received - self.tried_since >= TRY_ANOTHER_MS && self.nodes.len() > 1 {
                self.turn_to_another(received, out);
            }
            return;
        };
        if self.said != Some(status) {
            self.said = Some(status);
            out.send(&FeedStatus::of(SOURCE, status, received, reason));
        }
    }

    fn turn_to_another(&mut self, received: i64, out: &mut Outbox) {
        self.run.end(self.position(), received, out);
        self.at = (self.at + 1) % self.nodes.len();
        self.run = RunRecord::begin(SOURCE, &self.label(), received);
        (self.tail, self.cursor.place, self.tried_since) = (None, Place::default(), received);
        self.cursor.stream.clear();
    }

    fn write_state(&mut self, out: &mut Outbox) {
        if let Some(tail) = &mut self.tail {
            self.cursor.place = tail.place().clone();
        }
        let Ok(value) = serde_json::to_vec(&self.cursor) else { return };
        out.batch(&topics::STATE_PARSER_MISC_EVENTS, 0).push(
            self.cursor.read.time(),
            MiscCursor::KEY,
            Some(&value),
            &[],
        );
    }

    fn position(&self) -> String {
        self.tail.as_ref().map(Tail::position).unwrap_or_default()
    }

    fn label(&self) -> String {
        self.nodes.get(self.at).map(|node| node.display().to_string()).unwrap_or_default()
    }
}

fn counts(cursor: &MiscCursor) -> Counts {
    Counts {
        facts: cursor.made.updates,
        duplicates: cursor.made.repeated,
        gaps: 0,
        dead_letters: cursor.made.dead_letters,
        block: cursor.block,
        time: cursor.read.time(),
    }
}

/// A block a line where there is one; otherwise an event a line.
fn hourly(folder: &Path) -> Option<(PathBuf, Layout)> {
    let hourly = |layout: Layout| (folder.join(layout.folder()).join("hourly"), layout);
    Layout::OF_EVENTS.map(hourly).into_iter().find(|(path, _)| path.is_dir())
}
