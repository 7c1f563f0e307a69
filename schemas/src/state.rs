//! `state.<stage>`: what a task needs to go on where it was. It is committed with the results that it stands for.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::write_json;
use crate::{Amount, Batch, Belongs, Clock, Entity, Gap, Keeps, Topic};

pub static PARSER: Topic = Topic {
    name: "state.parser",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.parser/schema.json"),
    partitioned_by: &[],
    key: "`market`",
    keeps: Keeps::State,
    about: "which market all facts come from: written by the first parser, for all",
};

pub static GENERATIONS: Topic = Topic {
    name: "state.generations",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.generations/schema.json"),
    partitioned_by: &[],
    key: "`generations`",
    keeps: Keeps::State,
    about: "which generations are computed of the facts, and the one of them that is told",
};

pub static TAPE: Topic = Topic {
    name: "state.tape",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/state.tape/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "`tape`",
    keeps: Keeps::State,
    about: "how far a generation that was rebuilt has put the fills in the order of events",
};

pub static PARSER_NODE_FILLS: Topic = Topic {
    name: "state.parser.node-fills",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.parser.node-fills/schema.json"),
    partitioned_by: &[],
    key: "`cursor`, or `import`",
    keeps: Keeps::State,
    about: "how far the node's fill files have been read, and what imports have brought",
};

pub static PARSER_MISC_EVENTS: Topic = Topic {
    name: "state.parser.misc-events",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.parser.misc-events/schema.json"),
    partitioned_by: &[],
    key: "`cursor`, or `import`",
    keeps: Keeps::State,
    about: "how far the node's files of other events have been read, and what imports have brought",
};

pub static PARSER_INFO: Topic = Topic {
    name: "state.parser.info",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.parser.info/schema.json"),
    partitioned_by: &[],
    key: "`budget`, wallet|what is asked, or coin|`candles`",
    keeps: Keeps::State,
    about: "what was asked of the info endpoint lately, which wallets are followed and how far their ledgers and fills, and the markets' candles, were read",
};

pub static PARSER_META: Topic = Topic {
    name: "state.parser.meta",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.parser.meta/schema.json"),
    partitioned_by: &[],
    key: "coin, `dex|`dex, or `spot|`",
    keeps: Keeps::State,
    about: "the terms of each market as last published; each dex's coins in the order in which the exchange lists them, and spot's",
};

pub static PARSER_PUBLIC_FEED: Topic = Topic {
    name: "state.parser.public-feed",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/state.parser.public-feed/schema.json"),
    partitioned_by: &[],
    key: "`cursor`, or coin",
    keeps: Keeps::State,
    about: "what of the public feed was published last: the latest trades and the context of each coin",
};

pub static COIN: Topic = Topic {
    name: "state.coin",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/state.coin/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "`checkpoint`, or table|entry",
    keeps: Keeps::State,
    about: "the tables of the coin stage and the places they stand for",
};

pub static PRICE: Topic = Topic {
    name: "state.price",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/state.price/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "`checkpoint`, or table|entry",
    keeps: Keeps::State,
    about: "the tables of the price stage and the places they stand for",
};

pub static WALLET: Topic = Topic {
    name: "state.wallet",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/state.wallet/schema.json"),
    partitioned_by: &[Entity::Wallet],
    key: "`checkpoint`, or table|entry",
    keeps: Keeps::State,
    about: "the tables of the wallet stage and the places they stand for",
};

pub static MARKET: Topic = Topic {
    name: "state.market",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/state.market/schema.json"),
    partitioned_by: &[Entity::Coin],
    key: "`checkpoint`, or table|entry",
    keeps: Keeps::State,
    about: "the tables of the market stage and the places they stand for",
};

pub static WHOLE: Topic = Topic {
    name: "state.whole",
    belongs: Belongs::Generation,
    schema: include_str!("../topics/state.whole/schema.json"),
    partitioned_by: &[],
    key: "`checkpoint`, or table|entry",
    keeps: Keeps::State,
    about: "the tables of the stage that sums up the whole market and the places they stand for",
};

/// How far a task has come: a record of the same commit as everything it made of that input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub generation: u32,
    /// Next offset to read, per topic and partition.
    pub next: BTreeMap<String, u64>,
    /// The last clock that was applied: a time and a block.
    pub clock: i64,
    pub block: u64,
    /// How many clocks were applied: what the entries of the tables are stamped with.
    pub ticks: u64,
    /// The latest hole in the input, and those before it of which something that is not final may still have to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holes: Vec<Gap>,
    /// The first clock there was: what was before it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Clock>,
}

