//! A consumer group that shares out partitions and nothing else: which ones are ours comes out. How far we are goes
//! in, for the tools that show the lag of groups; nothing is ever read from there.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Generation, TOPICS, Topic};
use tracing::debug;

use super::connection::{Client, Connection, Verdict, verdict};
use super::settings::Settings;
use super::{LogError, Membership, Progress, locked, refused};

/// Whose work is shared out.
pub struct Group {
    pub stage: &'static str,
    pub topic: &'static Topic,
    pub generation: Generation,
    pub progress: Arc<Mutex<Progress>>,
}

pub struct Member {
    /// None once it has left.
    consumer: Option<BaseConsumer<Assigned>>,
    group: Group,
    connection: Arc<Connection>,
    told: Instant,
    /// The last share: what another member has now, it says itself.
    ours: BTreeSet<u32>,
}

const TELL_EVERY: Duration = Duration::from_secs(1);
/// To leave the group takes no longer, but when the client does not come to its end.
const LEAVING: Duration = Duration::from_secs(3);

impl Member {
    pub fn join(group: Group, settings: &Settings, connection: &Arc<Connection>) -> Result<Self, LogError> {
        let name = settings.group(group.generation, group.stage);
        let context = Assigned { client: Client { connection: Arc::clone(connection) }, ours: Mutex::new(None) };
        let consumer = settings.member(&name, context)?;
        consumer
            .subscribe(&[&group.generation.name(group.topic)])
            .map_err(|error| refused(&format!("to join the group {name}"), error))?;
        let consumer = Some(consumer);
        Ok(Self { consumer, group, connection: Arc::clone(connection), told: Instant::now(), ours: BTreeSet::new() })
    }

    /// Says how far we are. When it cannot be said, it is said the next time.
    fn tell(&mut self) {
        self.told = Instant::now();
        let Group { stage, generation, progress, .. } = &self.group;
        let mut offsets = TopicPartitionList::new();
        for ((_, topic, partition), next) in locked(progress).iter().filter(|((reader, ..), _)| reader == stage) {
            let known = TOPICS.into_iter().find(|known| known.name == *topic);
            let Some(topic) = known.filter(|topic| self.is_ours(topic, *partition)) else { continue };
            let offset = Offset::Offset(next.cast_signed());
            let _ = offsets.add_partition_offset(&generation.name(topic), partition.cast_signed(), offset);
        }
        if offsets.count() > 0
            && let Some(consumer) = &self.consumer
            && let Err(error) = consumer.commit(&offsets, CommitMode::Async)
        {
            debug!("the progress of {stage} was not noted: {error}");
        }
    }

    /// Of a topic that is partitioned by two things, several partitions are one share of the work; work that is not
    /// shared out is all of them.
    fn is_ours(&self, topic: &Topic, partition: u32) -> bool {
        match self.group.topic.partitioned_by {
            [by] if topic.partitioned_by.len() > 1 => {
                let mut shares = self.ours.iter().map(|share| self.group.generation.share(topic, Some(*by), *share));
                shares.any(|mut share| share.any(|ours| ours == partition))
            }
            [] => !self.ours.is_empty(),
            _ => self.ours.contains(&partition),
        }
    }
}

impl Drop for Member {
    /// Leaves the group, so that the others have what was ours at once. A client that waits for a share while it leaves
    /// may wait for ever: it is left behind, and the others find out when they hear no more of it.
    fn drop(&mut self) {
        self.tell();
        let Some(consumer) = self.consumer.take() else { return };
        let (left, leaves) = sync_channel(1);
        let leave = move || {
            drop(consumer);
            let _ = left.send(());
        };
        let leaving = thread::Builder::new().name("leaving".to_owned()).spawn(leave);
        if leaving.is_ok() && leaves.recv_timeout(LEAVING).is_err() {
            debug!("the group of {} was left without a word", self.group.stage);
        }
    }
}

impl Membership for Member {
    fn assigned(&mut self, patience: Duration) -> Result<Option<BTreeSet<u32>>, LogError> {
        let Some(consumer) = &self.consumer else { return Ok(None) };
        match consumer.poll(patience) {
            Some(Err(error)) if verdict(&error) == Verdict::Stop => {
                return Err(refused(&format!("the group of {}", self.group.stage), error));
            }
            Some(Err(KafkaError::PartitionEOF(_)) | Ok(_)) | None => {}
            Some(Err(error)) => debug!("the group of {}: {error}", self.group.stage),
        }
        if self.told.elapsed() >= TELL_EVERY {
            self.tell();
        }
        let ours = self.consumer.as_ref().and_then(|consumer| locked(&consumer.context().ours).take());
        if let Some(ours) = &ours {
            self.connection.answered();
            self.ours.clone_from(ours);
        }
        Ok(ours)
    }
}

/// How far a group has said that it is, in every topic.
pub fn committed(
    generation: Generation,
    settings: &Settings,
    connection: &Arc<Connection>,
    stage: &'static str,
) -> Result<Progress, LogError> {
    let consumer = settings.consumer(&settings.group(generation, stage), connection)?;
    let mut asked = TopicPartitionList::new();
    let places: Vec<(&Topic, u32)> = TOPICS
        .into_iter()
        .flat_map(|topic| (0..generation.partitions(topic)).map(move |partition| (topic, partition)))
        .collect();
    for (topic, partition) in &places {
        asked.add_partition(&generation.name(topic), partition.cast_signed());
    }
    let doing = || format!("to say how far {stage} is");
    let told = connection.insist(&doing, |patience| consumer.committed_offsets(asked.clone(), patience))?;
    let next = |(topic, partition): (&'static Topic, u32)| {
        let part = told.find_partition(&generation.name(topic), partition.cast_signed())?;
        let next = u64::try_from(part.offset().to_raw()?).ok()?;
        Some(((stage, topic.name, partition), next))
    };
    Ok(places.into_iter().filter_map(next).collect())
}

/// Hears what is shared out. What is taken away is given up only when the next share is known: until then nobody else
/// has it, and whoever gets it shuts us out.
struct Assigned {
    client: Client,
    ours: Mutex<Option<BTreeSet<u32>>>,
}

impl ClientContext for Assigned {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }
}

impl ConsumerContext for Assigned {
    /// The client itself is given nothing to read: tasks read through consumers of their own, from where their state
    /// stands. So there is nothing that it would have to bring to an end before it can hear of the next share.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let answered = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let ours = partitions.elements().iter().map(|part| part.partition().cast_unsigned()).collect();
            *locked(&self.ours) = Some(ours);
            consumer.assign(&TopicPartitionList::new())
        } else {
            consumer.unassign()
        };
        if let Err(error) = answered {
            debug!("the group's new share was not taken: {error}");
        }
    }
}
