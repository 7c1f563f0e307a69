//! Partitions from given offsets → slices of committed records. Each partition has its own queue, so that a busy one
//! keeps no other one waiting.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Generation, Headers, Topic};

use super::connection::{Client, Connection, Verdict, verdict};
use super::{Kafka, LogError, Reader, Start, locked, refused};
use crate::log::{Slice, say_what_went};

pub type ConsumerClient = BaseConsumer<Client>;

/// The header that holds the event time.
pub const TIME: &str = "time";

pub struct PartsReader {
    consumer: Arc<ConsumerClient>,
    /// Answered at once: a question to the consumer waits behind what that asks for.
    prober: Arc<ConsumerClient>,
    connection: Arc<Connection>,
    parts: Vec<Part>,
    bell: Arc<Bell>,
    ends_known: Instant,
    /// Where the parts ended after the last reading, once that was asked.
    ends: Option<Vec<u64>>,
}

struct Part {
    topic: &'static Topic,
    name: String,
    partition: u32,
    queue: PartitionQueue<Client>,
    /// The next offset, once it is known.
    next: Option<u64>,
    /// Everything that was committed had been read when it was told last where the partition ends.
    at_end: bool,
    /// The end that was waited for last.
    asked: u64,
    /// The end up to which it is read again, until that is told.
    read_again_to: u64,
    /// Before this offset there is nothing to be read any more.
    nothing_before: u64,
    /// How far the partition reached when that was last asked.
    end: u64,
    may_pass_over: bool,
}

/// Rung by every queue that gets something.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

const ENDS_AGAIN: Duration = Duration::from_secs(2);
const END_PATIENCE: Duration = Duration::from_millis(500);
const MARKS_PATIENCE: Duration = Duration::from_secs(5);

impl PartsReader {
    pub fn new(log: &Kafka, starts: &[Start]) -> Result<Self, LogError> {
        let Kafka { generation, settings, connection, .. } = log;
        let consumer = Arc::new(settings.consumer(&settings.group(*generation, "reader"), connection)?);
        let mut wanted = TopicPartitionList::new();
        for start in starts {
            wanted
                .add_partition_offset(&generation.name(start.topic), start.partition.cast_signed(), from(start.from))
                .map_err(|error| refused("an offset to read from", error))?;
        }
        let bell = Arc::new(Bell::default());
        // Before anything is fetched: what came into the common queue would be in nobody's order.
        let parts =
            starts.iter().map(|start| Part::split(&consumer, *generation, start, &bell)).collect::<Result<_, _>>()?;
        consumer.assign(&wanted).map_err(|error| refused("to be read", error))?;
        let (prober, connection) = (Arc::clone(&log.prober), Arc::clone(connection));
        Ok(Self { consumer, prober, connection, parts, bell, ends_known: Instant::now(), ends: None })
    }

    /// Everything that is there, without waiting.
    fn take(&mut self, is_wanted: &dyn Fn(usize) -> bool, max_bytes: usize) -> Result<Vec<Slice>, LogError> {
        match self.consumer.poll(Duration::ZERO) {
            Some(Ok(message)) => return Err(stray(&message)),
            Some(Err(error)) => self.heard(&error)?,
            None => {}
        }
        let mut slices = Vec::new();
        for (_, part) in self.parts.iter_mut().enumerate().filter(|(place, _)| is_wanted(*place)) {
            let slice = part.take(max_bytes, &self.consumer, &self.connection)?;
            if !slice.is_empty() {
                slices.push(slice);
            }
        }
        if !slices.is_empty() {
            self.connection.answered();
        }
        Ok(slices)
    }

    /// Whether each partition has been read as far as it was committed at that moment.
    pub fn has_reached_the_end(&self) -> bool {
        self.parts.iter().all(|part| part.at_end)
    }

