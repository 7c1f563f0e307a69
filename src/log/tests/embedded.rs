//! What the embedded log does beside: it forgets, keeps what readers need, and holds writers up.

use schemas::{GENERATION, Outbox, topics};

use super::{noise, time_of};
use crate::log::embedded::{Embedded, retention};
use crate::log::{Extent, Log, LogError, Slice};

fn open(folder: &tempfile::TempDir) -> Embedded {
    Embedded::open(&folder.path().join("log"), GENERATION).unwrap()
}

fn append(log: &Embedded, texts: &[&str]) {
    let mut out = Outbox::new(GENERATION);
    for text in texts {
        out.batch(&topics::FILLS, 1).push(time_of(text), b"BTC", Some(text.as_bytes()), b"");
    }
    log.commit("test", &out).unwrap();
}

fn texts(slice: &Slice) -> Vec<String> {
    super::texts(std::slice::from_ref(slice))
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
    let slice = log.read(&topics::POSITIONS, 0, 0, usize::MAX).unwrap();
    assert_eq!((texts(&slice), slice.next), (vec!["2".into()], 3));
    let slice = log.read(&topics::POSITIONS, 0, 3, usize::MAX).unwrap();
    assert_eq!((texts(&slice), slice.next), (vec!["4".into()], 4));
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
    let topic = &topics::LATE_EVENTS;
    log.needs("slow", topic, 0, 0);
    for seed in 0..20 {
        log.commit("test", &noise(topic, 0, seed)).unwrap();
    }
    // 64 MiB over four partitions: 16 MiB, of which half may be unread.
    assert!(log.is_held_up(topic, 0) && Log::is_any_held_up(&log, &[&topics::FILLS, topic]));
    assert!(!log.is_held_up(topic, 1) && !log.is_held_up(&topics::FILLS, 0), "who writes elsewhere goes on");
    assert_eq!(retention::forget(&log).unwrap(), 0, "nobody has read it yet");
    assert_eq!(log.read(topic, 0, 0, 1).unwrap().next, 1);
    log.needs("slow", topic, 0, 14);
    assert!(!log.is_held_up(topic, 0));
    log.takes_what_there_is("idle", topic, 0, 0);
    assert!(!log.is_held_up(topic, 0), "nobody waits for who takes what there is");
    assert_eq!(retention::forget(&log).unwrap(), 5, "down to 16 MiB with a little around them");
}
