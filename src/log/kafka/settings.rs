//! How Kafka is reached: brokers, and what an operator's file adds for security and compression. What exactly-once
//! stands on is set here and cannot be changed from outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::BaseProducer;
use schemas::Generation;

use super::connection::{Client, Connection};
use super::reader::ConsumerClient;
use super::{LogError, refused};
use crate::failure::Failure;

#[derive(Debug, Clone)]
pub struct Settings {
    brokers: String,
    properties: BTreeMap<String, String>,
}

/// A record may be as large as the largest line of a node, escaped.
pub const RECORD_BYTES: usize = 32 * 1024 * 1024;
/// A transaction that its task does not end by then is ended by the broker.
const TRANSACTION: Duration = Duration::from_secs(10);
/// A member that is not heard of for so long has lost its partitions: the least that brokers allow.
pub const SESSION: Duration = Duration::from_secs(6);
const REBALANCE: Duration = Duration::from_secs(10);
const PREFETCH_KIB: usize = 16 * 1024;

/// Security and compression belong to the operator; what is not named here is ours. With `client.rack` followers
/// would be read from, whose end is not the end.
const MAY_SET: [&str; 7] = ["security.", "sasl.", "ssl.", "enable.ssl.", "compression.", "client.id", "broker."];

impl Settings {
    pub fn new(brokers: &str, file: Option<&Path>) -> Result<Self, Failure> {
        let properties = file.map_or_else(|| Ok(BTreeMap::new()), read)?;
        Ok(Self { brokers: brokers.to_owned(), properties })
    }

    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    pub fn group(&self, generation: Generation, stage: &str) -> String {
        format!("fathom.{}.{stage}", generation.number)
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "fathom");
        // A broker that comes back is found soon.
        config.set("reconnect.backoff.max.ms", "1000").set("topic.metadata.propagation.max.ms", "5000");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }

    pub fn admin(&self) -> ClientConfig {
        self.client()
    }

    /// A consumer that reads what is committed, from where it is told, and says where partitions end.
    pub fn consumer(&self, group: &str, connection: &Arc<Connection>) -> Result<ConsumerClient, LogError> {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("queued.max.messages.kbytes", PREFETCH_KIB.to_string());
        let client = Client { connection: Arc::clone(connection) };
        config.create_with_context(client).map_err(|error| refused("to make a consumer", error))
    }

    /// For taking part in a group: its partitions are shared out by range, so that those of several topics meet.
    pub fn member<C>(&self, group: &str, context: C) -> Result<rdkafka::consumer::BaseConsumer<C>, LogError>
    where
        C: rdkafka::consumer::ConsumerContext + 'static,
    {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", SESSION.as_millis().to_string())
            // Whoever does not answer to a new share for so long is left out of it: the others wait no longer.
            .set("max.poll.interval.ms", REBALANCE.as_millis().to_string())
            // A member hears of a new share with its next heartbeat.
            .set("heartbeat.interval.ms", (SESSION / 12).as_millis().to_string())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest")
            .set("allow.auto.create.topics", "false");
        config.create_with_context(context).map_err(|error| refused("to make a group member", error))
    }

    pub fn producer(
        &self,
        transactional_id: &str,
        connection: &Arc<Connection>,
    ) -> Result<BaseProducer<Client>, LogError> {
        let mut config = self.client();
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", TRANSACTION.as_millis().to_string())
            .set("message.timeout.ms", TRANSACTION.as_millis().to_string())
            .set("message.max.bytes", RECORD_BYTES.to_string())
            .set("linger.ms", "0")
            .set("delivery.report.only.error", "true");
        if !self.properties.contains_key("compression.type") {
            config.set("compression.type", "lz4");
        }
        let client = Client { connection: Arc::clone(connection) };
        config.create_with_context(client).map_err(|error| refused("to make a producer", error))
    }
}

/// `name=value` lines, as Kafka's own tools read them.
fn read(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let unreadable =
        |cause| Failure::because(format!("could not read the Kafka settings in {}", path.display()), cause);
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').ok_or_else(|| wrong(path, line, "is not `name=value`"))?;
            let (name, value) = (name.trim(), value.trim());
            if !MAY_SET.iter().any(|prefix| name.starts_with(prefix)) {
                return Err(wrong(path, name, "is not for security or compression; everything else is fathom's own"));
            }
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn wrong(path: &Path, what: &str, why: &str) -> Failure {
    Failure::Usage(format!("{}: {what:?} {why}", path.display()))
}
