//! A dead letter → what today's parser makes of its bytes: facts, a new letter, or nothing and why; and the memory of
//! it, so that it happens once. Knows no log: whoever has one commits all of it together.

mod feed;
mod memory;
mod node;
#[cfg(test)]
mod tests;

use schemas::{DeadLetter, Headers, Message as _, NODE_FILLS, Outbox, kind, topics};

use self::feed::Trades;
use self::memory::Memory;
use self::node::Blocks;
use crate::dead_letter::{Reject, bytes_of};
use crate::source_error::SourceError;

pub use self::memory::Became;

/// A letter as it lies on its topic.
#[derive(Debug, Clone)]
pub struct Filed {
    pub offset: u64,
    pub letter: DeadLetter,
    pub headers: Vec<u8>,
}

/// What came of giving a letter to the parser again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is understood now: so many facts of it are in the outbox.
    Redriven { facts: usize },
    /// It is understood now, and all that it says was known already: only that is remembered.
    Known { why: String },
    /// It still is not: a new letter with the same bytes is in the outbox.
    FiledAgain { reason: String },
    /// Nothing is in the outbox.
    Left { why: String },
}

#[derive(Debug)]
pub struct Redrive {
    max_attempts: u32,
    memory: Memory,
    blocks: Blocks,
    trades: Trades,
}

/// Why nothing was made of bytes.
enum Refusal {
    Rejected(Reject),
    Known(String),
    Left(String),
}

/// Of which letter a record was made, by its offset.
const REDRIVEN: &str = "redriven";

impl Redrive {
    /// `state` is that of the node's files: how far the tape is, what imports have brought, and which letters were
    /// redriven before.
    pub fn open<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        max_attempts: u32,
        state: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, SourceError> {
        let (mut memory, mut blocks) = (Memory::default(), Blocks::default());
        for (key, value) in state {
            memory.restore(key.as_ref(), value.as_ref())?;
            blocks.restore(key.as_ref(), value.as_ref())?;
        }
        memory.blocks().for_each(|block| blocks.find(block));
        Ok(Self { max_attempts, memory, blocks, trades: Trades::default() })
    }

    /// What became of a letter before.
    pub fn became(&self, offset: u64) -> Option<&Became> {
        self.memory.became(offset)
    }

    /// Nobody can ask again for letters before this offset: they are not kept any more, and need not be remembered.
    pub fn forget_before(&mut self, first: u64, out: &mut Outbox) {
        self.memory.forget_before(first, out);
    }

    /// Notes the trades that are in a letter: those that `trades` has already are to be shown before it is taken.
    pub fn expect(&mut self, filed: &Filed) {
        if self.reason_to_leave(filed).is_none()
            && filed.letter.source == feed::SOURCE
            && let Ok(bytes) = bytes_of(&filed.letter)
        {
            self.trades.expect(&filed.letter, &bytes);
        }
    }

    pub fn expects_trades(&self) -> bool {
        !self.trades.is_empty()
    }

    /// A record of `trades`.
    pub fn show_trade(&mut self, coin: &[u8], value: &[u8]) {
        self.trades.see(coin, value);
    }

    /// Gives the bytes of a letter to the parser; what comes of them, and the memory of it, goes to the outbox.
    pub fn take(&mut self, filed: &Filed, out: &mut Outbox) -> Outcome {
        if let Some(why) = self.reason_to_leave(filed) {
            return Outcome::Left { why };
        }
        let mut made = Outbox::new(out.generation());
        match self.understand(filed, &mut made) {
            Ok(block) => {
                let facts = pass_on(&made, filed, out);
                self.memory.remember(filed, Became::Redriven { facts, block }, out);
                Outcome::Redriven { facts }
            }
            Err(Refusal::Rejected(reject)) => {
                let reason = still(&filed.letter, &reject);
                file_again(filed, &reason, out);
                self.memory.remember(filed, Became::FiledAgain, out);
                Outcome::FiledAgain { reason }
            }
            Err(Refusal::Known(why)) => {
                self.memory.remember(filed, Became::Known, out);
                Outcome::Known { why }
            }
            Err(Refusal::Left(why)) => Outcome::Left { why },
        }
    }

