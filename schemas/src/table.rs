//! What a table is: which records of which topic fill it, and how one becomes a row.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Interval, Record, Topic};

/// A table and the topics that fill it.
pub struct Table {
    pub name: &'static str,
    /// What is in it, in words.
    pub about: &'static str,
    /// Whose clock says how far the rows reach.
    pub topic: &'static Topic,
    /// Where there is more of the same.
    pub also: &'static [&'static Topic],
    /// What the header `kind` of its records says; other records of the topic are not its own.
    pub kind: Option<&'static [u8]>,
    pub columns: &'static [Column],
    /// The columns that make a row the same row.
    pub key: &'static [&'static str],
    pub indexes: &'static [Index],
    pub kept: Kept,
    pub row: fn(generation: u32, record: &Record<'_>) -> Result<Change, RowError>,
}

/// A second way to rows besides the key.
pub struct Index {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    /// Which rows it is of, as SQL says it, when it is not of all.
    pub only: Option<&'static str>,
    /// Of which sorted column it has only the rows from which decimal on, where it is not of all.
    pub at_least: Option<(&'static str, &'static str)>,
    /// What is asked for by it.
    pub about: &'static str,
}

/// How long rows stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Always,
    /// Until what is written is newer by so many days, by this column of times; the key or an index begins with it.
    Days {
        days: u32,
        time: &'static str,
    },
    /// Buckets of an `interval` that begin at a `time`, of whatever stands before these in the key: for as long as
    /// [`Kept::days_of`] says.
    ByInterval,
}

impl Kept {
    /// The finer a bucket is, the sooner it is told by a coarser one alone; `None` is for good.
    pub fn days_of(interval: Interval) -> Option<u32> {
        match interval {
            Interval::OneMinute => Some(30),
            Interval::FiveMinutes | Interval::FifteenMinutes | Interval::ThirtyMinutes => Some(180),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Once it is known it stays as it is, whatever later records of the row say.
    pub stays: bool,
    /// A decimal that rows are compared and sorted by. Where the database has no exact decimals of its own, a column
    /// beside it holds [`Amount::sort_key`]. What is not known is too large to be told: it comes behind all others.
    pub sorted: bool,
}

/// What a column holds, whatever a database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Exact: text where the database has no exact decimal of its own.
    Decimal,
    Integer,
    Boolean,
    Json,
}

/// What a record does to its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The row, one value per column.
    Put(Vec<Value>),
    /// The row with this key is there no longer.
    Delete(Vec<Value>),
    /// It is told elsewhere: the table is not of all records of its topic.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
}

/// A record of a result topic is not what the contract says.
#[derive(Debug)]
pub struct RowError {
    topic: &'static str,
    key: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Column {
    /// Says what the last record of the row said.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, stays: false, sorted: false }
    }

    /// A decimal by which rows can be asked for.
    pub const fn sorted(name: &'static str) -> Self {
        Self { sorted: true, ..Self::new(name, Kind::Decimal) }
    }

    /// Says what was known first.
    pub const fn first(name: &'static str, kind: Kind) -> Self {
        Self { stays: true, ..Self::new(name, kind) }
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn topics(&self) -> impl Iterator<Item = &'static Topic> {
        [self.topic].into_iter().chain(self.also.iter().copied())
    }
}

impl Index {
    pub const fn new(name: &'static str, columns: &'static [&'static str], about: &'static str) -> Self {
        Self { name, columns, only: None, at_least: None, about }
    }

    pub const fn of_some(
        name: &'static str,
        columns: &'static [&'static str],
        only: &'static str,
        about: &'static str,
    ) -> Self {
        Self { only: Some(only), ..Self::new(name, columns, about) }
    }

    /// Of what is large, which is little: a walk to it over all that is small would take too long.
    pub const fn of_large(
        name: &'static str,
        columns: &'static [&'static str],
        at_least: (&'static str, &'static str),
        about: &'static str,
    ) -> Self {
        Self { at_least: Some(at_least), ..Self::new(name, columns, about) }
    }
}

impl Value {
    pub fn text(shown: impl ToString) -> Self {
        Self::Text(shown.to_string())
    }

    pub fn text_or_null(shown: Option<impl ToString>) -> Self {
        shown.map_or(Self::Null, Self::text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Integer)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

/// The message in a record.
pub fn message<'a, T: Deserialize<'a>>(topic: &'static Topic, record: &Record<'a>) -> Result<T, RowError> {
    serde_json::from_slice(record.value.unwrap_or_default())
        .map_err(|source| RowError::of(topic, record, Box::new(source)))
}

/// A column that holds more than one value.
pub fn json(topic: &'static Topic, record: &Record<'_>, value: &impl Serialize) -> Result<Value, RowError> {
    let written = serde_json::to_string(value).map(Value::Text);
    written.map_err(|source| RowError::of(topic, record, Box::new(source)))
}

/// A count or a height: databases know signed numbers only.
pub fn count(topic: &'static Topic, record: &Record<'_>, number: u64) -> Result<Value, RowError> {
    let number = i64::try_from(number).map_err(|source| RowError::of(topic, record, Box::new(source)))?;
    Ok(Value::Integer(number))
}

pub fn count_or_null(topic: &'static Topic, record: &Record<'_>, number: Option<u64>) -> Result<Value, RowError> {
    number.map_or(Ok(Value::Null), |number| count(topic, record, number))
}

impl RowError {
    fn of(topic: &'static Topic, record: &Record<'_>, source: Box<dyn Error + Send + Sync>) -> Self {
        Self { topic: topic.name, key: String::from_utf8_lossy(record.key).into_owned(), source }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record {:?} of {} is not what its schema says", self.key, self.topic)
    }
}

impl Error for RowError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
