//! THE CONTRACT: what flows between the stages. One file per topic with its type, its key and its doc; one folder
//! per topic under `topics/` with its JSON Schema and named examples. Nothing here does I/O.
#![no_std]
extern crate alloc;

mod amount;
mod batch;
mod coin;
mod dead_letters;
#[cfg(feature = "examples")]
pub mod examples;
mod fills;
mod hash;
mod hex;
mod interval;
mod late_events;
mod long_short_ratios;
mod markets;
mod message;
mod outbox;
mod position_changes;
mod positions;
mod raw;
mod state;
mod text;
mod topic;
mod wallet;

pub use amount::{Amount, AmountError};
pub use batch::{Batch, Headers, Record, Records};
pub use coin::{Coin, MarketKind};
pub use dead_letters::DeadLetter;
pub use fills::{Clock, Fill, Gap, Liquidation, Side, kind};
pub use hash::Hash;
pub use interval::Interval;
pub use late_events::LateEvent;
pub use long_short_ratios::LongShortRatio;
pub use markets::{MarginTier, Market};
pub use message::Message;
pub use outbox::Outbox;
pub use position_changes::PositionChange;
pub use positions::{Position, PositionSide};
pub use raw::{RAW_PART_BYTES, raw_parts};
pub use state::{Checkpoint, Cursor};
pub use text::Text;
pub use topic::{GENERATION, Generation, Keeps, Topic, partition_of};
pub use wallet::{NotAWallet, Wallet};

/// Every topic there is, in the order of the flow. A new topic is its file and one line here.
pub static TOPICS: [&Topic; 11] = [
    &raw::NODE_FILLS,
    &fills::TOPIC,
    &markets::TOPIC,
    &dead_letters::TOPIC,
    &position_changes::TOPIC,
    &positions::TOPIC,
    &long_short_ratios::TOPIC,
    &late_events::TOPIC,
    &state::PARSER_NODE_FILLS,
    &state::PARSER_META,
    &state::COIN,
];

/// The topics by name, for whoever has no message type at hand.
pub mod topics {
    pub use crate::dead_letters::TOPIC as DEAD_LETTERS;
    pub use crate::fills::TOPIC as FILLS;
    pub use crate::late_events::TOPIC as LATE_EVENTS;
    pub use crate::long_short_ratios::TOPIC as LONG_SHORT_RATIOS;
    pub use crate::markets::TOPIC as MARKETS;
    pub use crate::position_changes::TOPIC as POSITION_CHANGES;
    pub use crate::positions::TOPIC as POSITIONS;
    pub use crate::raw::NODE_FILLS as RAW_NODE_FILLS;
    pub use crate::state::PARSER_NODE_FILLS as STATE_PARSER_NODE_FILLS;
    pub use crate::state::{COIN as STATE_COIN, PARSER_META as STATE_PARSER_META};
}

#[cfg(test)]
mod tests;
