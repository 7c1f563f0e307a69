//! The topics of a generation on Kafka: made when they are not there, refused when they are of another shape.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use schemas::{Generation, Keeps, TOPICS, Topic};
use tracing::info;

use super::connection::{Client, Connection};
use super::reader::ConsumerClient;
use super::settings::{RECORD_BYTES, Settings};
use super::{LogError, refused};

/// How many partitions each topic of this generation has on the cluster.
type Found = Vec<(String, usize)>;

pub fn make(
    settings: &Settings,
    generation: Generation,
    connection: &Arc<Connection>,
    prober: &ConsumerClient,
) -> Result<(), LogError> {
    let client = Client { connection: Arc::clone(connection) };
    let admin: AdminClient<Client> =
        settings.admin().create_with_context(client).map_err(|error| refused("to make an admin client", error))?;
    loop {
        let found = list(prober, connection)?;
        let is_there = |topic: &&Topic| found.iter().any(|(name, _)| *name == generation.name(topic));
        let missing: Vec<&Topic> = TOPICS.into_iter().filter(|topic| !is_there(topic)).collect();
        if missing.is_empty() {
            return compare(&found, generation);
        }
        info!("making {} topics named fathom.{}.…", missing.len(), generation.number);
        let doing = || "to make topics".to_owned();
        connection.insist(&doing, |patience| create(&admin, generation, &missing, patience))?;
    }
}

/// Deletes what a generation has computed; of the one whose name the facts have, the topics stay, empty.
pub fn forget(
    settings: &Settings,
    generation: Generation,
    connection: &Arc<Connection>,
    prober: &ConsumerClient,
) -> Result<(), LogError> {
    let client = Client { connection: Arc::clone(connection) };
    let admin: AdminClient<Client> =
        settings.admin().create_with_context(client).map_err(|error| refused("to make an admin client", error))?;
    let names: Vec<String> =
        TOPICS.iter().filter(|topic| generation.owns(topic)).map(|topic| generation.name(topic)).collect();
    loop {
        let found = list(prober, connection)?;
        let left: Vec<&str> =
            names.iter().filter(|name| found.iter().any(|(other, _)| other == *name)).map(String::as_str).collect();
        if left.is_empty() {
            break;
        }
        connection.insist(&|| "to delete topics".to_owned(), |patience| delete(&admin, &left, patience))?;
    }
    if generation == generation.of_the_facts() { make(settings, generation, connection, prober) } else { Ok(()) }
}

/// One that somebody else has deleted meanwhile is as good.
fn delete(admin: &AdminClient<Client>, names: &[&str], patience: Duration) -> Result<(), KafkaError> {
    let options = AdminOptions::new().operation_timeout(Some(patience)).request_timeout(Some(patience));
    for outcome in futures_executor::block_on(admin.delete_topics(names, &options))? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code)),
        }
    }
    Ok(())
}

/// Makes nothing: all of them have to be there.
pub fn check(generation: Generation, connection: &Connection, prober: &ConsumerClient) -> Result<(), LogError> {
    compare(&list(prober, connection)?, generation)
}

/// The first thing that is asked of the brokers: that they do not know us is heard by polling, and nowhere else.
fn list(prober: &ConsumerClient, connection: &Connection) -> Result<Found, LogError> {
    let metadata = connection.insist(&|| "to list its topics".to_owned(), |patience| {
        let metadata = prober.fetch_metadata(None, patience);
        prober.poll(Duration::ZERO);
        metadata
    })?;
    Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect())
}

/// One that somebody else has made meanwhile is as good.
fn create(
    admin: &AdminClient<Client>,
    generation: Generation,
    missing: &[&Topic],
    patience: Duration,
) -> Result<(), KafkaError> {
    let names: Vec<String> = missing.iter().map(|topic| generation.name(topic)).collect();
    let settings: Vec<Vec<(&str, String)>> = missing.iter().map(|topic| shape(topic)).collect();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(&names)
        .zip(&settings)
        .map(|((topic, name), settings)| {
            let partitions = generation.partitions(topic).cast_signed();
            // The broker knows how many copies there shall be.
            let new = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
            settings.iter().fold(new, |new, (name, value)| new.set(name, value))
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(patience)).request_timeout(Some(patience));
    for outcome in futures_executor::block_on(admin.create_topics(&topics, &options))? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code)),
        }
    }
    Ok(())
}

fn compare(found: &Found, generation: Generation) -> Result<(), LogError> {
    for topic in TOPICS {
        let (name, expected) = (generation.name(topic), generation.partitions(topic));
        let partitions = found.iter().find(|(other, _)| *other == name).map_or(0, |(_, partitions)| *partitions);
        if partitions != expected as usize {
            return Err(LogError::Partitions { name, found: partitions, expected });
        }
    }
    Ok(())
}

const HOUR_MS: u64 = 3_600_000;
/// Of what is told again and again all values are kept for so long: what is replayed is all that was told.
const WHOLE_HOURS: u32 = 24;
const MIB: u64 = 1024 * 1024;

/// What a topic keeps, in Kafka's words. Only whole segments are compacted or forgotten, and never the one that is
/// written: so they are small where the last value counts.
fn shape(topic: &Topic) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("max.message.bytes", RECORD_BYTES.to_string()),
        // Times of arrival: what is imported is kept as long as what is live. Event times are in a header.
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("compression.type", "producer".to_owned()),
    ];
    settings.extend(match topic.keeps {
        Keeps::Recent { hours, .. } => vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", (u64::from(hours) * HOUR_MS).to_string()),
            ("segment.bytes", (256 * MIB).to_string()),
            ("segment.ms", (u64::from(hours) * HOUR_MS / 8).to_string()),
        ],
        Keeps::RecentPerKey { hours, .. } => vec![
            ("cleanup.policy", "compact,delete".to_owned()),
            ("retention.ms", (u64::from(hours) * HOUR_MS).to_string()),
            ("min.compaction.lag.ms", (u64::from(hours.min(WHOLE_HOURS)) * HOUR_MS).to_string()),
            ("segment.bytes", (64 * MIB).to_string()),
            ("segment.ms", HOUR_MS.to_string()),
            ("min.cleanable.dirty.ratio", "0.2".to_owned()),
        ],
        Keeps::LastPerKey { hours, .. } => vec![
            ("cleanup.policy", "compact".to_owned()),
            ("min.compaction.lag.ms", (u64::from(hours) * HOUR_MS).to_string()),
            // Whoever reads is not away for longer, and sees that a key has gone.
            ("delete.retention.ms", (u64::from(hours) * HOUR_MS).to_string()),
            ("segment.bytes", (64 * MIB).to_string()),
            ("segment.ms", HOUR_MS.to_string()),
            ("min.cleanable.dirty.ratio", "0.2".to_owned()),
        ],
        Keeps::State => vec![
            ("cleanup.policy", "compact".to_owned()),
            ("delete.retention.ms", HOUR_MS.to_string()),
            ("segment.bytes", (32 * MIB).to_string()),
            ("segment.ms", (HOUR_MS / 6).to_string()),
            ("min.cleanable.dirty.ratio", "0.1".to_owned()),
        ],
    });
    settings
}
