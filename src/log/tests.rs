//! What every log must do. Each promise is tried on the embedded one.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use schemas::{GENERATION, Outbox, Record, topics};

use super::{Extent, Log, LogError, retention};

fn open(folder: &tempfile::TempDir) -> Log {
    Log::open(&folder.path().join("log"), GENERATION).unwrap()
}

fn append(log: &Log, texts: &[&str]) {
    let mut out = Outbox::new(GENERATION);
    for text in texts {
        out.batch(&topics::FILLS, 1).push(time_of(text), b"BTC", Some(text.as_bytes()), b"");
    }
    log.commit("test", &out).unwrap();
}

/// `"7"` happened at 7 seconds.
fn time_of(text: &str) -> i64 {
    text.parse::<i64>().unwrap_or_default() * 1000
}

fn texts(records: impl Iterator<Item = Record<'static>>) -> Vec<String> {
    records.map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap()).collect()
}

fn read(log: &Log, from: u64, max_bytes: usize) -> (Vec<String>, u64) {
    let slice = Box::leak(Box::new(log.read(&topics::FILLS, 1, from, max_bytes).unwrap()));
    (texts(slice.records()), slice.next)
}

#[test]
fn what_is_appended_is_read_in_order_from_any_offset_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    {
        let log = open(&folder);
        append(&log, &["1", "2", "3"]);
        append(&log, &["4", "5"]);
    }
    let log = open(&folder);
    assert_eq!(read(&log, 0, usize::MAX), (vec!["1".into(), "2".into(), "3".into(), "4".into(), "5".into()], 5));
    assert_eq!(read(&log, 1, 1), (vec!["2".into(), "3".into()], 3), "from the middle of a batch, one batch");
    assert_eq!(read(&log, 4, usize::MAX), (vec!["5".into()], 5));
    assert_eq!(read(&log, 5, usize::MAX), (vec![], 5));
    append(&log, &["6"]);
    assert_eq!(read(&log, 5, usize::MAX), (vec!["6".into()], 6));
}

#[test]
fn an_offset_is_found_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    for batch in [&["1", "2", "3"][..], &["4"], &["6", "8"], &["9", "10", "11"]] {
        append(&log, batch);
    }
    for (second, offset) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (9, 6), (11, 8), (12, 9)] {
        assert_eq!(log.offset_at(&topics::FILLS, 1, second * 1000).unwrap(), offset, "{second} s");
    }
}

#[test]
fn the_last_value_of_each_key_stays_and_a_tombstone_takes_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    let put = |entries: &[(&str, Option<&str>)]| {
        let mut out = Outbox::new(GENERATION);
        for (key, value) in entries {
            out.batch(&topics::STATE_COIN, 2).push(0, key.as_bytes(), value.map(str::as_bytes), b"");
        }
        log.commit("test", &out).unwrap();
    };
    put(&[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))]);
    put(&[("b", None), ("c", Some("1")), ("d", Some("1")), ("d", None)]);
    let mut values = BTreeMap::new();
    log.last_values(&topics::STATE_COIN, 2, |key, value| drop(values.insert(key.to_vec(), value.to_vec()))).unwrap();
    assert_eq!(values, BTreeMap::from([(b"a".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"1".to_vec())]));
    assert_eq!(log.last_value(&topics::STATE_COIN, 2, b"a").unwrap().as_deref(), Some(b"2".as_slice()));
    assert_eq!(log.last_value(&topics::STATE_COIN, 1, b"a").unwrap(), None, "partitions are apart");
}

#[test]
fn a_compacted_topic_can_be_read_from_the_start_after_its_old_records_went() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    for value in ["1", "2", "3", "4"] {
        let mut out = Outbox::new(GENERATION);
        let key = if value == "2" { "other" } else { "same" };
        out.batch(&topics::POSITIONS, 0).push(time_of(value), key.as_bytes(), Some(value.as_bytes()), b"");
        log.commit("test", &out).unwrap();
    }
    assert_eq!(log.remove_oldest(&topics::POSITIONS, 0, |_, last_time| last_time < 4000).unwrap(), 3);
    let slice = Box::leak(Box::new(log.read(&topics::POSITIONS, 0, 0, usize::MAX).unwrap()));
    assert_eq!((texts(slice.records()), slice.next), (vec!["2".into()], 3));
    let slice = Box::leak(Box::new(log.read(&topics::POSITIONS, 0, 3, usize::MAX).unwrap()));
    assert_eq!((texts(slice.records()), slice.next), (vec!["4".into()], 4));
}

