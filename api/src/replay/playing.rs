//! What the log keeps of some channels between two times → their rows in the order in which they happened, each when it is
//! due. The log is read ahead by a few rows, on a thread of its own, by whoever runs the API: it is handed over as
//! `ReplayAgain`. Who drops it ends the reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{Record, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::places::Place;
use super::stretch::Stretch;
use crate::Context;
use crate::channel::{Channel, Subject};
use crate::live::{Filter, Offsets, Update};
use crate::past::Unread;

/// Hands over what the log keeps of these topics behind one time and up to another one, in the order in which it was told,
/// for as long as more is wanted.
pub type ReplayAgain =
    dyn Fn(&[&'static Topic], Between, &mut dyn FnMut(Passing<'_>) -> bool) -> Result<(), Unread> + Send + Sync;

/// Behind `from`, up to `to` and with it: event times, in milliseconds UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    pub from: i64,
    pub to: i64,
}

/// What is handed over.
pub enum Passing<'a> {
    /// Before the first record, the next offset of every partition.
    From(BTreeMap<(&'static str, u32), u64>),
    Record {
        topic: &'static Topic,
        partition: u32,
        offset: u64,
        /// The event time that its partition had come to: a row of what began before is told again and again.
        time: i64,
        record: &'a Record<'a>,
    },
    /// Nothing for now: whoever asked says whether it is still wanted.
    Nothing,
}

/// What of a channel is to be heard again.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) channel: &'static Channel,
    pub(crate) subject: Subject,
    pub(crate) filter: Filter,
}

pub(crate) struct Row {
    pub(crate) channel: &'static Channel,
    pub(crate) time: i64,
    pub(crate) update: Arc<Update>,
}

pub(crate) enum Step {
    Row(Row),
    /// Nothing follows: all was told, or why not.
    Over(Result<(), Unread>),
}

pub(crate) struct Playing {
    stretch: Stretch,
    began: Instant,
    rows: mpsc::Receiver<Row>,
    /// It was read, and is not due.
    ahead: Option<Row>,
    reading: JoinHandle<Result<(), Unread>>,
    /// What became of the reading, once it is over.
    read: Option<Result<(), Unread>>,
    _place: Arc<Place>,
}

/// So many rows are read ahead: a row may have tens of kilobytes.
const AHEAD: usize = 64;

impl Playing {
    /// Returns when the log is about to be read, with where it is.
    pub(crate) async fn begin(
        context: &Arc<Context>,
        parts: Vec<Part>,
        stretch: Stretch,
        place: Place,
    ) -> Result<(Self, Offsets), Unread> {
        let ((sender, rows), (found, begun)) = (mpsc::channel(AHEAD), oneshot::channel());
        let (context, place) = (Arc::clone(context), Arc::new(place));
        let held = Arc::clone(&place);
        let reading = spawn_blocking(move || {
            let read = read(&context, &parts, stretch, found, &sender);
            drop(held);
            read
        });
        let mut playing =
            Self { stretch, began: Instant::now(), rows, ahead: None, reading, read: None, _place: place };
        match begun.await {
            Ok(from) => Ok((playing, from)),
            Err(_) => Err(playing.outcome().await.err().unwrap_or(Unread::Failed)),
        }
    }

    /// Waits for the next row, and until it is due. Nothing is lost when it is asked again.
    pub(crate) async fn next(&mut self) -> Step {
        if self.ahead.is_none() {
            self.ahead = self.rows.recv().await;
        }
        if let Some(row) = &self.ahead {
            sleep_until(self.began + self.stretch.due(row.time)).await;
        }
        if let Some(row) = self.ahead.take() {
            return Step::Row(row);
        }
        let read = self.outcome().await;
        if read.is_ok() {
            sleep_until(self.began + self.stretch.due(self.stretch.to)).await;
        }
        Step::Over(read)
    }

    async fn outcome(&mut self) -> Result<(), Unread> {
        if self.read.is_none() {
            // A task that panicked has been reported where it did.
            self.read = Some((&mut self.reading).await.unwrap_or(Err(Unread::Failed)));
        }
        self.read.unwrap_or(Err(Unread::Failed))
    }

    /// What is there already, and due.
    pub(crate) fn next_now(&mut self) -> Option<Row> {
        if self.ahead.is_none() {
            self.ahead = self.rows.try_recv().ok();
        }
        self.ahead.take_if(|row| self.began + self.stretch.due(row.time) <= Instant::now())
    }
}

fn read(
    context: &Context,
    parts: &[Part],
    stretch: Stretch,
    found: oneshot::Sender<Offsets>,
    rows: &mpsc::Sender<Row>,
) -> Result<(), Unread> {
    let mut topics: Vec<&'static Topic> = parts.iter().map(|part| part.channel.topic).collect();
    topics.sort_unstable_by_key(|topic| topic.name);
    topics.dedup_by_key(|topic| topic.name);
    let (between, mut found) = (Between { from: stretch.from, to: stretch.to }, Some(found));
    (context.replay)(&topics, between, &mut |passing| match passing {
        Passing::From(next) => found.take().is_some_and(|found| found.send(next).is_ok()),
        Passing::Nothing => !rows.is_closed(),
        Passing::Record { topic, partition, offset, time, record } => {
            let of_topic = parts.iter().filter(|part| part.channel.topic.name == topic.name);
            let mut told = of_topic.filter_map(|part| part.row(partition, offset, time, record));
            told.all(|row| rows.blocking_send(row).is_ok()) && !rows.is_closed()
        }
    })
}

impl Part {
    fn row(&self, partition: u32, offset: u64, time: i64, record: &Record<'_>) -> Option<Row> {
        let Self { channel, subject, filter } = self;
        let update = Update::heard(channel, subject, filter, partition, offset, record)?;
        Some(Row { channel, time, update })
    }
}
