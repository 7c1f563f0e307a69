//! What errors of the brokers mean, and whether they answer at all: said once when it changes, by whoever notices.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, NoCustomPartitioner, ProducerContext};
use tracing::{debug, info, warn};

use super::{LogError, locked, refused};
use crate::stop::Stop;

/// What is done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It heals by itself: the same again.
    Wait,
    /// Somebody else does this task now.
    Fenced,
    /// The transaction is to be given up.
    Abort,
    /// Trying again will not help.
    Stop,
}

pub struct Connection {
    brokers: String,
    stop: Stop,
    /// Since when they have not answered, and when that was said last.
    silent: Mutex<Option<(Instant, Instant)>>,
    /// That they do not know us: to whoever asks, that looks like silence.
    unknown: Mutex<Option<KafkaError>>,
}

/// One attempt takes no longer than this, so that an end can be asked for meanwhile.
const ATTEMPT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
/// Brokers that are silent for less have just moved a leader.
const WORTH_SAYING: Duration = Duration::from_secs(1);
const SAY_AGAIN: Duration = Duration::from_secs(15);

impl Connection {
    pub fn new(brokers: &str, stop: Stop) -> Self {
        Self { brokers: brokers.to_owned(), stop, silent: Mutex::default(), unknown: Mutex::default() }
    }

    /// Does something until the brokers have answered; gives up when the end is asked for meanwhile.
    pub fn insist<T>(
        &self,
        doing: &dyn Fn() -> String,
        mut attempt: impl FnMut(Duration) -> Result<T, KafkaError>,
    ) -> Result<T, LogError> {
        loop {
            match attempt(ATTEMPT) {
                Ok(done) => {
                    self.answered();
                    return Ok(done);
                }
                Err(error) => match verdict(&error) {
                    Verdict::Wait => self.wait_after(doing, &error)?,
                    Verdict::Fenced => return Err(LogError::Fenced { task: doing() }),
                    Verdict::Abort => return Err(LogError::Aborted { task: doing(), source: error }),
                    Verdict::Stop => return Err(refused(&doing(), error)),
                },
            }
        }
    }

    /// Says that it did not work and rests a little.
    pub fn wait_after(&self, doing: &dyn Fn() -> String, error: &KafkaError) -> Result<(), LogError> {
        self.failed(&format!("{}: {error}", doing()));
        if let Some(unknown) = locked(&self.unknown).clone() {
            return Err(refused(&doing(), unknown));
        }
        if self.stop.asked() {
            return Err(LogError::Ended { doing: doing() });
        }
        self.stop.rest(PAUSE);
        Ok(())
    }

    pub fn failed(&self, why: &str) {
        let mut silent = locked(&self.silent);
        let now = Instant::now();
        let (since, said) = silent.get_or_insert((now, now));
        let first = *said == *since && since.elapsed() > WORTH_SAYING;
        if first || said.elapsed() > SAY_AGAIN {
            *said = now;
            warn!("Kafka at {} does not answer ({why}): waiting for it", self.brokers);
        }
    }

    pub fn answered(&self) {
        if let Some((since, said)) = locked(&self.silent).take()
            && said != since
        {
            info!("Kafka at {} answers again, after {:.1} s", self.brokers, since.elapsed().as_secs_f32());
        }
    }

    pub fn is_ending(&self) -> bool {
        self.stop.asked()
    }
}

pub fn verdict(error: &KafkaError) -> Verdict {
    use RDKafkaErrorCode as Code;
    if let KafkaError::Transaction(error) = error {
        let is_fenced = matches!(error.code(), Code::ProducerFenced | Code::InvalidProducerEpoch | Code::Fenced);
        return match () {
            () if is_fenced => Verdict::Fenced,
            () if of_code(error.code()) == Verdict::Stop => Verdict::Stop,
            () if error.txn_requires_abort() => Verdict::Abort,
            () if error.is_retriable() => Verdict::Wait,
            () => Verdict::Stop,
        };
    }
    if let KafkaError::AdminOp(code) = error {
        return of_code(*code);
    }
    let (KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::MessageConsumptionFatal(_)) = error
    else {
        return error.rdkafka_error_code().map_or(Verdict::Wait, of_code);
    };
    Verdict::Stop
}

fn of_code(code: RDKafkaErrorCode) -> Verdict {
    use RDKafkaErrorCode as Code;
    match code {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication
        | Code::SSL
        | Code::UnsupportedFeature
        | Code::UnsupportedSASLMechanism
        | Code::PolicyViolation
        | Code::InvalidReplicationFactor
        | Code::InvalidConfig
        | Code::MessageSizeTooLarge
        | Code::Fatal => Verdict::Stop,
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Verdict::Fenced,
        _ => Verdict::Wait,
    }
}

/// What every client of ours tells: that brokers cannot be reached.
pub struct Client {
    pub connection: std::sync::Arc<Connection>,
}

impl ClientContext for Client {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!("librdkafka {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!("librdkafka: {error}: {reason}");
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.connection.failed(reason),
            Some(RDKafkaErrorCode::Authentication) => *locked(&self.connection.unknown) = Some(error),
            _ => {}
        }
    }
}

impl ConsumerContext for Client {}

impl ProducerContext<NoCustomPartitioner> for Client {
    type DeliveryOpaque = ();

    /// What could not be delivered makes the commit fail: there is nothing to do here.
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
