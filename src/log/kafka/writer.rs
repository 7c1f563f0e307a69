//! A task's transactional producer: the outbox in, one transaction out.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use schemas::{Batch, Generation, Outbox, Record};
use tracing::{debug, trace};

use super::connection::{Client, Connection, Verdict, verdict};
use super::part::TIME;
use super::settings::Settings;
use super::{LogError, Writer, refused};

pub struct TaskWriter {
    task: String,
    generation: Generation,
    producer: BaseProducer<Client>,
    connection: Arc<Connection>,
}

const ATTEMPT: Duration = Duration::from_secs(1);
/// The client has no way to wake whoever waits for its answers, and its own waiting takes a core or a tenth of a second.
const LOOK_AGAIN: Duration = Duration::from_micros(100);

impl TaskWriter {
    /// When this returns, no transaction of a predecessor is open, and none will ever be committed.
    pub fn new(
        task: &str,
        generation: Generation,
        settings: &Settings,
        connection: &Arc<Connection>,
    ) -> Result<Self, LogError> {
        let id = settings.group(generation, task);
        let producer = settings.producer(&id, connection)?;
        let begun = connection.insist(&|| format!("to begin the transactions of {task}"), |patience| {
            producer.poll(Duration::ZERO);
            producer.init_transactions(patience)
        });
        begun.map_err(|error| match error {
            LogError::Fenced { .. } => LogError::Fenced { task: task.to_owned() },
            other => other,
        })?;
        Ok(Self { task: task.to_owned(), generation, producer, connection: Arc::clone(connection) })
    }

    fn send(&self, out: &Outbox) -> Result<(), KafkaError> {
        for (topic, partition, batch) in out.filled() {
            self.send_batch(&self.generation.name(topic), partition.cast_signed(), batch)?;
        }
        Ok(())
    }

    fn send_batch(&self, topic: &str, partition: i32, batch: &Batch) -> Result<(), KafkaError> {
        for record in batch.records() {
            let mut message = BaseRecord::to(topic).partition(partition).key(record.key).headers(headers(&record));
            message.payload = record.value;
            // A full queue is emptied by the brokers; the order stays as it is, because nothing else is sent meanwhile.
            while let Err((error, again)) = self.producer.send(message) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(error);
                }
                self.take_answers();
                message = again;
            }
        }
        Ok(())
    }

    fn take_answers(&self) {
        self.producer.poll(Duration::ZERO);
        std::thread::park_timeout(LOOK_AGAIN);
    }

    fn end(&self) -> Result<(), LogError> {
        while self.producer.in_flight_count() > 0 {
            self.take_answers();
        }
        loop {
            match self.producer.commit_transaction(ATTEMPT) {
                Ok(()) => return Ok(()),
                Err(error) if verdict(&error) == Verdict::Wait => self.wait_after(&error)?,
                Err(error) => return Err(self.given_up(error)),
            }
        }
    }

    fn wait_after(&self, error: &KafkaError) -> Result<(), LogError> {
        self.connection.wait_after(&|| format!("to commit {}", self.task), error)
    }

    /// What is left to do with a transaction that failed.
    fn given_up(&self, error: KafkaError) -> LogError {
        debug!("a commit of {} failed: {error}", self.task);
        // What ended the producer, when it was ended, says more than what came of it.
        let ended = self.producer.client().fatal_error().map(|(code, _)| KafkaError::Global(code));
        match verdict(ended.as_ref().unwrap_or(&error)) {
            Verdict::Fenced => LogError::Fenced { task: self.task.clone() },
            // The writer is dropped now, and the next one's beginning settles what is open.
            Verdict::Abort | Verdict::Wait => LogError::Aborted { task: self.task.clone(), source: error },
            Verdict::Stop => refused(&format!("a commit of {}", self.task), error),
        }
    }
}

impl Writer for TaskWriter {
    fn commit(&mut self, out: &Outbox) -> Result<(), LogError> {
        let task = &self.task;
        trace!(task, "commit begins");
        self.producer.begin_transaction().map_err(|error| self.given_up(error))?;
        self.send(out).map_err(|error| self.given_up(error))?;
        self.end()?;
        self.connection.answered();
        trace!(task, "commit ends");
        Ok(())
    }
}

fn headers(record: &Record<'_>) -> OwnedHeaders {
    let time = record.time.to_string();
    let headers = OwnedHeaders::new_with_capacity(4).insert(Header { key: TIME, value: Some(&time) });
    record.headers.iter().fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}
