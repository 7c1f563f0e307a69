//! A tape with holes, and what was found of it later in whatever order: put in order it is the tape that there would have
//! been, however often that is broken off.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use schemas::{Batch, Clock, GENERATION, Gap, Headers, Outbox, Topic, kind, topics};

use super::{Upstream, mark, run};
use crate::log::embedded::Embedded;
use crate::log::{Log, Start, read_to_the_end};
use crate::run::Shared;
use crate::stop::Stop;

const SHARE: u32 = 1;
const BLOCK_MS: i64 = 70;
const BEGAN_MS: i64 = 1_782_633_600_000;

/// Which blocks the tape has, from its first one on, and in which pieces the others were found.
#[derive(Debug, Clone)]
struct Case {
    first: u64,
    tape: BTreeSet<u64>,
    found: Vec<Vec<u64>>,
    /// Fills that the tape set aside: block and index.
    redriven: BTreeSet<(u64, u32)>,
    /// After so many milliseconds it is broken off.
    broken: Vec<u64>,
}

fn case() -> impl Strategy<Value = Case> {
    let kinds = proptest::collection::vec(0..10_u8, 5..60);
    let order = proptest::collection::vec(any::<u32>(), 60);
    let broken = proptest::collection::vec(0..6_u64, 0..4);
    (kinds, order, 1..4_u64, broken, 0..20_usize).prop_map(|(kinds, order, first, broken, begins)| {
        let begins = begins.min(kinds.len() - 1);
        let (mut tape, mut pieces, mut redriven) = (BTreeSet::new(), Vec::<Vec<u64>>::new(), BTreeSet::new());
        for (place, kind) in kinds.iter().enumerate() {
            let block = first + place as u64;
            match kind {
                // What is before the tape, and what is missing in it, was found or was not.
                0 => {}
                1..=3 => push(&mut pieces, block),
                _ if place < begins => push(&mut pieces, block),
                9 => drop((tape.insert(block), redriven.insert((block, 1)))),
                _ => drop(tape.insert(block)),
            }
        }
        // There is a tape, and nothing is found of what it has not come to.
        let end = first + kinds.len() as u64;
        tape.insert(end);
        let mut found: Vec<(u32, Vec<u64>)> = order.into_iter().zip(pieces).collect();
        found.sort();
        Case { first, tape, found: found.into_iter().map(|(_, piece)| piece).collect(), redriven, broken }
    })
}

/// Blocks that follow each other are found together.
fn push(pieces: &mut Vec<Vec<u64>>, block: u64) {
    match pieces.last_mut() {
        Some(piece) if piece.last() == Some(&(block - 1)) => piece.push(block),
        _ => pieces.push(vec![block]),
    }
}

#[test]
fn what_was_found_later_stands_where_it_belongs() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60_u32).min(300);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&case(), |case| {
            let folder = tempfile::tempdir().unwrap();
            let log: Arc<dyn Log> = Arc::new(Embedded::open(folder.path(), GENERATION).unwrap());
            write(&log, &case);
            let rebuilt = log.of_generation(2).unwrap();
            for after in &case.broken {
                put_in_order(&rebuilt, Some(Duration::from_millis(*after)));
            }
            put_in_order(&rebuilt, None);
            prop_assert_eq!(told(&rebuilt), expected(&case));
            prop_assert!(mark(rebuilt.as_ref(), SHARE).unwrap().unwrap().is_merged);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_comes_after_it_is_taken_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(Embedded::open(folder.path(), GENERATION).unwrap());
    let found = vec![vec![3, 4]];
    let case = Case { first: 1, tape: [1, 2, 6].into(), found, redriven: BTreeSet::new(), broken: Vec::new() };
    write(&log, &case);
    let rebuilt = log.of_generation(2).unwrap();
    put_in_order(&rebuilt, None);
    let before = expected(&case);
    assert_eq!(told(&rebuilt), before);
    assert!(before.contains(&"gap 5-5".to_owned()), "{before:?}");
    // The hole that is left is filled when the tape was put in order already: that is for the next generation.
    let mut out = Outbox::new(GENERATION);
    block(out.batch(&topics::FILLS_HISTORY, SHARE), 5, &[0, 1, 2]);
    block(out.batch(&topics::FILLS, SHARE), 7, &[0, 1, 2]);
    Arc::clone(&log).writer("test").unwrap().commit(&out).unwrap();
    put_in_order(&rebuilt, None);
    let after = told(&rebuilt);
    assert_eq!(after[..before.len()], before);
    assert_eq!(after[before.len()..], ["7.0", "7.1", "7.2", "clock 7"]);
    let third = log.of_generation(3).unwrap();
    put_in_order(&third, None);
    assert!(!told(&third).iter().any(|said| said.starts_with("gap")), "{:?}", told(&third));
}

