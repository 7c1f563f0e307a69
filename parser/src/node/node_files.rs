//! The fill files of one node, or of several that see the same blocks → the tape. What one of them lacks another one
//! fills; a hole is one when all have gone on, or nobody has had it for a second.

use std::path::{Path, PathBuf};

use schemas::{Cursor, FeedStatus, Outbox, SourceStatus, topics};
use tracing::warn;

use super::healing::FoundLine;
use super::layout::Layout;
use super::tail::{CHUNK_BYTES, Next, Tail};
use super::tape::{self, Line, SOURCE};
use super::unit::head;
use crate::dead_letter::Reject;
use crate::run_record::{Counts, RunRecord};
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct NodeFiles {
    nodes: Vec<Node>,
    cursor: Cursor,
    /// Since when the block after a hole waits for those before it.
    waits_since: Option<i64>,
    heard: Heard,
}

/// Whether blocks come.
#[derive(Debug)]
struct Heard {
    last: i64,
    said: Option<SourceStatus>,
}

#[derive(Debug)]
struct Node {
    folder: PathBuf,
    label: String,
    tail: Option<Tail>,
    run: RunRecord,
    /// Its files cannot be read: the others go on without it.
    is_away: bool,
}

/// What one reading gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    pub lines: u64,
    pub bytes: u64,
}

/// How long a block waits for those of another node before it.
const PATIENCE_MS: i64 = 1_000;
/// Nodes write a block each tenth of a second, with or without fills.
const STALE_MS: i64 = 5_000;

impl NodeFiles {
    /// Each folder is a node's data folder: the one that holds `node_fills_by_block` or another layout.
    pub fn open(folders: &[PathBuf], cursor: Cursor, generation: u32, now: i64) -> Result<Self, SourceError> {
        if cursor.generation != 0 && cursor.generation != generation {
            return Err(SourceError::Generation { found: cursor.generation });
        }
        let node = |folder: &PathBuf| {
            let label = folder.display().to_string();
            let run = RunRecord::begin(SOURCE, &label, now);
            Node { folder: folder.clone(), label, tail: None, run, is_away: false }
        };
        let nodes = folders.iter().map(node).collect();
        Ok(Self {
            nodes,
            cursor: Cursor { generation, ..cursor },
            waits_since: None,
            heard: Heard { last: now, said: None },
        })
    }

    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Takes complete lines from the cursor on, as many as there are up to a bound; adds their facts and the cursor
    /// behind them to the outbox. Nothing taken means caught up; a silence that is too long is said even so.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let taken = self.take(received, out)?;
        self.listen(taken, received, out);
        if taken != Taken::default() {
            self.write_state(out);
            for node in &mut self.nodes {
                node.run.say(node.position(), received, out);
            }
        }
        Ok(taken)
    }

    /// Takes a line that fills a hole.
    pub fn take_found(&mut self, found: &FoundLine, received: i64, out: &mut Outbox) {
        let FoundLine { bytes, layout, stream, position } = found;
        let line = Line { bytes, layout: *layout, stream, position, received, keeps_raw: true };
        tape::take_line(&line, &mut self.cursor, out);
        self.write_state(out);
    }

    /// Nothing follows for now: the runs have ended.
    pub fn end(&mut self, now: i64, out: &mut Outbox) {
        out.send(&FeedStatus::of(SOURCE, SourceStatus::Disconnected, now, "the parser has ended"));
        for node in &mut self.nodes {
            node.run.end(node.position(), now, out);
        }
    }

    pub fn bytes_behind(&self) -> Result<u64, SourceError> {
        self.nodes.iter().filter_map(|node| node.tail.as_ref()).map(Tail::bytes_behind).sum()
    }

    /// How many nodes have said anything so far.
    pub fn nodes(&self) -> usize {
        self.nodes.iter().filter(|node| node.tail.is_some()).count()
    }

    fn listen(&mut self, taken: Taken, received: i64, out: &mut Outbox) {
        let Heard { last, said } = &mut self.heard;
        let (status, reason) = if taken.lines > 0 {
            *last = received;
            (SourceStatus::Connected, "blocks come".to_owned())
        } else if received - *last >= STALE_MS {
            (SourceStatus::Stale, format!("no block for {} s: is the node running?", (received - *last) / 1000))
        } else {
            return;
        };
        if *said != Some(status) {
            *said = Some(status);
            out.send(&FeedStatus::of(SOURCE, status, received, reason));
        }
    }

    fn take(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut taken = Taken::default();
        // No memory is enough for what every reading could give at once.
        while taken.bytes < CHUNK_BYTES as u64 {
            let Some(at) = self.whose_turn(received, out, &mut taken)? else { break };
            taken.bytes += self.take_line(at, received, out);
            taken.lines += 1;
        }
        Ok(taken)
    }

    /// Which node has what comes next; nobody, when it has not been written yet.
    fn whose_turn(&mut self, received: i64, out: &mut Outbox, taken: &mut Taken) -> Result<Option<usize>, SourceError> {
        let mut first: Option<(usize, Option<u64>, i64)> = None;
        let mut has_everybody = true;
        let is_alone = self.nodes.len() == 1;
        for at in 0..self.nodes.len() {
            match self.set_rest_aside(at, received, out) {
                Ok(bytes) => taken.bytes += bytes,
                Err(error) if is_alone || !error.retry() => return Err(error),
                Err(error) => {
                    self.nodes[at].goes_away(&error, received, out);
                    has_everybody = false;
                    continue;
                }
            }
            let node = &mut self.nodes[at];
            node.comes_back(received, out);
            let Some((tail, line)) = node.tail.as_ref().and_then(|tail| Some((tail, tail.line()?))) else {
                has_everybody = false;
                continue;
            };
            if is_alone || line.trim_ascii().is_empty() {
                return Ok(Some(at));
            }
            // What is not understood goes to the dead letters at once.
            let Some((number, time)) = head(tail.layout(), line) else { return Ok(Some(at)) };
            let comes_first = |(_, other, when): &(usize, Option<u64>, i64)| match (number, *other) {
                (Some(number), Some(other)) => number < other,
                _ => time < *when,
            };
            if first.as_ref().is_none_or(comes_first) {
                first = Some((at, number, time));
            }
        }
        let Some((at, number, _)) = first else { return Ok(None) };
        let leaves_a_hole = number.is_some_and(|number| self.cursor.block > 0 && number > self.cursor.block + 1);
        if !leaves_a_hole || has_everybody {
            self.waits_since = None;
            return Ok(Some(at));
        }
        let since = *self.waits_since.get_or_insert(received);
        Ok((received - since >= PATIENCE_MS).then_some(at))
    }

    /// Makes sure that the node's next line is read, if there is one. Half a line that nothing will follow becomes a
    /// dead letter with its exact bytes.
    fn set_rest_aside(&mut self, at: usize, received: i64, out: &mut Outbox) -> Result<u64, SourceError> {
        let Self { nodes, cursor, .. } = self;
        let node = &mut nodes[at];
        node.open(cursor)?;
        let Some(tail) = &mut node.tail else { return Ok(0) };
        let position = tail.position();
        let (stream, layout) = (node.label.as_str(), tail.layout());
        let mut bytes = 0;
        if let Next::Rest(rest) = tail.look()? {
            let line = Line { bytes: rest, layout, stream, position: &position, received, keeps_raw: false };
            tape::set_line_aside(&line, &Reject::Unterminated, cursor, out);
            bytes = tail.pass_rest()?;
        }
        Ok(bytes)
    }

    fn take_line(&mut self, at: usize, received: i64, out: &mut Outbox) -> u64 {
        let Self { nodes, cursor, .. } = self;
        let Node { label, tail, run, .. } = &mut nodes[at];
        let Some(tail) = tail else { return 0 };
        let before = counts(cursor);
        let (position, layout) = (tail.position(), tail.layout());
        if let Some(bytes) = tail.line().filter(|line| !line.trim_ascii().is_empty()) {
            let line = Line { bytes, layout, stream: label, position: &position, received, keeps_raw: true };
            tape::take_line(&line, cursor, out);
        }
        let bytes = tail.pass_line();
        run.count(1, bytes, &before, &counts(cursor), received);
        bytes
    }

    fn write_state(&mut self, out: &mut Outbox) {
        for node in &mut self.nodes {
            if let Some(tail) = &mut node.tail {
                self.cursor.places.insert(node.label.clone(), tail.place().clone());
            }
        }
        let Ok(value) = serde_json::to_vec(&self.cursor) else { return };
        out.batch(&topics::STATE_PARSER_NODE_FILLS, 0).push(self.cursor.time, Cursor::KEY, Some(&value), &[]);
    }
}

