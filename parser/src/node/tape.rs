//! Lines → raw frames, gaps, fills and clocks, in the order in which they are to be read for ever. The order is decided
//! here and nowhere else.
//!
//! A block is taken once, whoever gives it and how often: one that has been passed is left, unless it fills a hole that
//! was said before; then it goes beside the tape, to `fills-history`.

use schemas::{
    Clock, Cursor, DeadLetter, FeedStatus, Gap, Growing, Headers, Message as _, NODE_FILLS, Outbox, SourceStatus,
    Topic, comes_after, is_numbered, kind, topics, unnumbered,
};
use serde::Serialize;

use super::census::Census;
use super::gaps;
use super::layout::Layout;
use super::legs::{self, Leg};
use super::unit::{Unit, understand};
use crate::dead_letter::{Reject, dead_letter, file};
use crate::raw_frame;

/// More blocks than milliseconds have never been seen; a restart may pass some over.
const BLOCKS_AT_ONCE: u64 = 100_000;
/// Where blocks have no numbers, a silence this long is a gap: on a quiet night there are 80 fills a second.
const SILENCE_MS: i64 = 60_000;

/// A line (without its line feed), and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub bytes: &'a [u8],
    pub layout: Layout,
    /// Who gave it, for people; where it stood there.
    pub stream: &'a str,
    pub position: &'a str,
    pub received: i64,
    pub keeps_raw: bool,
}

/// Understands a line, adds its facts to the outbox and moves the cursor.
pub fn take_line(line: &Line<'_>, cursor: &mut Cursor, out: &mut Outbox) {
    take_line_to(&topics::FILLS, line, cursor, &mut Census::default(), out);
}

/// The same to one of both topics of fills; what the facts are about is counted.
pub fn take_line_to(
    topic: &'static Topic,
    line: &Line<'_>,
    cursor: &mut Cursor,
    census: &mut Census,
    out: &mut Outbox,
) {
    match understand(line.layout, line.bytes).and_then(|unit| follows(unit, cursor)) {
        Ok(unit) => Taking { topic, line, cursor, census, out }.take(&unit),
        Err(reject) => set_line_aside(line, &reject, cursor, out),
    }
}

/// The block that grows has no more fills: nothing follows it in any file.
pub fn close(topic: &'static Topic, received: i64, cursor: &mut Cursor, out: &mut Outbox) {
    let line = Line { bytes: b"", layout: Layout::Fills, stream: "", position: "end", received, keeps_raw: false };
    Taking { topic, line: &line, cursor, census: &mut Census::default(), out }.close();
}

/// Nobody was heard between what was taken last and this line. Between two blocks that have numbers, those that are
/// missing show by themselves; elsewhere all that time is a hole.
pub fn say_cut(line: &Line<'_>, cursor: &mut Cursor, out: &mut Outbox) {
    let Ok(unit) = understand(line.layout, line.bytes).and_then(|unit| follows(unit, cursor)) else { return };
    if cursor.time > 0 {
        Taking { topic: &topics::FILLS, line, cursor, census: &mut Census::default(), out }.say_cut(&unit);
    }
}

/// Adds the fills of a block that was missing to the history.
pub fn heal(line: &Line<'_>, census: &mut Census, out: &mut Outbox) {
    let mut nowhere = Cursor::default();
    if let Ok(unit) = understand(line.layout, line.bytes)
        && let Some(block) = unit.number
    {
        Taking { topic: &topics::FILLS_HISTORY, line, cursor: &mut nowhere, census, out }.add_to_history(&unit, block);
    }
}

pub fn set_line_aside(line: &Line<'_>, reject: &Reject, cursor: &mut Cursor, out: &mut Outbox) {
    let time = if cursor.time > 0 { cursor.time } else { line.received };
    keep_raw(line, time, out);
    file(&dead_letter(NODE_FILLS, line.position, line.bytes, reject, line.received), line, out);
    cursor.dead_letters += 1;
}

