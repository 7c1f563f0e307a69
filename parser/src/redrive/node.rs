//! Letters of node files → `fills-history`: a block that is missing, or a fill of a block that was taken without it.
//! Never the tape: its order was decided when it went on without them.

use std::collections::BTreeSet;

use schemas::{Cursor, Gap, Headers, Outbox, kind, topics};

use super::{Filed, Refusal, cannot};
use crate::dead_letter::{Reject, header};
use crate::node::gaps::{self, Found};
use crate::node::legs::{self, Leg};
use crate::node::tape::{self, follows};
use crate::node::unit::understand;
use crate::node::{Census, Layout, Line, Progress};
use crate::source_error::SourceError;

/// Which blocks there are, and which are missing.
#[derive(Debug, Default)]
pub struct Blocks {
    tape: Cursor,
    imported: Progress,
    /// Those that were redriven: nobody else counts them.
    redriven: BTreeSet<u64>,
}

/// What a block is to those that were taken.
enum Standing {
    /// With the hole, when it was the last one missing of it.
    Missing(Option<Gap>),
    Taken,
    /// Its turn may still come.
    Ahead,
    /// Of a stretch whose holes nobody remembers.
    Forgotten,
}

/// Who heals a gap, for people.
const HEALED_BY: &str = "dead-letters";

impl Blocks {
    /// Takes a record of the state, if it says how far the tape or an import is.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), SourceError> {
        let failed = |source| SourceError::State { key: String::from_utf8_lossy(key).into_owned(), source };
        match key {
            Cursor::KEY => self.tape = serde_json::from_slice(value).map_err(failed)?,
            Progress::KEY => self.imported = serde_json::from_slice(value).map_err(failed)?,
            _ => {}
        }
        Ok(())
    }

    /// A block is in the history.
    pub fn find(&mut self, block: u64) {
        gaps::find(&mut self.tape.open_gaps, block);
        gaps::find(&mut self.imported.history.open_gaps, block);
        self.redriven.insert(block);
    }

    pub fn understand(&mut self, filed: &Filed, bytes: &[u8], out: &mut Outbox) -> Result<Option<u64>, Refusal> {
        // Before letters said the layout of their lines there was one.
        let layout = header(filed, header::LAYOUT).unwrap_or(Layout::ByBlock.folder());
        if layout != Layout::ByBlock.folder() {
            return Err(cannot(&format!("a line of {layout} does not say its place among the fills of its block")));
        }
        match place_in_a_block(&filed.letter.position) {
            Some(index) => add_fill(filed, index, bytes, out).map(|()| None),
            None => self.add_block(filed, bytes, out).map(Some),
        }
    }

    fn add_block(&mut self, filed: &Filed, bytes: &[u8], out: &mut Outbox) -> Result<u64, Refusal> {
        let unit = follows(understand(Layout::ByBlock, bytes)?, &self.tape)?;
        let Some(block) = unit.number else { return Err(cannot("it does not say its block")) };
        let healed = match self.standing(block, unit.time) {
            Standing::Missing(healed) => healed,
            Standing::Taken => return Err(Refusal::Known(format!("block {block} was taken, from another line"))),
            Standing::Forgotten => {
                let why = format!("what an import before the last one has missed of the time of block {block}");
                return Err(cannot(&format!("{why} is not known any more")));
            }
            Standing::Ahead => return Err(Refusal::Left(format!("block {block} is ahead: the tape ends before it"))),
        };
        let (position, received) = (filed.letter.position.as_str(), filed.letter.time);
        let line = Line { bytes, layout: Layout::ByBlock, stream: HEALED_BY, position, received, keeps_raw: false };
        tape::heal(&line, &mut Census::default(), out);
        if let Some(gap) = healed {
            tape::say_healed(&gap, HEALED_BY, received, out);
        }
        self.find(block);
        Ok(block)
    }

    fn standing(&mut self, block: u64, time: i64) -> Standing {
        let history = &mut self.imported.history;
        let is_imported = history.time > 0 && (history.first_time..=history.time).contains(&time);
        if self.redriven.contains(&block) {
            Standing::Taken
        } else if self.tape.time > 0 && time >= self.tape.first_time {
            standing_in(&mut self.tape, block)
        } else if is_imported {
            standing_in(history, block)
        } else if self.imported.is_covered(time) {
            Standing::Forgotten
        } else {
            Standing::Missing(None)
        }
    }
}

fn standing_in(taken: &mut Cursor, block: u64) -> Standing {
    match gaps::find(&mut taken.open_gaps, block) {
        Found::Part => Standing::Missing(None),
        Found::Rest(gap) => Standing::Missing(Some(gap)),
        Found::Nothing if block > taken.block => Standing::Ahead,
        Found::Nothing => Standing::Taken,
    }
}

/// `20260628/8:104857#3` is the fourth event of its line; a line as a whole has no such end.
fn place_in_a_block(position: &str) -> Option<u32> {
    position.rsplit_once('#')?.1.parse().ok()
}

/// Without a clock behind it: whether its block is whole is not for a fill to say.
fn add_fill(filed: &Filed, index: u32, bytes: &[u8], out: &mut Outbox) -> Result<(), Refusal> {
    let (block, block_time) = (header(filed, header::BLOCK), header(filed, header::BLOCK_TIME));
    let (Some(Ok(block)), Some(Ok(block_time))) = (block.map(str::parse::<u64>), block_time.map(str::parse)) else {
        return Err(cannot("its letter does not say of which block the fill is"));
    };
    let text = std::str::from_utf8(bytes).map_err(|error| Reject::Fill { reason: error.to_string() })?;
    let leg = Leg { block, block_time, index, text, is_of_a_trade: false };
    let (fact, fill) = leg.fact()?;
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind::FILL);
    Headers::write(&mut headers, "schema", b"fill/1");
    Headers::write(&mut headers, "source", filed.letter.position.as_bytes());
    Headers::write(&mut headers, "block", block.to_string().as_bytes());
    Headers::write(&mut headers, "received", filed.letter.time.to_string().as_bytes());
    legs::publish(&fact, &fill, &topics::FILLS_HISTORY, &headers, out);
    Ok(())
}

fn header<'a>(filed: &'a Filed, name: &str) -> Option<&'a str> {
    std::str::from_utf8(Headers(&filed.headers).get(name)?).ok()
}