    fn reason_to_leave(&self, filed: &Filed) -> Option<String> {
        match self.became(filed.offset) {
            Some(Became::Redriven { .. }) => return Some("it was redriven before".to_owned()),
            Some(Became::Known) => return Some("what it says was found to be known before".to_owned()),
            Some(Became::FiledAgain) => return Some("it was filed again before, as a new letter".to_owned()),
            None => {}
        }
        let (attempt, most) = (filed.letter.attempt, self.max_attempts);
        (attempt >= most).then(|| format!("this is attempt {attempt}, and no more than {most} are made"))
    }

    /// The block that it was, when it was one.
    fn understand(&mut self, filed: &Filed, made: &mut Outbox) -> Result<Option<u64>, Refusal> {
        let letter = &filed.letter;
        let bytes = bytes_of(letter).map_err(|error| cannot(&format!("its bytes are not whole ({error})")))?;
        match letter.source.as_str() {
            NODE_FILLS => self.blocks.understand(filed, &bytes, made),
            feed::SOURCE => self.trades.understand(letter, &bytes, made).map(|()| None),
            "meta" => Err(cannot("the metadata of the markets is asked for anew every minute")),
            source if schemas::TOPICS.iter().any(|topic| topic.name == source) => {
                Err(cannot(&format!("it is a record of `{source}`, and still there")))
            }
            source => Err(cannot(&format!("nothing here reads bytes of {source:?} again"))),
        }
    }
}

fn cannot(why: &str) -> Refusal {
    Refusal::Left(format!("cannot be redriven: {why}"))
}

/// What is not even a line has no better reason than that.
fn still(letter: &DeadLetter, reject: &Reject) -> String {
    let unterminated = Reject::Unterminated.to_string();
    if letter.reason == unterminated { unterminated } else { reject.to_string() }
}

/// The same letter, an attempt later.
fn file_again(filed: &Filed, reason: &str, out: &mut Outbox) {
    let letter = later(DeadLetter { reason: reason.to_owned(), ..filed.letter.clone() }, filed);
    letter.append_to(out.batch(&topics::DEAD_LETTERS, 0), &headers_of(Headers(&filed.headers), filed));
}

fn later(letter: DeadLetter, filed: &Filed) -> DeadLetter {
    DeadLetter { attempt: filed.letter.attempt.saturating_add(1), ..letter }
}

/// What was made of a letter says so, and letters about parts of it count its attempts on; how many facts there are.
fn pass_on(made: &Outbox, filed: &Filed, out: &mut Outbox) -> usize {
    let mut facts = 0;
    for (topic, partition, batch) in made.filled() {
        let is_fact = [&topics::FILLS_HISTORY, &topics::TRADES, &topics::ASSET_CONTEXTS].contains(&topic);
        for record in batch.records() {
            let headers = headers_of(record.headers, filed);
            let part = (topic == &topics::DEAD_LETTERS).then_some(record.value.unwrap_or_default());
            if let Some(Ok(part)) = part.map(serde_json::from_slice::<DeadLetter>) {
                later(part, filed).append_to(out.batch(topic, partition), &headers);
                continue;
            }
            facts += usize::from(is_fact && record.headers.get(kind::HEADER) != Some(kind::CLOCK));
            out.batch(topic, partition).push(record.time, record.key, record.value, &headers);
        }
    }
    facts
}

fn headers_of(others: Headers<'_>, filed: &Filed) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in others.iter().filter(|(name, _)| *name != REDRIVEN) {
        Headers::write(&mut headers, name, value);
    }
    Headers::write(&mut headers, REDRIVEN, filed.offset.to_string().as_bytes());
    headers
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self::Rejected(reject)
    }
}