impl Node {
    /// Finds out how the node writes, as soon as it has written anything.
    fn open(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        if self.tail.is_none()
            && let Some((layout, hourly)) = hourly(&self.folder)
        {
            let place = cursor.places.get(&self.label).cloned();
            let (block, time) = last_before_what_is_missing(cursor);
            self.tail = Some(Tail::open(hourly, layout, place, block, time)?);
        }
        Ok(())
    }

    fn goes_away(&mut self, error: &SourceError, received: i64, out: &mut Outbox) {
        if !self.is_away {
            self.is_away = true;
            warn!("{error}: going on without {}", self.label);
            out.send(&FeedStatus::of(SOURCE, SourceStatus::Disconnected, received, error.to_string()));
        }
    }

    fn comes_back(&mut self, received: i64, out: &mut Outbox) {
        if self.is_away {
            self.is_away = false;
            let reason = format!("{} can be read again", self.label);
            out.send(&FeedStatus::of(SOURCE, SourceStatus::Connected, received, reason));
        }
    }

    fn position(&self) -> String {
        self.tail.as_ref().map(Tail::position).unwrap_or_default()
    }
}

fn counts(cursor: &Cursor) -> Counts {
    let Cursor { fills, gaps, dead_letters, block, time, .. } = *cursor;
    let duplicates = cursor.blocks_repeated + cursor.fills_repeated;
    Counts { facts: fills, duplicates, gaps, dead_letters, block, time }
}

/// Holes older than this are left to archives.
const RECENT_MS: i64 = 600_000;

/// Whoever is new may have what others lack: it is read from before the first hole that is not old.
fn last_before_what_is_missing(cursor: &Cursor) -> (u64, i64) {
    let recent = cursor.open_gaps.iter().find(|open| open.gap.from_time > cursor.time - RECENT_MS);
    let hole = recent.and_then(|open| Some((open.left.first()?.0.saturating_sub(1), open.gap.from_time)));
    hole.unwrap_or((cursor.block, cursor.time))
}

/// The layout that says most of those that are there.
fn hourly(folder: &Path) -> Option<(Layout, PathBuf)> {
    let hourly = |layout: Layout| (layout, folder.join(layout.folder()).join("hourly"));
    Layout::ALL.map(hourly).into_iter().find(|(_, path)| path.is_dir())
}
