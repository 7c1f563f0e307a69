//! Partitions from given offsets → slices of committed records. Each partition has its own queue, so that a busy one
//! keeps no other one waiting.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::connection::{Client, Connection, Verdict, verdict};
use super::part::{Part, from};
use super::{Kafka, LogError, Reader, Start, locked, refused};
use crate::log::Slice;

pub type ConsumerClient = BaseConsumer<Client>;

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

/// Rung by every queue that gets something.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

const ENDS_AGAIN: Duration = Duration::from_secs(2);
const END_PATIENCE: Duration = Duration::from_millis(500);

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
        let split = |start| {
            let ringer = Arc::clone(&bell);
            Part::split(&consumer, *generation, start, move || ringer.ring())
        };
        let parts = starts.iter().map(split).collect::<Result<_, _>>()?;
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
        if self.ends_known.elapsed() < ENDS_AGAIN || self.has_reached_the_end() {
            return;
        }
        self.ends_known = Instant::now();
        // Where the brokers do not answer, whoever reads will notice.
        let ends = self.ask_ends().unwrap_or_default();
        self.parts.iter_mut().zip(ends).for_each(|(part, end)| part.end = end);
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
