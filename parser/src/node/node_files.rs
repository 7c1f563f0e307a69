//! The fill files of one node, or of several that see the same blocks, and streams of the same → the tape. What one of
//! them lacks another one fills; a hole is one when all have gone on, or nobody has had it for a second.

use std::path::PathBuf;

use schemas::{Cursor, FeedStatus, NODE_FILLS, Outbox, SourceStatus, topics};

use super::healing::FoundLine;
use super::one_node::Node;
use super::origin::Origin;
use super::tail::{CHUNK_BYTES, Next};
use super::tape::{self, Line};
use super::unit::head;
use crate::dead_letter::Reject;
use crate::fill_stream::{FillStream, News};
use crate::run_record::Counts;
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
        let nodes = folders.iter().map(|folder| Node::of_files(folder, now)).collect();
        Ok(Self {
            nodes,
            cursor: Cursor { generation, ..cursor },
            waits_since: None,
            heard: Heard { last: now, said: None },
        })
    }

    /// Takes what a stream gives too, as if it were another node.
    pub fn follow(&mut self, stream: FillStream, now: i64) {
        self.nodes.push(Node::of_stream(stream, now));
    }

    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Takes complete lines from the cursor on, as many as there are up to a bound; adds their facts and the cursor
    /// behind them to the outbox, also when an error ends the reading. Nothing taken means caught up; a silence that is
    /// too long is said even so.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut taken = Taken::default();
        let outcome = self.take(&mut taken, received, out);
        self.listen(taken, received, out);
        if taken != Taken::default() {
            self.write_state(out);
            for node in &mut self.nodes {
                node.run.say(node.origin.position(), received, out);
            }
        }
        outcome.map(|()| taken)
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
        out.send(&FeedStatus::of(NODE_FILLS, SourceStatus::Disconnected, now, "the parser has ended"));
        for node in &mut self.nodes {
            node.say(SourceStatus::Disconnected, "the parser has ended", now, out);
            node.run.end(node.origin.position(), now, out);
        }
    }

    pub fn bytes_behind(&self) -> Result<u64, SourceError> {
        self.nodes.iter().map(|node| node.origin.bytes_behind()).sum()
    }

    /// How many nodes have said anything so far.
    pub fn nodes(&self) -> usize {
        self.nodes.iter().filter(|node| node.origin.layout().is_some()).count()
    }

    fn listen(&mut self, taken: Taken, received: i64, out: &mut Outbox) {
        let Heard { last, said } = &mut self.heard;
        let (status, reason) = if taken.lines > 0 {
            *last = received;
            (SourceStatus::Connected, "blocks come".to_owned())
        } else if received - *last >= STALE_MS {
            let labels: Vec<&str> = self.nodes.iter().map(|node| node.label.as_str()).collect();
            let silence = (received - *last) / 1000;
            (SourceStatus::Stale, format!("no block for {silence} s from {}: is the node running?", labels.join(", ")))
        } else {
            return;
        };
        if *said != Some(status) {
            *said = Some(status);
            out.send(&FeedStatus::of(NODE_FILLS, status, received, reason));
        }
    }

    fn take(&mut self, taken: &mut Taken, received: i64, out: &mut Outbox) -> Result<(), SourceError> {
        // No memory is enough for what every reading could give at once.
        while taken.bytes < CHUNK_BYTES as u64 {
            let Some(at) = self.whose_turn(received, out, taken)? else { break };
            taken.bytes += self.take_line(at, received, out);
            taken.lines += 1;
        }
        Ok(())
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
            let Some((layout, line)) = node.origin.layout().zip(node.origin.line()) else {
                has_everybody = false;
                continue;
            };
            if is_alone || line.trim_ascii().is_empty() {
                return Ok(Some(at));
            }
            // What is not understood goes to the dead letters at once.
            let Some((number, time)) = head(layout, line) else { return Ok(Some(at)) };
            if self.waits_for_numbers(at, time, received) {
                continue;
            }
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
        let tail = match &mut node.origin {
            Origin::Files { tail: Some(tail), .. } => tail,
            Origin::Files { tail: None, .. } => return Ok(0),
            Origin::Stream(_) => return Ok(self.hear_news(at, received, out)),
        };
        let position = tail.position();
        let (stream, layout) = (node.label.as_str(), tail.layout());
        let mut bytes = 0;
        if let Next::Rest(rest) = tail.look()? {
            let line = Line { bytes: rest, layout, stream, position: &position, received, keeps_raw: false };
            tape::set_line_aside(&line, &Reject::Unterminated, cursor, out);
            bytes = tail.pass_rest();
        }
        Ok(bytes)
    }

    /// Makes sure that the next line of a stream is at hand, if there is one, and says what else it tells.
    fn hear_news(&mut self, at: usize, received: i64, out: &mut Outbox) -> u64 {
        let Self { nodes, cursor, .. } = self;
        let node = &mut nodes[at];
        let Origin::Stream(stream) = &mut node.origin else { return 0 };
        let mut taken = 0;
        let mut news = Vec::new();
        while taken < CHUNK_BYTES as u64
            && let Some(said) = stream.look(received)
        {
            taken += said.bytes();
            news.push(said);
        }
        for said in news {
            match said {
                News::Lost { status, reason } => {
                    node.is_cut = true;
                    node.say(status, &reason, received, out);
                }
                News::Odd { bytes, reject, position } => {
                    let before = counts(cursor);
                    tape::set_frame_aside(&node.source(), &position, &bytes, &reject, received, out);
                    cursor.dead_letters += 1;
                    node.run.count(1, bytes.len() as u64, &before, &counts(cursor), received);
                }
            }
        }
        taken
    }

    /// Whether a stream without numbers has to wait until somebody with numbers has come as far: only those show what
    /// is missing.
    fn waits_for_numbers(&self, at: usize, time: i64, received: i64) -> bool {
        let node = &self.nodes[at];
        node.origin.is_stream()
            && !node.numbers_blocks()
            && time > self.cursor.time
            && self.nodes.iter().any(|other| other.numbers_blocks() && other.is_heard(STALE_MS, received))
    }

    /// Whether what the stream gives next follows what was taken last, as far as anybody knows: somebody was heard all
    /// the while that it was not connected.
    fn follows(&self, at: usize, received: i64) -> bool {
        let node = &self.nodes[at];
        let was_heard =
            |other: &Node| !other.is_cut && other.heard > node.heard && other.is_heard(PATIENCE_MS, received);
        !node.is_cut || self.nodes.iter().any(was_heard)
    }

    fn take_line(&mut self, at: usize, received: i64, out: &mut Outbox) -> u64 {
        let follows = self.follows(at, received);
        let Self { nodes, cursor, .. } = self;
        let node = &mut nodes[at];
        node.say(SourceStatus::Connected, "fills come", received, out);
        let Node { label, origin, run, is_cut, heard, .. } = node;
        let Some(layout) = origin.layout() else { return 0 };
        let before = counts(cursor);
        let (position, last) = (origin.position(), cursor.time);
        if let Some(bytes) = origin.line().filter(|line| !line.trim_ascii().is_empty()) {
            let line = Line { bytes, layout, stream: label, position: &position, received, keeps_raw: true };
            if !follows {
                tape::say_cut(&line, cursor, out);
            }
            tape::take_line(&line, cursor, out);
        }
        *is_cut = !follows && cursor.time == last;
        *heard = Some(received);
        let bytes = origin.pass_line();
        run.count(1, bytes, &before, &counts(cursor), received);
        bytes
    }

    fn write_state(&mut self, out: &mut Outbox) {
        for node in &mut self.nodes {
            if let Origin::Files { tail: Some(tail), .. } = &mut node.origin {
                self.cursor.places.insert(node.label.clone(), tail.place().clone());
            }
        }
        let Ok(value) = serde_json::to_vec(&self.cursor) else { return };
        out.batch(&topics::STATE_PARSER_NODE_FILLS, 0).push(self.cursor.time, Cursor::KEY, Some(&value), &[]);
    }
}

fn counts(cursor: &Cursor) -> Counts {
    let Cursor { fills, gaps, dead_letters, block, time, .. } = *cursor;
    let duplicates = cursor.blocks_repeated + cursor.fills_repeated;
    Counts { facts: fills, duplicates, gaps, dead_letters, block, time }
}
