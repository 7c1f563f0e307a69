//! What every log must do, tried on each: on the embedded one always, on Kafka where `FATHOM_KAFKA` names brokers.
#![allow(clippy::unwrap_used)]

mod embedded;
mod kafka;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use schemas::{GENERATION, Generation, Headers, Outbox, Topic, topics};

use super::embedded::Embedded;
use super::kafka::{Kafka, Settings};
use super::{Log, LogError, Reader, Slice, Start};
use crate::stop::Stop;

/// A log that can be opened again and again.
pub enum Place {
    Folder(tempfile::TempDir),
    Brokers(String, Generation),
}

impl Place {
    pub fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    /// Topics of its own for each test: a generation that nobody has.
    pub fn brokers() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let brokers = std::env::var("FATHOM_KAFKA").expect("FATHOM_KAFKA names the brokers");
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as u32;
        let number = (since % 1_000_000) * 1_000 + NEXT.fetch_add(1, Ordering::Relaxed);
        Self::Brokers(brokers, Generation { number, facts: number, ..GENERATION })
    }

    pub fn open(&self) -> Arc<dyn Log> {
        match self {
            Self::Folder(folder) => Arc::new(Embedded::open(&folder.path().join("log"), GENERATION).unwrap()),
            Self::Brokers(brokers, generation) => {
                Arc::new(Kafka::open(Settings::new(brokers, None).unwrap(), *generation, Stop::new()).unwrap())
            }
        }
    }
}

impl Place {
    /// Of the fills that the tests write; what is on a disk goes by its age.
    pub fn forget_before(&self, log: &Arc<dyn Log>, offset: u64) {
        if let Self::Brokers(brokers, generation) = self {
            kafka::delete_before(brokers, &generation.name(&topics::FILLS), offset);
        }
        log.keep_house().unwrap();
        assert_eq!(log.extent(&topics::FILLS, 1).unwrap().first, offset);
    }
}

/// Runs each of these on both logs.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_embedded {
            $(#[test] fn $name() { super::$name(&crate::log::tests::Place::folder()) })*
        }
        mod on_kafka {
            $(#[test] #[ignore = "needs Kafka: FATHOM_KAFKA"] fn $name() {
                super::$name(&crate::log::tests::Place::brokers())
            })*
        }
    };
}
pub(crate) use on_both;

on_both!(
    what_is_appended_is_read_in_order_from_any_offset_and_after_a_restart,
    a_record_comes_out_as_it_went_in,
    an_offset_is_found_by_time,
    the_last_value_of_each_key_stays_and_a_tombstone_takes_it_away,
    last_values_and_what_is_read_behind_them_meet_while_it_is_written,
    a_reader_that_is_ahead_of_the_log_is_told,
    who_may_pass_over_what_is_not_kept_reads_on_from_the_oldest,
    what_is_committed_after_the_end_was_told_is_known_to_be_there,
    one_who_waits_is_woken_by_a_commit,
    writers_of_one_partition_never_share_an_offset,
    every_record_is_read_once,
    what_is_done_is_known,
);

fn append(log: &Arc<dyn Log>, batches: &[&[&str]]) {
    let mut writer = Arc::clone(log).writer("test.0").unwrap();
    for texts in batches {
        writer.commit(&outbox(log, texts)).unwrap();
    }
}

fn outbox(log: &Arc<dyn Log>, texts: &[&str]) -> Outbox {
    let mut out = Outbox::new(log.generation());
    for text in texts {
        out.batch(&topics::FILLS, 1).push(time_of(text), b"BTC", Some(text.as_bytes()), b"");
    }
    out
}

/// A record of one MiB that no compression makes smaller.
pub fn noise(topic: &'static Topic, partition: u32, seed: u64) -> Outbox {
    let mut out = Outbox::new(GENERATION);
    out.batch(topic, partition).push(0, b"", Some(&incompressible(1024 * 1024, seed)), b"");
    out
}

/// Bytes in which no pattern is found.
fn incompressible(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let random = std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    random.take(bytes).collect()
}

/// `"7"` happened at 7 seconds.
fn time_of(text: &str) -> i64 {
    text.parse::<i64>().unwrap_or_default() * 1000
}

fn texts(slices: &[Slice]) -> Vec<String> {
    let records = slices.iter().flat_map(Slice::records);
    records.map(|(_, record)| String::from_utf8(record.value.unwrap().to_vec()).unwrap()).collect()
}

