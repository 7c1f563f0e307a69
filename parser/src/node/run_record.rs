//! What one stream of a source has given since it was opened, said once a second.

use schemas::{Cursor, Outbox, SourceRun, is_numbered};

#[derive(Debug)]
pub struct RunRecord {
    run: SourceRun,
    said: i64,
}

const SAY_EVERY_MS: i64 = 1_000;

impl RunRecord {
    pub fn begin(source: &str, stream: &str, started: i64) -> Self {
        let run = SourceRun {
            source: source.into(),
            stream: stream.to_owned(),
            started,
            time: started,
            ended: None,
            frames: 0,
            bytes: 0,
            facts: 0,
            duplicates: 0,
            gaps: 0,
            dead_letters: 0,
            last_block: None,
            last_time: None,
            lag_ms: None,
            cursor: String::new(),
        };
        Self { run, said: 0 }
    }

    /// A frame, and what it has changed.
    pub fn count(&mut self, bytes: u64, before: &Counts, made: &Counts, received: i64) {
        self.run.frames += 1;
        self.run.bytes += bytes;
        self.run.facts += made.facts - before.facts;
        self.run.duplicates += made.duplicates - before.duplicates;
        self.run.gaps += made.gaps - before.gaps;
        self.run.dead_letters += made.dead_letters - before.dead_letters;
        if made.time != before.time || made.block != before.block {
            self.run.last_block = (made.block > 0 && is_numbered(made.block)).then_some(made.block);
            self.run.last_time = Some(made.time);
            self.run.lag_ms = Some(received - made.time);
        }
    }

    pub fn say(&mut self, cursor: String, now: i64, out: &mut Outbox) {
        if now - self.said >= SAY_EVERY_MS {
            self.run.cursor = cursor;
            self.tell(now, out);
        }
    }

    pub fn end(&mut self, cursor: String, now: i64, out: &mut Outbox) {
        self.run.cursor = cursor;
        self.run.ended = Some(now);
        self.tell(now, out);
    }

    fn tell(&mut self, now: i64, out: &mut Outbox) {
        self.said = now;
        self.run.time = now;
        out.send(&self.run);
    }
}

/// How often things have happened so far.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub facts: u64,
    pub duplicates: u64,
    pub gaps: u64,
    pub dead_letters: u64,
    pub block: u64,
    pub time: i64,
}

impl Counts {
    pub fn of(cursor: &Cursor) -> Self {
        let Cursor { fills, gaps, dead_letters, block, time, .. } = *cursor;
        Self {
            facts: fills,
            duplicates: cursor.blocks_repeated + cursor.fills_repeated,
            gaps,
            dead_letters,
            block,
            time,
        }
    }
}
