//! What only Kafka can get wrong: two who write the same, transactions that were left open, what was forgotten.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use schemas::{Outbox, topics};

use super::{Place, append, incompressible, only_texts, outbox, read, start};
use crate::log::LogError;

fn client(place: &Place) -> ClientConfig {
    let Place::Brokers(brokers, _) = place else { unreachable!() };
    client_of(brokers)
}

fn client_of(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn a_second_writer_shuts_the_first_one_out() {
    let place = Place::brokers();
    let log = place.open();
    let mut first = Arc::clone(&log).writer("test.0").unwrap();
    first.commit(&outbox(&log, &["1"])).unwrap();
    let mut second = Arc::clone(&log).writer("test.0").unwrap();
    let error = first.commit(&outbox(&log, &["2"])).unwrap_err();
    assert!(matches!(error, LogError::Fenced { .. }) && error.again(), "{error}");
    second.commit(&outbox(&log, &["3"])).unwrap();
    assert_eq!(only_texts(read(&log, None, 2)), ["1", "3"], "nothing of what the first one said then");
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn what_a_predecessor_left_open_is_never_seen() {
    let place = Place::brokers();
    let log = place.open();
    let generation = log.generation();
    let id = format!("fathom.{}.test.0", generation.number);
    let left_open: BaseProducer = client(&place).set("transactional.id", &id).create().unwrap();
    left_open.init_transactions(Duration::from_secs(20)).unwrap();
    left_open.begin_transaction().unwrap();
    for (topic, partition) in [(&topics::FILLS, 1), (&topics::STATE_COIN, 2)] {
        let name = generation.name(topic);
        left_open.send(BaseRecord::to(&name).partition(partition).key("a").payload("left open")).unwrap();
    }
    left_open.flush(Duration::from_secs(20)).unwrap();
    // Not ended: its process is gone, as far as anybody knows.
    std::mem::forget(left_open);

    let mut writer = Arc::clone(&log).writer("test.0").unwrap();
    let began = Instant::now();
    assert_eq!(log.last_value(&topics::STATE_COIN, 2, b"a").unwrap(), None);
    assert!(began.elapsed() < Duration::from_secs(5), "settled at once, not when the broker loses patience");
    let mut out = Outbox::new(generation);
    out.batch(&topics::STATE_COIN, 2).push(0, b"a", Some(b"committed"), b"");
    out.batch(&topics::FILLS, 1).push(0, b"a", Some(b"1"), b"");
    writer.commit(&out).unwrap();
    assert_eq!(log.last_value(&topics::STATE_COIN, 2, b"a").unwrap().as_deref(), Some(b"committed".as_slice()));
    assert_eq!(only_texts(read(&log, None, 1)), ["1"]);
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn what_was_given_up_is_not_waited_for() {
    let place = Place::brokers();
    let log = place.open();
    append(&log, &[&["1"]]);
    let producer: BaseProducer = client(&place).set("transactional.id", "gives up").create().unwrap();
    producer.init_transactions(Duration::from_secs(20)).unwrap();
    for _ in 0..3 {
        producer.begin_transaction().unwrap();
        let name = log.generation().name(&topics::FILLS);
        producer.send(BaseRecord::to(&name).partition(1).key("a").payload("given up")).unwrap();
        producer.flush(Duration::from_secs(20)).unwrap();
        producer.abort_transaction(Duration::from_secs(20)).unwrap();
    }
    // That it ends here is told once.
    let mut reader = Arc::clone(&log).reader(&[start(None)]).unwrap();
    super::read_to_the_end_of(reader.as_mut());
    let began = Instant::now();
    loop {
        assert_eq!(reader.read(usize::MAX, Duration::from_millis(20)).unwrap().len(), 0);
        // Whoever waits for a partition asks again at its end.
        if reader.is_at_the_end(0) && reader.end(0).unwrap() == Some(0) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it waits for what never comes");
    }
    append(&log, &[&["2"]]);
    let slices = super::first(|| reader.read(usize::MAX, Duration::from_secs(1)).unwrap());
    assert_eq!(super::texts(&slices), ["2"]);
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn a_reader_who_is_too_late_is_told() {
    let place = Place::brokers();
    let log = place.open();
    append(&log, &[&["1", "2", "3"]]);
    let second = read(&log, None, 3)[1].0;
    place.forget_before(&log, second);
    let mut reader = Arc::clone(&log).reader(&[start(Some(0))]).unwrap();
    let error = loop {
        match reader.read(1, Duration::from_secs(1)) {
            Ok(slices) => assert!(slices.is_empty(), "{slices:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::OutOfRange { from: 0, first: 1, .. }), "{error}");
    assert_eq!(only_texts(read(&log, None, 2)), ["2", "3"], "the oldest that is kept");
}

pub fn delete_before(brokers: &str, topic: &str, offset: u64) {
    let admin: AdminClient<DefaultClientContext> = client_of(brokers).create().unwrap();
    let mut until = TopicPartitionList::new();
    until.add_partition_offset(topic, 1, Offset::Offset(offset.cast_signed())).unwrap();
    futures_executor::block_on(admin.delete_records(&until, &AdminOptions::new())).unwrap();
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn topics_of_another_shape_are_refused() {
    use rdkafka::admin::{NewTopic, TopicReplication};

    let place = Place::brokers();
    let Place::Brokers(brokers, generation) = &place else { unreachable!() };
    let admin: AdminClient<DefaultClientContext> = client(&place).create().unwrap();
    let name = generation.name(&topics::FILLS);
    let three = [NewTopic::new(&name, 3, TopicReplication::Fixed(-1))];
    futures_executor::block_on(admin.create_topics(&three, &AdminOptions::new())).unwrap();
    let settings = super::Settings::new(brokers, None).unwrap();
    let opened = super::Kafka::open(settings, *generation, super::Stop::new());
    let error = opened.err().expect("three partitions are not four");
    assert!(matches!(error, LogError::Partitions { found: 3, expected: 4, .. }), "{error}");
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn topics_are_made_as_the_contract_says() {
    use rdkafka::admin::ResourceSpecifier;

    let place = Place::brokers();
    let log = place.open();
    let admin: AdminClient<DefaultClientContext> = client(&place).create().unwrap();
    let setting = |topic, name: &str| {
        let topic = log.generation().name(topic);
        let asked = [ResourceSpecifier::Topic(&topic)];
        let told = futures_executor::block_on(admin.describe_configs(&asked, &AdminOptions::new())).unwrap();
        told.into_iter().next().unwrap().unwrap().get(name).and_then(|entry| entry.value.clone()).unwrap()
    };
    assert_eq!(setting(&topics::FILLS, "cleanup.policy"), "delete");
    assert_eq!(setting(&topics::FILLS, "retention.ms"), "604800000");
    assert_eq!(setting(&topics::POSITIONS, "cleanup.policy"), "compact");
    assert_eq!(setting(&topics::LONG_SHORT_RATIOS, "cleanup.policy"), "compact,delete");
    assert_eq!(setting(&topics::STATE_COIN, "segment.bytes"), "33554432");
    assert_eq!(setting(&topics::FILLS, "message.timestamp.type"), "LogAppendTime");
}

/// What a task has to read when it begins is bounded by what it knows, not by how long it has been at work.
#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn state_is_compacted_while_it_is_written() {
    let place = Place::brokers();
    let log = place.open();
    let mut writer = Arc::clone(&log).writer("test.0").unwrap();
    let value = incompressible(100_000, 1);
    let until = Instant::now() + Duration::from_secs(90);
    let mut written = 0;
    let mut kept = 0;
    while kept * 2 >= written || written < 1_000 {
        assert!(Instant::now() < until, "{kept} records of {written} are kept");
        for _ in 0..10 {
            let mut out = Outbox::new(log.generation());
            (0..100).for_each(|key: u8| out.batch(&topics::STATE_COIN, 0).push(0, &[key], Some(&value), b""));
            writer.commit(&out).unwrap();
            written += 100;
        }
        kept = records_of_state(&log);
    }
    println!("{kept} of {written} records are still there");
    let mut keys = 0;
    assert_eq!(
        log.last_values(&topics::STATE_COIN, 0, &mut |_, found| keys += usize::from(found == value)).unwrap().count,
        100
    );
    assert_eq!(keys, 100);
}

fn records_of_state(log: &Arc<dyn crate::log::Log>) -> usize {
    let start = crate::log::Start { topic: &topics::STATE_COIN, partition: 0, from: None };
    let mut reader = Arc::clone(log).reader(&[start]).unwrap();
    let mut count = 0;
    loop {
        let slices = reader.read(usize::MAX, Duration::from_millis(500)).unwrap();
        count += slices.iter().map(|slice| slice.records().count()).sum::<usize>();
        if reader.behind() == 0 {
            return count;
        }
    }
}

#[test]
fn what_heals_is_waited_for_and_what_does_not_is_said() {
    use rdkafka::error::RDKafkaErrorCode as Code;

    use crate::log::kafka::verdict_of;
    let of = |code| verdict_of(&KafkaError::MessageConsumption(code));
    assert_eq!(of(Code::AllBrokersDown), "Wait");
    assert_eq!(of(Code::BrokerTransportFailure), "Wait");
    assert_eq!(of(Code::CoordinatorLoadInProgress), "Wait");
    assert_eq!(of(Code::TopicAuthorizationFailed), "Stop");
    assert_eq!(of(Code::SaslAuthenticationFailed), "Stop");
    assert_eq!(of(Code::ProducerFenced), "Fenced");
    assert_eq!(of(Code::MessageSizeTooLarge), "Stop");
    assert_eq!(verdict_of(&KafkaError::AdminOp(Code::PolicyViolation)), "Stop", "as making topics says it");
}
