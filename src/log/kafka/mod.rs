//! The log on Apache Kafka, or on anything that speaks its protocol with transactions. A commit is one transaction;
//! readers see what is committed and nothing else.
//!
//! Who works on a partition is shared out by a consumer group; that only one does so counts on no group, but on the
//! transactional id of its task: a new writer shuts the one before it out, and settles what it left open.

mod connection;
mod membership;
mod part;
mod reader;
mod restore;
mod settings;
mod topics;
mod writer;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use schemas::{Generation, TOPICS, Topic};

use super::{Extent, LastValues, Log, LogError, Membership, Reader, Start, Writer};
use crate::stop::Stop;
use connection::Connection;
use reader::{ConsumerClient, PartsReader};
pub use settings::Settings;

pub struct Kafka {
    generation: Generation,
    settings: Settings,
    connection: Arc<Connection>,
    /// Asked how far partitions reach, and how far groups are.
    prober: Arc<ConsumerClient>,
    extents: Mutex<BTreeMap<(&'static str, u32), Extent>>,
    /// What readers of this process have said.
    progress: Arc<Mutex<Progress>>,
    /// What those of other processes have said, and when that was asked.
    heard: Mutex<BTreeMap<&'static str, (Instant, Progress)>>,
    told: Arc<AtomicU32>,
}

const HEARD_AGAIN: Duration = Duration::from_secs(1);

/// The next offset per reader, topic and partition.
type Progress = BTreeMap<(&'static str, &'static str, u32), u64>;

impl Kafka {
    /// Waits for the brokers, and makes the topics of this generation that are not there yet.
    pub fn open(settings: Settings, generation: Generation, stop: Stop) -> Result<Self, LogError> {
        let log = Self::new(settings, generation, stop)?;
        topics::make(&log.settings, generation, &log.connection, &log.prober)?;
        Ok(log)
    }

    /// Changes nothing: the topics have to be there.
    pub fn open_to_look(settings: Settings, generation: Generation, stop: Stop) -> Result<Self, LogError> {
        let log = Self::new(settings, generation, stop)?;
        topics::check(generation, &log.connection, &log.prober)?;
        Ok(log)
    }

    fn new(settings: Settings, generation: Generation, stop: Stop) -> Result<Self, LogError> {
        let connection = Arc::new(Connection::new(settings.brokers(), stop));
        Self::with(settings, generation, connection, Arc::new(AtomicU32::new(generation.number)))
    }

    fn with(
        settings: Settings,
        generation: Generation,
        connection: Arc<Connection>,
        told: Arc<AtomicU32>,
    ) -> Result<Self, LogError> {
        let prober = Arc::new(settings.consumer(&settings.group(generation, "prober"), &connection)?);
        let (extents, progress, heard) = (Mutex::default(), Arc::default(), Mutex::default());
        Ok(Self { generation, settings, connection, prober, extents, progress, heard, told })
    }

    fn ask_extent(&self, topic: &'static Topic, partition: u32) -> Result<Extent, LogError> {
        let name = self.generation.name(topic);
        let doing = || format!("to say how far {name}/{partition} reaches");
        let (first, next) =
            self.connection.insist(&doing, |patience| part::marks(&self.prober, &name, partition, patience))?;
        let extent = Extent { first, next, ..Extent::default() };
        locked(&self.extents).insert((topic.name, partition), extent);
        Ok(extent)
    }
}

impl Log for Kafka {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn of_generation(&self, number: u32) -> Result<Arc<dyn Log>, LogError> {
        let (settings, generation) = (self.settings.clone(), self.generation.other(number));
        let log = Self::with(settings, generation, Arc::clone(&self.connection), Arc::clone(&self.told))?;
        topics::make(&log.settings, generation, &log.connection, &log.prober)?;
        Ok(Arc::new(log))
    }

    fn of_the_facts(&self) -> Result<Arc<dyn Log>, LogError> {
        let (settings, generation) = (self.settings.clone(), self.generation.of_the_facts());
        Ok(Arc::new(Self::with(settings, generation, Arc::clone(&self.connection), Arc::clone(&self.told))?))
    }

    fn forget(&self, number: u32) -> Result<(), LogError> {
        topics::forget(&self.settings, self.generation.other(number), &self.connection, &self.prober)
    }

    fn told(&self) -> &AtomicU32 {
        &self.told
    }