    fn heard(&self, error: &KafkaError) -> Result<(), LogError> {
        match error {
            // Of a partition that had no queue of its own yet: nobody else will hear of it.
            KafkaError::PartitionEOF(_) | KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset) => {
                Err(LogError::Aborted { task: "reading".to_owned(), source: error.clone() })
            }
            _ if verdict(error) == Verdict::Stop => Err(refused("to be read", error.clone())),
            _ => Ok(()),
        }
    }

    /// Asks now and then how far the partitions reach: for those who want to know what is behind.
    fn look_at_ends(&mut self) {
        if self.ends_known.elapsed() < ENDS_AGAIN {
            return;
        }
        self.ends_known = Instant::now();
        for part in self.parts.iter_mut().filter(|part| !part.at_end) {
            match marks(&self.consumer, &part.name, part.partition, END_PATIENCE) {
                Ok((_, end)) => part.end = end,
                // Whoever reads will notice.
                Err(_) => return,
            }
        }
    }

    /// Of all parts in one question.
    fn ask_ends(&self) -> Option<Vec<u64>> {
        let mut asked = TopicPartitionList::new();
        for Part { name, partition, .. } in &self.parts {
            asked.add_partition_offset(name, partition.cast_signed(), Offset::End).ok()?;
        }
        let told = self.prober.offsets_for_times(asked, END_PATIENCE).ok()?;
        let end =
            |Part { name, partition, .. }: &Part| match told.find_partition(name, partition.cast_signed())?.offset() {
                Offset::Offset(end) => u64::try_from(end).ok(),
                _ => None,
            };
        self.parts.iter().map(end).collect()
    }
}

impl Reader for PartsReader {
    fn read_of(
        &mut self,
        is_wanted: &dyn Fn(usize) -> bool,
        max_bytes: usize,
        patience: Duration,
    ) -> Result<Vec<Slice>, LogError> {
        let until = Instant::now() + patience;
        self.ends = None;
        self.look_at_ends();
        loop {
            let slices = self.take(is_wanted, max_bytes)?;
            if !slices.is_empty() || Instant::now() >= until {
                return Ok(slices);
            }
            self.bell.wait(until);
        }
    }

    fn behind(&self) -> u64 {
        self.parts.iter().map(Part::behind).sum()
    }

    fn may_pass_over(&mut self, place: usize) {
        self.parts[place].may_pass_over = true;
    }

    fn is_at_the_end(&self, place: usize) -> bool {
        self.parts[place].at_end
    }

    /// The brokers are asked: that a partition ends was told once, and what has been committed since then is still on
    /// its way. Where they do not answer, the next reading will say what is wrong.
    fn end(&mut self, place: usize) -> Result<Option<u64>, LogError> {
        if self.ends.is_none() {
            self.ends = self.ask_ends();
        }
        let end = self.ends.as_ref().map(|ends| ends[place]);
        end.map(|end| self.parts[place].has_to_be_read_to(end, &self.consumer)).transpose()
    }
}

impl Part {
    fn split(
        consumer: &Arc<ConsumerClient>,
        generation: Generation,
        start: &Start,
        bell: &Arc<Bell>,
    ) -> Result<Self, LogError> {
        let name = generation.name(start.topic);
        let queue = consumer.split_partition_queue(&name, start.partition.cast_signed());
        let mut queue = queue.ok_or_else(|| {
            let none = KafkaError::Global(RDKafkaErrorCode::UnknownPartition);
            refused(&format!("{name}/{} to be read", start.partition), none)
        })?;
        let ringer = Arc::clone(bell);
        queue.set_nonempty_callback(move || ringer.ring());
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

    fn take(
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
    fn has_to_be_read_to(&mut self, end: u64, consumer: &ConsumerClient) -> Result<u64, LogError> {
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
    fn behind(&self) -> u64 {
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
fn from(next: Option<u64>) -> Offset {
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

/// Before the partitions have queues of their own, a message can have slipped into the common one.
fn stray(message: &BorrowedMessage<'_>) -> LogError {
    let task = format!("reading {}/{}", message.topic(), message.partition());
    LogError::Aborted { task, source: KafkaError::NoMessageReceived }
}

impl Bell {
    fn ring(&self) {
        *locked(&self.rung) = true;
        self.changed.notify_all();
    }

    /// Waits for the bell, but no longer than until then.
    fn wait(&self, until: Instant) {
        let patience = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(locked(&self.rung), patience, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}