/// Everything from an offset on, so many records of it.
fn read(log: &Arc<dyn Log>, from: Option<u64>, count: usize) -> Vec<(u64, String)> {
    let mut reader = Arc::clone(log).reader(&[start(from)]).unwrap();
    let mut read = Vec::new();
    let began = Instant::now();
    while read.len() < count {
        assert!(began.elapsed() < Duration::from_secs(30), "{read:?} of {count}");
        for slice in reader.read(usize::MAX, Duration::from_millis(100)).unwrap() {
            let records = slice.records();
            read.extend(records.map(|(at, it)| (at, String::from_utf8(it.value.unwrap().to_vec()).unwrap())));
        }
    }
    read
}

fn start(from: Option<u64>) -> Start {
    Start { topic: &topics::FILLS, partition: 1, from }
}

fn only_texts(read: Vec<(u64, String)>) -> Vec<String> {
    read.into_iter().map(|(_, text)| text).collect()
}

fn what_is_appended_is_read_in_order_from_any_offset_and_after_a_restart(place: &Place) {
    append(&place.open(), &[&["1", "2", "3"], &["4", "5"]]);
    let log = place.open();
    let all = read(&log, None, 5);
    assert_eq!(only_texts(all.clone()), ["1", "2", "3", "4", "5"]);
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0), "{all:?}");
    for (at, (offset, _)) in all.iter().enumerate() {
        assert_eq!(read(&log, Some(*offset), 5 - at), all[at..], "from the offset of each");
    }
    let behind_the_last = all[4].0 + 1;
    append(&log, &[&["6"]]);
    assert_eq!(only_texts(read(&log, Some(behind_the_last), 1)), ["6"]);
}

fn a_record_comes_out_as_it_went_in(place: &Place) {
    let log = place.open();
    let (mut out, mut headers) = (Outbox::new(log.generation()), Vec::new());
    Headers::write(&mut headers, "kind", b"fill");
    Headers::write(&mut headers, "received", b"\xff\x00");
    out.batch(&topics::POSITIONS, 3).push(-5, b"key", Some(b"\x00value\xff"), &headers);
    out.batch(&topics::POSITIONS, 3).push(i64::MAX, b"", None, b"");
    Arc::clone(&log).writer("test.0").unwrap().commit(&out).unwrap();
    let from = Start { topic: &topics::POSITIONS, partition: 3, from: None };
    let mut reader = log.reader(&[from]).unwrap();
    let slices = first(|| reader.read(usize::MAX, Duration::from_secs(5)).unwrap());
    let records: Vec<_> = slices[0].records().map(|(_, record)| record).collect();
    assert_eq!((records[0].time, records[0].key, records[0].value), (-5, &b"key"[..], Some(&b"\x00value\xff"[..])));
    assert_eq!(records[0].headers, Headers(&headers));
    assert_eq!((records[1].time, records[1].key, records[1].value), (i64::MAX, &b""[..], None));
}

/// The first reading that brings something.
fn first(mut read: impl FnMut() -> Vec<Slice>) -> Vec<Slice> {
    let began = Instant::now();
    loop {
        let slices = read();
        if !slices.is_empty() {
            return slices;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "nothing came");
    }
}

fn an_offset_is_found_by_time(place: &Place) {
    let log = place.open();
    append(&log, &[&["1", "2", "3"], &["4"], &["6", "8"], &["9", "10", "11"]]);
    let all = read(&log, None, 9);
    for second in 0..=11 {
        let found = Arc::clone(&log).offset_at(&topics::FILLS, 1, second * 1000).unwrap();
        let rest: Vec<_> = all.iter().filter(|(offset, _)| *offset >= found).map(|(_, text)| text.clone()).collect();
        let wanted: Vec<_> =
            all.iter().map(|(_, text)| text.clone()).filter(|it| time_of(it) >= second * 1000).collect();
        assert_eq!(rest, wanted, "{second} s");
    }
    let behind = Arc::clone(&log).offset_at(&topics::FILLS, 1, 12_000).unwrap();
    assert!(behind > all[8].0, "{behind}");
}

