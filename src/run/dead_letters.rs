//! `fathom dead-letters redrive`: letters → facts, or letters an attempt later, and the memory of which were given to
//! the parser again. What is made of a letter and the memory of it are one commit: an end in the middle doubles nothing.

use std::sync::{Arc, Mutex, PoisonError};

use parser::{Filed, Outcome, Redrive};
use schemas::{Outbox, Record, Topic, topics};
use serde_json::{Value, json};

use super::CHUNK_BYTES;
use crate::failure::Failure;
use crate::log::{Log, Start, Writer, read_to_the_end};

/// How often bytes are given to the parser, the first time included.
pub const MOST_ATTEMPTS: u32 = 5;

type Each<'a> = &'a mut dyn FnMut(Value) -> Result<(), Failure>;

/// Says of each letter what came of it, and last how many there were of each; a dry run writes nothing.
pub fn redrive(log: &Arc<dyn Log>, is_dry_run: bool, each: Each<'_>) -> Result<(), Failure> {
    // Whichever generation is told, there is one who does it.
    let log = &log.of_the_facts()?;
    // On Kafka a writer shuts out the one before it; on the embedded log all are of this process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // First the writer: when it has begun, nobody else can add to the memory that is read next.
    let writer = (!is_dry_run).then(|| Arc::clone(log).writer("dead-letters.0")).transpose()?;
    let mut out = Outbox::new(log.generation());
    let mut redrive = open(log)?;
    redrive.forget_before(log.extent(&topics::DEAD_LETTERS, 0)?.first, &mut out);
    let Some(last) = look_through(log, &mut redrive)? else { return each(Counts::default().summary(is_dry_run)) };
    let mut run = Run { log, writer, out, said: Vec::new(), counts: Counts::default(), each };
    read_to_the_end::<Failure>(log, the_letters(), |offset, record| {
        if offset > last {
            return Ok(false);
        }
        run.take(&mut redrive, offset, record)?;
        Ok(offset < last)
    })?;
    run.commit()?;
    let summary = run.counts.summary(is_dry_run);
    (run.each)(summary)
}

fn open(log: &Arc<dyn Log>) -> Result<Redrive, Failure> {
    let mut state = Vec::new();
    log.last_values(&topics::STATE_PARSER_NODE_FILLS, 0, &mut |key, value| state.push((key.to_vec(), value.to_vec())))?;
    Redrive::open(MOST_ATTEMPTS, state).map_err(|error| Failure::because(error.to_string(), error))
}

/// Notes which facts the letters may hold, and which of those are known; the last letter there is.
fn look_through(log: &Arc<dyn Log>, redrive: &mut Redrive) -> Result<Option<u64>, Failure> {
    let mut last = None;
    read_to_the_end::<Failure>(log, the_letters(), |offset, record| {
        if let Ok(filed) = filed(offset, record) {
            redrive.expect(&filed);
        }
        last = Some(offset);
        Ok(true)
    })?;
    if redrive.expects_trades() {
        for partition in log.partitions(&topics::TRADES) {
            let start = Start { topic: &topics::TRADES, partition, from: None };
            read_to_the_end::<Failure>(log, start, |_, record| {
                redrive.show_trade(record.key, record.value.unwrap_or_default());
                Ok(true)
            })?;
        }
    }
    Ok(last)
}

fn the_letters() -> Start {
    Start { topic: &topics::DEAD_LETTERS, partition: 0, from: None }
}

fn filed(offset: u64, record: &Record<'_>) -> Result<Filed, serde_json::Error> {
    let letter = serde_json::from_slice(record.value.unwrap_or_default())?;
    Ok(Filed { offset, letter, headers: record.headers.0.to_vec() })
}

/// What was made and not yet committed, and what is to be said when it is.
struct Run<'a> {
    log: &'a Arc<dyn Log>,
    /// Nobody writes in a dry run.
    writer: Option<Box<dyn Writer>>,
    out: Outbox,
    said: Vec<Value>,
    counts: Counts,
    each: Each<'a>,
}

impl Run<'_> {
    fn take(&mut self, redrive: &mut Redrive, offset: u64, record: &Record<'_>) -> Result<(), Failure> {
        let outcome = match filed(offset, record) {
            Ok(_) if redrive.became(offset).is_some() => {
                self.counts.before += 1;
                return Ok(());
            }
            Ok(filed) => redrive.take(&filed, &mut self.out),
            Err(error) => Outcome::Left { why: format!("cannot be redriven: it is not a letter ({error})") },
        };
        self.said.push(self.counts.add(offset, outcome));
        if self.out.bytes() < CHUNK_BYTES { Ok(()) } else { self.commit() }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        if let Some(writer) = self.writer.as_mut().filter(|_| self.out.records() > 0) {
            let written: [&'static Topic; 3] = [&topics::FILLS_HISTORY, &topics::TRADES, &topics::ASSET_CONTEXTS];
            if self.log.is_any_held_up(&written) {
                return Err(Failure::stop(
                    "the readers of the facts are too far behind to be given more: redrive again when `fathom lag` says they are not",
                ));
            }
            writer.commit(&self.out)?;
        }
        self.out.clear();
        std::mem::take(&mut self.said).into_iter().try_for_each(&mut *self.each)
    }
}

#[derive(Default)]
struct Counts {
    letters: u64,
    redriven: u64,
    facts: usize,
    known: u64,
    filed_again: u64,
    left: u64,
    before: u64,
}

impl Counts {
    /// What is said of the letter.
    fn add(&mut self, offset: u64, outcome: Outcome) -> Value {
        self.letters += 1;
        match outcome {
            Outcome::Redriven { facts } => {
                self.redriven += 1;
                self.facts += facts;
                json!({ "id": offset, "outcome": "redriven", "facts": facts })
            }
            Outcome::Known { why } => {
                self.known += 1;
                json!({ "id": offset, "outcome": "known", "why": why })
            }
            Outcome::FiledAgain { reason } => {
                self.filed_again += 1;
                json!({ "id": offset, "outcome": "filed-again", "why": reason })
            }
            Outcome::Left { why } => {
                self.left += 1;
                json!({ "id": offset, "outcome": "left", "why": why })
            }
        }
    }

    fn summary(&self, is_dry_run: bool) -> Value {
        json!({ "summary": {
            "dry_run": is_dry_run, "letters": self.letters, "redriven": self.redriven, "facts": self.facts,
            "known": self.known, "filed_again": self.filed_again, "left": self.left, "before": self.before,
        } })
    }
}