#[test]
fn what_is_too_old_or_too_much_goes_and_a_reader_who_is_too_late_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    let week = (200 * 3600).to_string();
    append(&log, &["1", "2"]);
    append(&log, &["3"]);
    append(&log, &[&week]);
    assert_eq!(retention::forget(&log).unwrap(), 3);
    let Extent { first, next, .. } = log.extent(&topics::FILLS, 1);
    assert_eq!((first, next), (3, 4));
    let error = log.read(&topics::FILLS, 1, 2, 1).unwrap_err();
    assert!(matches!(error, LogError::OutOfRange { from: 2, first: 3, .. }), "{error}");
    append(&log, &[&week]);
    log.remove_oldest(&topics::FILLS, 1, |extent, _| extent.bytes > 0).unwrap();
    assert_eq!(log.extent(&topics::FILLS, 1).first, 4, "the last batch is never taken");
    drop(log);
    let extent = open(&folder).extent(&topics::FILLS, 1);
    assert_eq!((extent.first, extent.next), (4, 5), "and a restart does not bring them back");
}

#[test]
fn what_a_reader_needs_stays_and_holds_the_writer_up() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    let noise = |seed: u64| -> Vec<u8> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(1024 * 1024)
        .collect()
    };
    let topic = &topics::LATE_EVENTS;
    log.needs("slow", topic, 0, 0);
    for seed in 0..20 {
        let mut out = Outbox::new(GENERATION);
        out.batch(topic, 0).push(0, b"", Some(&noise(seed)), b"");
        log.commit("test", &out).unwrap();
    }
    // 64 MiB over four partitions: 16 MiB, of which half may be unread.
    assert!(log.is_held_up(&[topic]) && !log.is_held_up(&[&topics::FILLS]));
    assert_eq!(retention::forget(&log).unwrap(), 0, "nobody has read it yet");
    assert_eq!(log.read(topic, 0, 0, 1).unwrap().next, 1);
    log.needs("slow", topic, 0, 14);
    assert!(!log.is_held_up(&[topic]));
    assert_eq!(retention::forget(&log).unwrap(), 5, "down to 16 MiB with a little around them");
}

#[test]
fn a_reader_that_is_ahead_of_the_log_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    append(&log, &["1"]);
    let error = log.read(&topics::FILLS, 1, 2, 1).unwrap_err();
    assert!(matches!(error, LogError::Ahead { from: 2, next: 1, .. }), "{error}");
}

#[test]
fn one_who_waits_is_woken_by_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(open(&folder));
    let seen = log.commits();
    let waiting = Arc::clone(&log);
    let reader = std::thread::spawn(move || {
        waiting.wait(seen, Duration::from_secs(60));
        read(&waiting, 0, usize::MAX).1
    });
    append(&log, &["1"]);
    assert_eq!(reader.join().unwrap(), 1);
}

#[test]
fn writers_of_one_partition_never_share_an_offset() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| append(&log, &["1", "2"])));
        }
    });
    assert_eq!(read(&log, 0, usize::MAX).0.len(), 400);
    assert_eq!(log.extent(&topics::FILLS, 1).next, 400);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever sizes the batches have, reading from anywhere in pieces of any size gives every record once.
    #[test]
    fn every_record_is_read_once(sizes in prop::collection::vec(1usize..9, 1..12), from in 0u64..40, max_bytes in 1usize..400) {
        let folder = tempfile::tempdir().unwrap();
        let log = open(&folder);
        let mut written = Vec::new();
        for size in sizes {
            let texts: Vec<String> = (0..size).map(|at| (written.len() + at).to_string()).collect();
            append(&log, &texts.iter().map(String::as_str).collect::<Vec<_>>());
            written.extend(texts);
        }
        let mut next = from.min(written.len() as u64);
        let mut seen = Vec::new();
        loop {
            let (texts, after) = read(&log, next, max_bytes);
            if after == next { break; }
            prop_assert_eq!(texts.len() as u64, after - next);
            seen.extend(texts);
            next = after;
        }
        prop_assert_eq!(&seen[..], &written[from.min(written.len() as u64) as usize..]);
    }
}