fn the_last_value_of_each_key_stays_and_a_tombstone_takes_it_away(place: &Place) {
    let log = place.open();
    let mut writer = Arc::clone(&log).writer("test.0").unwrap();
    let mut put = |entries: &[(&str, Option<&str>)]| {
        let mut out = Outbox::new(log.generation());
        for (key, value) in entries {
            out.batch(&topics::STATE_COIN, 2).push(0, key.as_bytes(), value.map(str::as_bytes), b"");
        }
        writer.commit(&out).unwrap();
    };
    put(&[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))]);
    put(&[("b", None), ("c", Some("1")), ("d", Some("1")), ("d", None)]);
    let mut values = BTreeMap::new();
    let seam = log
        .last_values(&topics::STATE_COIN, 2, &mut |key, value| drop(values.insert(key.to_vec(), value.to_vec())))
        .unwrap();
    assert_eq!(seam.count, 2);
    assert_eq!(values, BTreeMap::from([(b"a".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"1".to_vec())]));
    assert_eq!(log.last_value(&topics::STATE_COIN, 2, b"a").unwrap().as_deref(), Some(b"2".as_slice()));
    assert_eq!(log.last_value(&topics::STATE_COIN, 1, b"a").unwrap(), None, "partitions are apart");
}

/// Numbers go round three keys, one after the other.
fn last_values_and_what_is_read_behind_them_meet_while_it_is_written(place: &Place) {
    const NUMBERS: u32 = 300;
    let log = place.open();
    let mut writer = Arc::clone(&log).writer("test.0").unwrap();
    let generation = log.generation();
    let writing = std::thread::spawn(move || {
        for number in 0..NUMBERS {
            let mut out = Outbox::new(generation);
            let (key, value) = ((number % 3).to_be_bytes(), number.to_be_bytes());
            out.batch(&topics::POSITIONS, 1).push(0, &key, Some(&value), b"");
            writer.commit(&out).unwrap();
        }
    });
    let mut written = 0;
    while written < NUMBERS {
        let mut values = Vec::new();
        let seam = log.last_values(&topics::POSITIONS, 1, &mut |_, value| values.push(number_of(value))).unwrap();
        values.sort_unstable();
        written = values.last().map_or(0, |last| last + 1);
        assert_eq!(values, (written.saturating_sub(3)..written).collect::<Vec<_>>());
        let behind = Start { topic: &topics::POSITIONS, partition: 1, from: Some(seam.next) };
        let slices = Arc::clone(&log).reader(&[behind]).unwrap().read(1, Duration::from_millis(20)).unwrap();
        if let Some((_, first)) = slices.iter().flat_map(|slice| slice.records()).next() {
            assert_eq!(number_of(first.value.unwrap()), written, "neither twice nor left out");
        }
    }
    writing.join().unwrap();
}

fn number_of(value: &[u8]) -> u32 {
    u32::from_be_bytes(value.try_into().unwrap())
}

