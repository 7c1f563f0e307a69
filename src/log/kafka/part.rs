//! One partition from a given offset → slices of its committed records, and what is known of its end.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Generation, Headers, Topic};

use super::connection::{Client, Connection, Verdict, verdict};
use super::reader::ConsumerClient;
use super::{LogError, Start, refused};
use crate::log::{Slice, say_what_went};

/// The header that holds the event time.
pub const TIME: &str = "time";

pub struct Part {
    topic: &'static Topic,
    pub name: String,
    pub partition: u32,
    queue: PartitionQueue<Client>,
    /// The next offset, once it is known.
    next: Option<u64>,
    /// Everything that was committed had been read when it was told last where the partition ends.
    pub at_end: bool,
    /// The end that was waited for last.
    asked: u64,
    /// The end up to which it is read again, until that is told.
    read_again_to: u64,
    /// Before this offset there is nothing to be read any more.
    nothing_before: u64,
    /// How far the partition reached when that was last asked.
    pub end: u64,
    pub may_pass_over: bool,
}

const MARKS_PATIENCE: Duration = Duration::from_secs(5);

impl Part {
    pub fn split(
        consumer: &Arc<ConsumerClient>,
        generation: Generation,
        start: &Start,
        ring: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, LogError> {
        let name = generation.name(start.topic);
        let queue = consumer.split_partition_queue(&name, start.partition.cast_signed());
        let mut queue = queue.ok_or_else(|| {
            let none = KafkaError::Global(RDKafkaErrorCode::UnknownPartition);
            refused(&format!("{name}/{} to be read", start.partition), none)
        })?;
        queue.set_nonempty_callback(ring);
        let (topic, partition, next) = (start.topic, start.partition, start.from);
        Ok(Self {
            topic,
            name,
            partition,
            queue,
            next,
            at_end: false,
            asked: 0,
            read_again_to: 0,
            nothing_before: 0,
            end: 0,
            may_pass_over: false,
        })
    }

    pub fn take(
        &mut self,
        max_bytes: usize,
        consumer: &ConsumerClient,
        connection: &Connection,
    ) -> Result<Slice, LogError> {
        let mut slice: Option<Slice> = None;
        let mut bytes = 0;
        while bytes < max_bytes
            && let Some(heard) = self.queue.poll(Duration::ZERO)
        {
            match heard {
                Ok(message) => {
                    let offset = message.offset().cast_unsigned();
                    let from = self.next.unwrap_or(offset);
                    let slice = slice.get_or_insert_with(|| Slice::new(self.topic, self.partition, from));
                    bytes += put(slice, offset, &message);
                    self.next = Some(offset + 1);
                    self.at_end = false;
                }
                Err(KafkaError::PartitionEOF(_)) => {
                    connection.answered();
                    self.at_end = true;
                    self.nothing_before = self.nothing_before.max(std::mem::take(&mut self.read_again_to));
                }
                Err(error) => self.heard(error, consumer)?,
            }
        }
        Ok(slice.unwrap_or_else(|| Slice::new(self.topic, self.partition, self.next.unwrap_or_default())))
    }

    fn heard(&mut self, error: KafkaError, consumer: &ConsumerClient) -> Result<(), LogError> {
        match verdict(&error) {
            _ if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) => {
                let marks = marks(consumer, &self.name, self.partition, MARKS_PATIENCE);
                match self.out_of_range(marks.map_err(|cause| self.refused(cause))?) {
                    LogError::OutOfRange { first, .. } if self.may_pass_over => self.pass_over_to(first, consumer),
                    error => Err(error),
                }
            }
            Verdict::Stop => Err(self.refused(error)),
            _ => Ok(()),
        }
    }

    /// How far there may be something to be read when the partition ends here; 0 when there is nothing. Behind its
    /// records a commit takes an offset of its own, which is never given out.
    pub fn has_to_be_read_to(&mut self, end: u64, consumer: &ConsumerClient) -> Result<u64, LogError> {
        if end <= self.nothing_before.max(self.next.unwrap_or_default() + 1) {
            return Ok(0);
        }
        if self.at_end && self.asked == end {
            // Nothing has come since: there may be the offsets of several commits and nothing else. Begun again, it is
            // told once more when the end is reached.
            self.read_again_to = end;
            self.read_again_from(self.next, consumer)?;
        }
        self.asked = end;
        Ok(end - 1)
    }

    fn refused(&self, cause: KafkaError) -> LogError {
        refused(&format!("{}/{} to be read", self.name, self.partition), cause)
    }

    fn pass_over_to(&mut self, first: u64, consumer: &ConsumerClient) -> Result<(), LogError> {
        say_what_went(self.topic, self.partition, self.next.unwrap_or_default(), first);
        self.next = Some(first);
        self.read_again_from(Some(first), consumer)
    }

    /// Taken up anew: seeking does nothing where reading has ended with an error.
    fn read_again_from(&mut self, next: Option<u64>, consumer: &ConsumerClient) -> Result<(), LogError> {
        self.at_end = false;
        let mut this = TopicPartitionList::new();
        let offset = from(next);
        let begun = this
            .add_partition_offset(&self.name, self.partition.cast_signed(), offset)
            .and_then(|()| consumer.incremental_unassign(&this))
            .and_then(|()| consumer.incremental_assign(&this));
        begun.map_err(|cause| self.refused(cause))
    }

    /// Where the end has not been reached there is at least one more.
    pub fn behind(&self) -> u64 {
        if self.at_end { 0 } else { self.end.saturating_sub(self.next.unwrap_or_default()).max(1) }
    }

    fn out_of_range(&self, (first, next): (u64, u64)) -> LogError {
        let (topic, partition, from) = (self.topic, self.partition, self.next.unwrap_or_default());
        if from > next {
            LogError::Ahead { topic, partition, from, next }
        } else {
            LogError::OutOfRange { topic, partition, from, first }
        }
    }
}

/// The oldest that is kept, where nothing else is said.
pub fn from(next: Option<u64>) -> Offset {
    next.map_or(Offset::Beginning, |next| Offset::Offset(next.cast_signed()))
}

/// The first offset of a partition, and the one behind the last that is committed. A client that was once told of no
/// leader takes that for so until it asks for metadata again, which it does for what it reads, and else after minutes.
pub fn marks(
    consumer: &ConsumerClient,
    name: &str,
    partition: u32,
    patience: Duration,
) -> Result<(u64, u64), KafkaError> {
    let ask = || consumer.fetch_watermarks(name, partition.cast_signed(), patience);
    let told = ask().or_else(|error| match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::UnknownPartition) => {
            consumer.fetch_metadata(Some(name), patience)?;
            ask()
        }
        _ => Err(error),
    });
    told.map(|(first, next)| (first.cast_unsigned(), next.cast_unsigned()))
}

/// Appends a message to a slice; how many bytes it takes.
fn put(slice: &mut Slice, offset: u64, message: &BorrowedMessage<'_>) -> usize {
    let mut headers = Vec::new();
    let mut time = None;
    for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        let value = header.value.unwrap_or_default();
        if header.key == TIME {
            time = std::str::from_utf8(value).ok().and_then(|time| time.parse().ok());
        } else {
            Headers::write(&mut headers, header.key, value);
        }
    }
    // A record of somebody else's tool has no event time of its own.
    let time = time.or_else(|| message.timestamp().to_millis()).unwrap_or_default();
    let (key, value) = (message.key().unwrap_or_default(), message.payload());
    slice.batch_at(offset).push(time, key, value, &headers);
    key.len() + value.map_or(0, <[u8]>::len) + headers.len()
}