/// A frame in which no line of a node could be found.
pub fn set_frame_aside(source: &str, position: &str, frame: &[u8], reject: &Reject, received: i64, out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "schema", DeadLetter::SCHEMA.as_bytes());
    Headers::write(&mut headers, "received", received.to_string().as_bytes());
    let letter = dead_letter(source, position, frame, reject, received);
    letter.append_to(out.batch(&topics::DEAD_LETTERS, 0), &headers);
}

pub fn follows<'a>(unit: Unit<'a>, cursor: &Cursor) -> Result<Unit<'a>, Reject> {
    let Some(number) = unit.number else { return Ok(unit) };
    let furthest = furthest_block(cursor.block, cursor.time, unit.time);
    if cursor.block > 0 && number > furthest || !is_numbered(number) {
        return Err(Reject::TooFarAhead { number, last: cursor.block });
    }
    Ok(unit)
}

/// The highest number that a block can have at a time, after the last one.
pub fn furthest_block(last: u64, last_time: i64, time: i64) -> u64 {
    let elapsed = u64::try_from(time.saturating_sub(last_time)).unwrap_or_default();
    last.saturating_add(elapsed).saturating_add(BLOCKS_AT_ONCE)
}

struct Taking<'a> {
    topic: &'static Topic,
    line: &'a Line<'a>,
    cursor: &'a mut Cursor,
    census: &'a mut Census,
    out: &'a mut Outbox,
}

