//! What is kept of one channel, and what a subscription to it begins with.

use std::borrow::Cow;
use std::sync::Arc;

use schemas::Record;

use super::last_rows::LastRows;
use super::recent_rows::RecentRows;
use super::{Filter, Heard};
use crate::channel::{Channel, LiveRow, Subject, Tells, Value};

pub(crate) enum Shelf {
    Last(LastRows),
    Recent(RecentRows),
}

/// A row that is kept for what it will be told as.
pub(crate) struct Row {
    pub(crate) time: i64,
    pub(crate) rank: i64,
    pub(crate) value: Value,
    pub(crate) is_the_end: bool,
}

/// A result, made ready once for all who hear it.
pub(crate) struct Update {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) time: i64,
    /// When what it was made of was received.
    pub(crate) received: Option<i64>,
    /// Of the record: of what is not told one by one the last value of each key is.
    pub(crate) key: Arc<[u8]>,
    pub(crate) value: Box<[u8]>,
    pub(crate) row: LiveRow,
}

/// One of the rows that a subscription begins with.
#[derive(Clone)]
pub(crate) enum Item {
    Row(Arc<Row>),
    Update(Arc<Update>),
}

impl Update {
    /// Of a record that is a row of the channel.
    pub(crate) fn read(
        channel: &Channel,
        partition: u32,
        offset: u64,
        record: &Record<'_>,
    ) -> serde_json::Result<Self> {
        let value = record.value.unwrap_or_default();
        let row = (channel.live)(value)?;
        let (time, received) = (record.time, record.headers.received());
        Ok(Self { partition, offset, time, received, key: record.key.into(), value: value.into(), row })
    }

    /// The same of any record that is read again, where it is a row that somebody hears of whom this is known.
    pub(crate) fn heard(
        channel: &Channel,
        subject: &Subject,
        filter: &Filter,
        partition: u32,
        offset: u64,
        record: &Record<'_>,
    ) -> Option<Arc<Self>> {
        match channel.is_of(record).then(|| Self::read(channel, partition, offset, record))? {
            Ok(update) => {
                (channel.is_heard(subject, &update.row) && filter.lets(&update.row)).then(|| Arc::new(update))
            }
            Err(error) => {
                let topic = channel.topic.name;
                tracing::error!(%error, topic, partition, offset, "a result is not what its schema says");
                None
            }
        }
    }
}

impl Shelf {
    pub(crate) fn of(channel: &'static Channel) -> Self {
        match channel.tells {
            Tells::State(keep) | Tells::EventsOverState(keep) => Self::Last(LastRows::new(channel, keep)),
            Tells::Changes { in_a_snapshot } | Tells::Events { in_a_snapshot } => {
                Self::Recent(RecentRows::new(channel, in_a_snapshot))
            }
        }
    }

    pub(crate) fn keep_last(&mut self, record: &Record<'_>) -> serde_json::Result<()> {
        match self {
            Self::Last(rows) => rows.put(record),
            Self::Recent(_) => Ok(()),
        }
    }

    pub(crate) fn keep_update(&mut self, update: &Arc<Update>) {
        if let Self::Recent(rows) = self {
            rows.put(Arc::clone(update));
        }
    }

    /// The rows of a subject as they are now; what is the last of something is narrowed when it is told.
    pub(crate) fn rows(&self, subject: &Subject, filter: &Filter) -> Vec<Item> {
        match self {
            Self::Last(rows) => rows.of(subject),
            Self::Recent(rows) => rows.of(subject, filter),
        }
    }

    /// Of what is the last of something: also what has ended, as long as it is remembered.
    pub(crate) fn rows_and_ended(&self) -> Vec<Item> {
        if let Self::Last(rows) = self { rows.all_and_ended() } else { Vec::new() }
    }

    /// What has happened since somebody was cut, when that is still known.
    pub(crate) fn since(&self, heard: &Heard, subject: &Subject, filter: &Filter) -> Option<Vec<Item>> {
        if let Self::Recent(rows) = self { rows.since(heard, subject, filter) } else { None }
    }

    /// Where the results of a partition begin.
    pub(crate) fn begin(&mut self, partition: u32, offset: u64) {
        if let Self::Recent(rows) = self {
            rows.begin(partition, offset);
        }
    }

    pub(crate) fn knows(&self, coin: &str) -> bool {
        matches!(self, Self::Last(rows) if rows.begins_with(coin))
    }

    pub(crate) fn coins(&self) -> Vec<String> {
        if let Self::Last(rows) = self { rows.first_parts() } else { Vec::new() }
    }
}

impl Item {
    pub(crate) fn value(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Row(row) => row.value.json().ok(),
            Self::Update(update) => Some(Cow::Borrowed(&update.value)),
        }
    }
}