fn write(log: &Arc<dyn Log>, case: &Case) {
    let mut out = Outbox::new(GENERATION);
    let mut last = 0;
    for &number in &case.tape {
        let tape = out.batch(&topics::FILLS, SHARE);
        if number > last + 1 {
            hole(tape, last + 1, number - 1);
        }
        let indexes: Vec<u32> = (0..3).filter(|index| !case.redriven.contains(&(number, *index))).collect();
        block(tape, number, &indexes);
        last = number;
    }
    for (nth, piece) in case.found.iter().enumerate() {
        let history = out.batch(&topics::FILLS_HISTORY, SHARE);
        if nth % 2 == 0 && piece[0] > 1 {
            // An import says what it knows nothing of.
            hole(history, 1, piece[0] - 1);
        }
        piece.iter().for_each(|number| block(history, *number, &[0, 1, 2]));
    }
    for (number, index) in &case.redriven {
        fill(out.batch(&topics::FILLS_HISTORY, SHARE), *number, *index);
    }
    Arc::clone(log).writer("test").unwrap().commit(&out).unwrap();
}

fn block(batch: &mut Batch, number: u64, indexes: &[u32]) {
    indexes.iter().for_each(|index| fill(batch, number, *index));
    let clock = Clock { time: time(number), block: number };
    batch.push(clock.time, b"", Some(&serde_json::to_vec(&clock).unwrap()), &headers(kind::CLOCK));
}

fn fill(batch: &mut Batch, block: u64, index: u32) {
    let value = serde_json::json!({ "block": block, "index": index, "time": time(block), "coin": "BTC" });
    batch.push(time(block), b"BTC", Some(value.to_string().as_bytes()), &headers(kind::FILL));
}

fn hole(batch: &mut Batch, from_block: u64, to_block: u64) {
    let gap = Gap { from_block, to_block, from_time: time(from_block - 1), to_time: time(to_block + 1) };
    batch.push(gap.to_time, b"", Some(&serde_json::to_vec(&gap).unwrap()), &headers(kind::GAP));
}

fn headers(kind: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind);
    headers
}

fn time(block: u64) -> i64 {
    BEGAN_MS + i64::try_from(block).unwrap() * BLOCK_MS
}

/// Until everything is in order, or for so long.
fn put_in_order(rebuilt: &Arc<dyn Log>, broken_after: Option<Duration>) {
    let shared = Shared { chunk_bytes: 300, ..Shared::new(Arc::clone(rebuilt), Stop::new(), broken_after.is_none()) };
    let ours = shared.clone();
    let working = std::thread::spawn(move || run(&ours, &Upstream::default()));
    match broken_after {
        Some(after) => {
            let began = Instant::now();
            while began.elapsed() < after {
                std::thread::yield_now();
            }
            shared.stop.ask();
        }
        None => shared.stop.finish(),
    }
    working.join().unwrap().unwrap();
}

/// What stands on the tape, one record after the other.
fn told(log: &Arc<dyn Log>) -> Vec<String> {
    let topic: &'static Topic = &topics::FILLS;
    let mut told = Vec::new();
    read_to_the_end::<crate::failure::Failure>(log, Start { topic, partition: SHARE, from: Some(0) }, |_, record| {
        let value: serde_json::Value = serde_json::from_slice(record.value.unwrap()).unwrap();
        told.push(match record.headers.get(kind::HEADER).unwrap() {
            kind::CLOCK => format!("clock {}", value["block"]),
            kind::GAP => format!("gap {}-{}", value["from_block"], value["to_block"]),
            _ => format!("{}.{}", value["block"], value["index"]),
        });
        Ok(true)
    })
    .unwrap();
    told
}

/// By what is known of each block, and nothing else.
fn expected(case: &Case) -> Vec<String> {
    let known: BTreeMap<u64, ()> = case.found.iter().flatten().chain(&case.tape).map(|number| (*number, ())).collect();
    let (mut expected, mut last) = (Vec::new(), 0);
    for number in known.into_keys() {
        if number > last + 1 {
            expected.push(format!("gap {}-{}", last + 1, number - 1));
        }
        expected.extend((0..3).map(|index| format!("{number}.{index}")));
        expected.push(format!("clock {number}"));
        last = number;
    }
    assert!(case.first > 0);
    expected
}
