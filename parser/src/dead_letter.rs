//! Bytes that could not be understood → a record that keeps them exactly, and the same bytes out of it again.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::{DeadLetter, Headers, Message as _, Outbox, topics};

use crate::node::{Line, head};

/// Why bytes could not become a fact. Never retried: the bytes will not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reject {
    /// The line is not a block.
    Block { reason: String },
    /// An event of a block is not a fill of a user.
    Fill { reason: String },
    /// A block further ahead than blocks can come: its number would turn all that follow into repeated ones.
    TooFarAhead { number: u64, last: u64 },
    /// A size below zero would turn buying into selling.
    NegativeSize,
    /// The position after the fill has more digits than can be exact.
    Position,
    /// A block that happened after it was written down.
    Future { time: i64, written: i64 },
    /// A fill that did not happen when its block did.
    OtherTime { time: i64, block_time: i64 },
    /// The file ended, and a later one has begun, in the middle of a line.
    Unterminated,
    /// An event beside the fills that is not what its kind should be.
    Event { reason: String },
    /// A reply that is not the metadata it should be.
    Meta { reason: String },
    /// A frame of the public feed that is no message, or not the message that its channel carries.
    Frame { reason: String },
    /// A frame of a stream of fills that does not hold what its file says.
    StreamFrame { reason: String },
    /// An element of a `trades` frame that is not a trade.
    Trade { reason: String },
    /// A context that is not one of a perpetual.
    Context { reason: String },
}

pub fn dead_letter(source: &str, position: &str, bytes: &[u8], reject: &Reject, time: i64) -> DeadLetter {
    let (text, base64) = match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(STANDARD.encode(bytes))),
    };
    let (source, position, reason) = (source.to_owned(), position.to_owned(), reject.to_string());
    DeadLetter { source, position, reason, attempt: 1, time, text, base64 }
}

/// The bytes of a letter, exactly.
pub fn bytes_of(letter: &DeadLetter) -> Result<Cow<'_, [u8]>, base64::DecodeError> {
    match &letter.text {
        Some(text) => Ok(Cow::Borrowed(text.as_bytes())),
        None => STANDARD.decode(letter.base64.as_deref().unwrap_or_default()).map(Cow::Owned),
    }
}

/// Headers of letters of node files.
pub mod header {
    /// The folder that a node writes lines of this layout to.
    pub const LAYOUT: &str = "layout";
    /// Height and time of the block, where the line says them.
    pub const BLOCK: &str = "block";
    pub const BLOCK_TIME: &str = "block-time";
}

/// Files a letter of a node's line, or of a fill in it, with what else is to be known to understand its bytes one day:
/// a fill alone does not say of which block it is.
pub(crate) fn file(letter: &DeadLetter, line: &Line<'_>, out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "schema", DeadLetter::SCHEMA.as_bytes());
    Headers::write(&mut headers, "received", line.received.to_string().as_bytes());
    Headers::write(&mut headers, header::LAYOUT, line.layout.folder().as_bytes());
    if let Some((Some(block), time)) = head(line.layout, line.bytes) {
        Headers::write(&mut headers, header::BLOCK, block.to_string().as_bytes());
        Headers::write(&mut headers, header::BLOCK_TIME, time.to_string().as_bytes());
    }
    letter.append_to(out.batch(&topics::DEAD_LETTERS, 0), &headers);
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { reason } => write!(f, "not a block: {reason}"),
            Self::Fill { reason } => write!(f, "not a fill: {reason}"),
            Self::TooFarAhead { number, last } => {
                write!(f, "block {number} is further after block {last} than blocks can come in that time")
            }
            Self::NegativeSize => f.write_str("not a fill: its size is below zero"),
            Self::Position => f.write_str("the position after the fill has more than 28 digits"),
            Self::Future { time, written } => {
                write!(f, "block time {time} is more than a minute after the node wrote the block at {written}")
            }
            Self::OtherTime { time, block_time } => {
                write!(f, "the fill's time {time} is not that of its block, {block_time}")
            }
            Self::Unterminated => f.write_str("the file ends in the middle of a line"),
            Self::Event { reason } => write!(f, "not an event: {reason}"),
            Self::Meta { reason } => write!(f, "not metadata: {reason}"),
            Self::Frame { reason } => write!(f, "not a frame of the public feed: {reason}"),
            Self::StreamFrame { reason } => write!(f, "not a frame with fills: {reason}"),
            Self::Trade { reason } => write!(f, "not a trade: {reason}"),
            Self::Context { reason } => write!(f, "not a context: {reason}"),
        }
    }
}

impl std::error::Error for Reject {}
