//! A market without files and without a server, for tests: the engine goes in; blocks come out as lines, and beside them
//! what the info endpoint answers after each of them.

use crate::engine::Engine;
use crate::info;
use crate::now::Now;
use crate::pairs;

pub struct InMemory {
    engine: Engine,
    now: Now,
}

impl InMemory {
    /// What it knows of the past begins here.
    pub fn new(engine: Engine) -> Self {
        Self { now: Now::of(&engine), engine }
    }

    /// Makes the next block: its line, without a line feed, replaces what `line` held. Returns how many fills it has.
    pub fn next_block(&mut self, line: &mut Vec<u8>) -> usize {
        let fills = self.engine.next_block(line);
        self.now.pass(&self.engine, line, &pairs::of_line(line));
        fills
    }

    /// The line of the last block in `misc_events_by_block`, without a line feed.
    pub fn misc_line(&self, line: &mut Vec<u8>) {
        self.engine.misc_line(line);
    }

    /// To the body of a request; none to what is no question, or is about what nobody lists.
    pub fn answer(&self, body: &str) -> Option<String> {
        info::answer_in_json(body, &self.now)
    }
}