fn a_reader_that_is_ahead_of_the_log_is_told(place: &Place) {
    let log = place.open();
    append(&log, &[&["1"]]);
    let mut reader = log.reader(&[start(Some(1_000))]).unwrap();
    let began = Instant::now();
    let error = loop {
        match reader.read(1, Duration::from_millis(100)) {
            Ok(_) => assert!(began.elapsed() < Duration::from_secs(30), "never told"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::Ahead { from: 1_000, .. }), "{error}");
}

fn who_may_pass_over_what_is_not_kept_reads_on_from_the_oldest(place: &Place) {
    let log = place.open();
    append(&log, &[&["1"], &["2"], &["1000000"]]);
    let kept = read(&log, None, 3)[2].0;
    place.forget_before(&log, kept);
    let mut reader = Arc::clone(&log).reader(&[start(Some(0))]).unwrap();
    reader.may_pass_over(0);
    let slices = first(|| reader.read(usize::MAX, Duration::from_secs(1)).unwrap());
    assert_eq!((slices[0].from, texts(&slices)), (kept, vec!["1000000".to_owned()]));
    append(&log, &[&["1000001"]]);
    assert_eq!(texts(&first(|| reader.read(usize::MAX, Duration::from_secs(1)).unwrap())), ["1000001"]);
}

fn what_is_committed_after_the_end_was_told_is_known_to_be_there(place: &Place) {
    let log = place.open();
    append(&log, &[&["1"]]);
    let mut reader = Arc::clone(&log).reader(&[start(None)]).unwrap();
    let mut next = read_to_the_end_of(reader.as_mut());
    assert!(reader.end(0).unwrap().unwrap() <= next, "nothing is left");
    append(&log, &[&["2"], &["3"]]);
    // After a reading that brings nothing of it.
    reader.read_of(&|_| false, 1, Duration::ZERO).unwrap();
    let end = reader.end(0).unwrap().unwrap();
    assert!(end > next, "{end}");
    // A broker may show the second commit after the first one.
    let mut told = Vec::new();
    while told.len() < 2 || reader.end(0).unwrap().unwrap() > next {
        let slices = first(|| reader.read(usize::MAX, Duration::from_secs(1)).unwrap());
        next = slices[0].next;
        told.extend(texts(&slices));
    }
    assert_eq!(told, ["2", "3"], "and nothing is left");
}

/// The next offset then.
fn read_to_the_end_of(reader: &mut dyn Reader) -> u64 {
    let (mut next, began) = (0, Instant::now());
    while !reader.is_at_the_end(0) {
        assert!(began.elapsed() < Duration::from_secs(30), "no end after {next}");
        let slices = reader.read(usize::MAX, Duration::from_millis(100)).unwrap();
        next = slices.last().map_or(next, |slice| slice.next);
    }
    next
}

fn one_who_waits_is_woken_by_a_commit(place: &Place) {
    let log = place.open();
    let mut reader = Arc::clone(&log).reader(&[start(None)]).unwrap();
    assert!(reader.read(usize::MAX, Duration::ZERO).unwrap().is_empty());
    let waiting = std::thread::spawn(move || {
        let slices = reader.read(usize::MAX, Duration::from_secs(60)).unwrap();
        (texts(&slices), Instant::now())
    });
    append(&log, &[&["1"]]);
    let committed = Instant::now();
    let (read, woken) = waiting.join().unwrap();
    assert_eq!(read, ["1"]);
    let took = woken.saturating_duration_since(committed);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn writers_of_one_partition_never_share_an_offset(place: &Place) {
    let log = place.open();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let log = &log;
            scope.spawn(move || {
                let mut writer = Arc::clone(log).writer(&format!("test.{number}")).unwrap();
                (0..50).for_each(|_| writer.commit(&outbox(log, &["1", "2"])).unwrap());
            });
        }
    });
    let mut offsets: Vec<u64> = read(&log, None, 400).into_iter().map(|(offset, _)| offset).collect();
    offsets.dedup();
    assert_eq!(offsets.len(), 400);
    assert!(log.extent(&topics::FILLS, 1).unwrap().next > offsets[399]);
}

fn what_is_done_is_known(place: &Place) {
    let log = place.open();
    append(&log, &[&["1", "2"]]);
    log.done("coin", &topics::FILLS, 1, 2);
    assert_eq!(log.progress("coin", &topics::FILLS, 1).unwrap(), Some(2));
    assert_eq!(log.progress("coin", &topics::FILLS, 2).unwrap(), None);
}

/// Whatever sizes the batches have, reading from anywhere in pieces of any size gives every record once.
fn every_record_is_read_once(place: &Place) {
    let log = place.open();
    let cases = if matches!(place, Place::Folder(_)) { 48 } else { 12 };
    let strategy = (prop::collection::vec(1usize..9, 1..8), 0usize..30, 1usize..400);
    let mut written: Vec<String> = Vec::new();
    let mut runner =
        TestRunner::new(Config { max_shrink_iters: 0, failure_persistence: None, ..Config::with_cases(cases) });
    let written = std::cell::RefCell::new(&mut written);
    let check = |(sizes, from, max_bytes): (Vec<usize>, usize, usize)| {
        let mut written = written.borrow_mut();
        for size in sizes {
            let batch: Vec<String> = (0..size).map(|at| (written.len() + at).to_string()).collect();
            append(&log, &[&batch.iter().map(String::as_str).collect::<Vec<_>>()]);
            written.extend(batch);
        }
        let all = read(&log, None, written.len());
        let from = from.min(all.len() - 1);
        let seen = in_pieces(&log, all[from].0, max_bytes, all.len() - from);
        prop_assert_eq!(&seen[..], &written[from..]);
        Ok(())
    };
    runner.run(&strategy, check).unwrap();
}

fn in_pieces(log: &Arc<dyn Log>, mut next: u64, max_bytes: usize, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < count {
        // A new reader for each piece: it goes on where the one before says that it ended.
        let mut reader = Arc::clone(log).reader(&[start(Some(next))]).unwrap();
        for slice in first(|| reader.read(max_bytes, Duration::from_secs(5)).unwrap()) {
            assert_eq!(slice.from, next);
            next = slice.next;
            seen.extend(texts(&[slice]));
        }
    }
    seen
}