impl Checkpoint {
    pub const KEY: &'static [u8] = b"checkpoint";
}

/// Which market all facts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketMark {
    pub simulated: bool,
}

impl MarketMark {
    pub const KEY: &'static [u8] = b"market";

    pub fn append_to(&self, batch: &mut Batch) {
        batch.push_with(0, &[], |key| key.extend_from_slice(Self::KEY), |value| write_json(value, self));
    }
}

/// Which generations there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generations {
    /// The one that is told: rows and live results are its.
    pub told: u32,
    /// No later one has been begun: a number is given once.
    pub latest: u32,
    pub kept: Vec<Kept>,
    /// What these have left is to be removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
}

/// A generation that there are results of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub number: u32,
    /// When it was begun, in milliseconds UTC; the one that sources write for has always been there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<i64>,
    /// What its results are made by; what the process was told that computes it, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<KeptRules>,
    /// What it has results of when that is not everything: nobody goes on with it, and it is never told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<KeptStretch>,
}

/// What was computed once more, into a generation of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptStretch {
    /// Behind this time, in milliseconds UTC.
    pub from: i64,
    /// Up to this one.
    pub to: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// All of it is on the log.
    pub is_whole: bool,
}

/// A generation that nobody computes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub number: u32,
    /// When that was said, in milliseconds UTC: other processes may need a while to hear of it.
    #[serde(default)]
    pub at: i64,
    pub is_off_the_log: bool,
    pub has_no_rows: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRules {
    pub whale_floor: Amount,
    pub whale_share: Amount,
    pub remember_closed_minutes: u32,
}

impl Generations {
    pub const KEY: &'static [u8] = b"generations";

    /// As long as nothing was rebuilt.
    pub fn of_one(number: u32) -> Self {
        let kept = alloc::vec![Kept { number, began: None, rules: None, stretch: None }];
        Self { told: number, latest: number, kept, dropped: Vec::new() }
    }

    pub fn append_to(&self, batch: &mut Batch) {
        batch.push_with(0, &[], |key| key.extend_from_slice(Self::KEY), |value| write_json(value, self));
    }
}

/// How far a generation has put the fills of a partition in the order of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeMark {
    /// The next offset of the tape as it was written.
    pub next: u64,
    /// What was found later is taken up to this offset; what comes behind it is for the next generation.
    pub history_to: u64,
    /// The last block that was put in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Clock>,
    /// Nothing is left to be put between: the tape is taken as it comes.
    pub is_merged: bool,
}

impl TapeMark {
    pub const KEY: &'static [u8] = b"tape";

    pub fn append_to(&self, batch: &mut Batch) {
        let time = self.last.map_or(0, |clock| clock.time);
        batch.push_with(time, &[], |key| key.extend_from_slice(Self::KEY), |value| write_json(value, self));
    }
}

/// How far the fills of nodes have been read, whichever node wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub generation: u32,
    /// Where each folder is read on.
    pub places: BTreeMap<String, Place>,
    /// Height and time of the first block that was taken: what was before it is not known.
    pub first_block: u64,
    pub first_time: i64,
    /// Height and time of the last block that was taken; no height where blocks have no numbers.
    pub block: u64,
    pub time: i64,
    /// A block whose fills come line by line, and whose end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growing: Option<Growing>,
    /// The latest hole, and all that may still be found elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_gap: Option<Gap>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_gaps: Vec<OpenGap>,
    pub fills: u64,
    pub gaps: u64,
    /// Blocks that are missing, and those that were and have been found.
    pub blocks_missed: u64,
    pub blocks_healed: u64,
    pub blocks_repeated: u64,
    pub fills_repeated: u64,
    pub dead_letters: u64,
}

/// Behind the last line that was taken of a folder's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `YYYYMMDD/H` of the file.
    pub hour: String,
    pub offset: u64,
    /// Length and hash of that line: in the files of another node, something else stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<(u64, u64)>,
}

/// A block of which some fills have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growing {
    pub block: u64,
    /// The place of the next fill.
    pub index: u32,
    /// What tells its fills from each other.
    pub ids: Vec<u64>,
}

/// A hole, and the blocks of it that have not been found, each stretch with both ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenGap {
    pub gap: Gap,
    pub left: Vec<(u64, u64)>,
}

impl Cursor {
    pub const KEY: &'static [u8] = b"cursor";
}