    fn membership(&self, stage: &'static str, topic: &'static Topic) -> Result<Box<dyn Membership>, LogError> {
        let progress = Arc::clone(&self.progress);
        let group = membership::Group { stage, topic, generation: self.generation, progress };
        Ok(Box::new(membership::Member::join(group, &self.settings, &self.connection)?))
    }

    fn writer(self: Arc<Self>, task: &str) -> Result<Box<dyn Writer>, LogError> {
        Ok(Box::new(writer::TaskWriter::new(task, self.generation, &self.settings, &self.connection)?))
    }

    fn reader(self: Arc<Self>, starts: &[Start]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(PartsReader::new(&self, starts)?))
    }

    fn last_values(
        &self,
        topic: &'static Topic,
        partition: u32,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<LastValues, LogError> {
        let (values, next) = restore::last_values(self, topic, partition)?;
        values.iter().for_each(|(key, value)| each(key, value));
        Ok(LastValues { count: values.len() as u64, next })
    }

    /// Looked for from the end: what is asked for by key was written lately.
    fn last_value(&self, topic: &'static Topic, partition: u32, name: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        let extent = self.ask_extent(topic, partition)?;
        restore::last_value(self, topic, partition, name, extent)
    }

    /// The broker's own times are those of arrival, so that history which is imported is kept as long as what is
    /// live: event times are looked for by halving.
    fn offset_at(self: Arc<Self>, topic: &'static Topic, partition: u32, time: i64) -> Result<u64, LogError> {
        let extent = self.ask_extent(topic, partition)?;
        restore::offset_at(&self, topic, partition, time, extent)
    }

    fn extent(&self, topic: &'static Topic, partition: u32) -> Result<Extent, LogError> {
        let known = locked(&self.extents).get(&(topic.name, partition)).copied();
        known.map_or_else(|| self.ask_extent(topic, partition), Ok)
    }

    /// A commit takes an offset of its own, which no reader ever sees: at the end there is always one.
    fn unread(&self, topic: &'static Topic, partition: u32, next: u64) -> Result<u64, LogError> {
        Ok(self.ask_extent(topic, partition)?.next.saturating_sub(next + 1))
    }

    fn records_kept(&self, topic: &'static Topic) -> u64 {
        let extents = locked(&self.extents);
        let known = self.partitions(topic).filter_map(|partition| extents.get(&(topic.name, partition)));
        known.map(|extent| extent.next - extent.first).sum()
    }

    fn bytes_kept(&self, _: &'static Topic) -> u64 {
        0
    }

    fn done(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        locked(&self.progress).insert((reader, topic.name, partition), next);
    }

    /// A broker keeps nothing for anybody.
    fn has_come_to(&self, reader: &'static str, topic: &'static Topic, partition: u32, next: u64) {
        self.done(reader, topic, partition, next);
    }

    fn progress(&self, reader: &'static str, topic: &'static Topic, partition: u32) -> Result<Option<u64>, LogError> {
        let known = |progress: &Progress| progress.get(&(reader, topic.name, partition)).copied();
        if let Some(next) = known(&locked(&self.progress)) {
            return Ok(Some(next));
        }
        let mut heard = locked(&self.heard);
        if heard.get(reader).is_none_or(|(at, _)| at.elapsed() > HEARD_AGAIN) {
            let told = membership::committed(self.generation, &self.settings, &self.connection, reader)?;
            heard.insert(reader, (Instant::now(), told));
        }
        Ok(heard.get(reader).and_then(|(_, told)| known(told)))
    }

    /// A broker keeps what comes for as long as the topic says, whoever has read it.
    fn is_held_up(&self, _: &'static Topic, _: u32) -> bool {
        false
    }

    fn keep_house(&self) -> Result<(), LogError> {
        for topic in TOPICS {
            for partition in self.partitions(topic) {
                self.ask_extent(topic, partition)?;
            }
        }
        Ok(())
    }

    /// Readers wait for no longer than they are told to.
    fn wake(&self) {}

    fn disk_bytes(&self) -> Option<u64> {
        None
    }
}

fn refused(doing: &str, source: KafkaError) -> LogError {
    LogError::Kafka { doing: doing.to_owned(), source }
}

/// Nothing can fail half-way while it is held.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub fn verdict_of(error: &KafkaError) -> String {
    format!("{:?}", connection::verdict(error))
}