impl Taking<'_> {
    fn take(&mut self, unit: &Unit<'_>) {
        let block = unit.number.unwrap_or_else(|| unnumbered(unit.time));
        if self.grows(block) {
            return self.take_part(unit, block);
        }
        if !self.is_new(block, unit.time) {
            return self.take_again(unit, block);
        }
        self.close();
        self.say_hole(unit, block);
        if unit.is_whole {
            self.take_whole(unit, block);
        } else {
            self.cursor.growing = Some(Growing { block, index: 0, ids: Vec::new() });
            self.reach(unit);
            self.take_part(unit, block);
        }
    }

    fn grows(&self, block: u64) -> bool {
        self.cursor.growing.as_ref().is_some_and(|growing| growing.block == block)
    }

    /// Whether it comes after all that was taken.
    fn is_new(&self, block: u64, time: i64) -> bool {
        let last = self.cursor.growing.as_ref().map_or(self.cursor.block, |growing| growing.block);
        self.cursor.time == 0 || comes_after((block, 0, time), (self.standing(last), 0, self.cursor.time))
    }

    /// The place of the last block: where none had a number, its time stands for it.
    fn standing(&self, last: u64) -> u64 {
        if last == 0 { unnumbered(self.cursor.time) } else { last }
    }

    /// Fills of a block that came before or whose other fills did.
    fn take_part(&mut self, unit: &Unit<'_>, block: u64) {
        keep_raw(self.line, unit.time, self.out);
        let Some(mut growing) = self.cursor.growing.take() else { return };
        for text in &unit.legs {
            let leg =
                Leg { block, block_time: unit.time, index: growing.index, text, is_of_a_trade: self.is_of_a_trade() };
            match leg.fact() {
                Ok((_, fill)) if growing.ids.contains(&legs::id(&fill)) => self.cursor.fills_repeated += 1,
                Ok((fact, fill)) => {
                    growing.ids.push(legs::id(&fill));
                    growing.index += 1;
                    let headers = self.headers(kind::FILL, "fill/1", block);
                    legs::publish(&fact, &fill, self.topic, &headers, self.out);
                    self.census.count(fill);
                    self.cursor.fills += 1;
                }
                Err(reject) => self.set_leg_aside(text, growing.index, &reject),
            }
        }
        let is_whole = unit.is_whole;
        self.cursor.growing = Some(growing);
        if is_whole {
            self.close();
        }
    }

    fn take_whole(&mut self, unit: &Unit<'_>, block: u64) {
        keep_raw(self.line, unit.time, self.out);
        self.publish(unit, block, self.topic);
        self.reach(unit);
        self.cursor.block = block;
        self.census.blocks += 1;
        self.say_clock(Clock { time: self.cursor.time, block }, self.topic);
    }

    /// What has been passed: the block of a hole, or one that was taken.
    fn take_again(&mut self, unit: &Unit<'_>, block: u64) {
        match unit.number {
            Some(_) if unit.is_whole => match gaps::find(&mut self.cursor.open_gaps, block) {
                gaps::Found::Nothing => self.cursor.blocks_repeated += 1,
                gaps::Found::Part => self.heal(unit, block),
                gaps::Found::Rest(gap) => {
                    self.heal(unit, block);
                    say_healed(&gap, self.line.stream, self.line.received, self.out);
                }
            },
            _ => self.cursor.fills_repeated += unit.legs.len() as u64,
        }
    }

    fn heal(&mut self, unit: &Unit<'_>, block: u64) {
        self.add_to_history(unit, block);
        self.cursor.blocks_missed -= 1;
        self.cursor.blocks_healed += 1;
    }

    fn add_to_history(&mut self, unit: &Unit<'_>, block: u64) {
        keep_raw(self.line, unit.time, self.out);
        self.publish(unit, block, &topics::FILLS_HISTORY);
        self.census.blocks += 1;
        self.say_clock(Clock { time: unit.time, block }, &topics::FILLS_HISTORY);
    }

    fn publish(&mut self, unit: &Unit<'_>, block: u64, topic: &'static Topic) {
        let headers = self.headers(kind::FILL, "fill/1", block);
        for (index, text) in (0..).zip(&unit.legs) {
            let leg = Leg { block, block_time: unit.time, index, text, is_of_a_trade: self.is_of_a_trade() };
            match leg.fact() {
                Ok((fact, fill)) => {
                    legs::publish(&fact, &fill, topic, &headers, self.out);
                    self.census.count(fill);
                    self.cursor.fills += 1;
                }
                Err(reject) => self.set_leg_aside(text, index, &reject),
            }
        }
    }

    fn is_of_a_trade(&self) -> bool {
        self.line.layout == Layout::Trades
    }

    fn set_leg_aside(&mut self, text: &str, index: u32, reject: &Reject) {
        let position = format!("{}#{index}", self.line.position);
        file(&dead_letter(NODE_FILLS, &position, text.as_bytes(), reject, self.line.received), self.line, self.out);
        self.cursor.dead_letters += 1;
    }

    /// The end of the block that grows is known: something that comes after it is there.
    fn close(&mut self) {
        let Some(growing) = self.cursor.growing.take() else { return };
        self.cursor.block = if is_numbered(growing.block) { growing.block } else { 0 };
        self.census.blocks += 1;
        self.say_clock(Clock { time: self.cursor.time, block: growing.block }, self.topic);
    }

    fn reach(&mut self, unit: &Unit<'_>) {
        if self.cursor.time == 0 {
            (self.cursor.first_block, self.cursor.first_time) = (unit.number.unwrap_or_default(), unit.time);
        }
        self.cursor.time = self.cursor.time.max(unit.time);
    }

    fn say_hole(&mut self, unit: &Unit<'_>, block: u64) {
        let is_first = self.cursor.time == 0;
        let last = self.cursor.block;
        let (from_time, to_time) = (self.cursor.time, unit.time);
        let gap = match unit.number {
            // Before the first block it is the same: of what was before, nothing is known.
            Some(number) if unit.is_whole && number > last + 1 && (is_first || last > 0) => {
                Gap { from_block: last + 1, to_block: number - 1, from_time, to_time }
            }
            // The first that has a number: it follows what had none.
            Some(_) => return,
            None if is_first || to_time - from_time > SILENCE_MS => {
                let from_block = if is_first { 0 } else { unnumbered(from_time) + 1 };
                Gap { from_block, to_block: block - 1, from_time, to_time }
            }
            None => return,
        };
        self.tell_every_partition(&gap, unit.time, kind::GAP, "gap/1", block, self.topic);
        if !is_first {
            self.note(gap);
        }
    }

    /// Of the block that was taken last, something may be missing too. A longer silence is a hole as it is.
    fn say_cut(&mut self, unit: &Unit<'_>) {
        let (from_time, to_time) = (self.cursor.time, unit.time);
        let block = unit.number.unwrap_or_else(|| unnumbered(to_time));
        if !self.is_new(block, to_time) {
            return;
        }
        self.close();
        let is_said_anyway = unit.number.is_none() && to_time - from_time > SILENCE_MS;
        if is_said_anyway || unit.number.is_some() && self.cursor.block > 0 {
            return;
        }
        let gap = Gap { from_block: unnumbered(from_time), to_block: unnumbered(to_time) - 1, from_time, to_time };
        self.tell_every_partition(&gap, to_time, kind::GAP, "gap/1", block, self.topic);
        self.note(gap);
    }

    fn note(&mut self, gap: Gap) {
        let reason = if is_numbered(gap.to_block) {
            self.cursor.blocks_missed += gap.to_block - gap.from_block + 1;
            gaps::open(&mut self.cursor.open_gaps, gap);
            format!("{} blocks are missing", gap.to_block - gap.from_block + 1)
        } else {
            let silence = gap.to_time - gap.from_time;
            format!("no fill for {}.{:03} s: something may be missing", silence / 1000, silence % 1000)
        };
        self.cursor.gaps += 1;
        self.cursor.last_gap = Some(gap);
        say(SourceStatus::Gap, &gap, None, &reason, self.line.received, self.out);
    }

    fn say_clock(&mut self, clock: Clock, topic: &'static Topic) {
        self.tell_every_partition(&clock, clock.time, kind::CLOCK, "clock/1", clock.block, topic);
    }

    /// An idle partition is told too.
    fn tell_every_partition<T: Serialize>(
        &mut self,
        message: &T,
        time: i64,
        kind: &[u8],
        schema: &str,
        block: u64,
        topic: &'static Topic,
    ) {
        let Ok(value) = serde_json::to_vec(message) else { return };
        let headers = self.headers(kind, schema, block);
        for partition in 0..self.out.generation().partitions(topic) {
            self.out.batch(topic, partition).push(time, b"", Some(&value), &headers);
        }
    }

    fn headers(&self, kind: &[u8], schema: &str, block: u64) -> Vec<u8> {
        let mut headers = Vec::new();
        Headers::write(&mut headers, kind::HEADER, kind);
        Headers::write(&mut headers, "schema", schema.as_bytes());
        Headers::write(&mut headers, "source", self.line.position.as_bytes());
        Headers::write(&mut headers, "block", block.to_string().as_bytes());
        Headers::write(&mut headers, "received", self.line.received.to_string().as_bytes());
        headers
    }
}

/// Everything of a hole has been found.
pub fn say_healed(gap: &Gap, healed_by: &str, received: i64, out: &mut Outbox) {
    let reason = format!("all of the {} blocks are in fills-history", gap.to_block - gap.from_block + 1);
    say(SourceStatus::GapHealed, gap, Some(healed_by), &reason, received, out);
}

fn say(status: SourceStatus, gap: &Gap, healed_by: Option<&str>, reason: &str, received: i64, out: &mut Outbox) {
    let blocks = is_numbered(gap.to_block).then_some((gap.from_block, gap.to_block)).unzip();
    out.send(&FeedStatus {
        from_time: Some(gap.from_time),
        to_time: Some(gap.to_time),
        from_block: blocks.0,
        to_block: blocks.1,
        healed_by: healed_by.map(Into::into),
        ..FeedStatus::of(NODE_FILLS, status, received, reason)
    });
}

fn keep_raw(line: &Line<'_>, time: i64, out: &mut Outbox) {
    if line.keeps_raw {
        raw_frame::keep(&topics::RAW_NODE_FILLS, line.position, time, line.received, line.bytes, out);
    }
}
