//! Letters in, facts or letters out: once, beside the tape, and no more often than is wanted.
#![allow(clippy::unwrap_used)]

mod feed;
mod node;

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{DeadLetter, GENERATION, Headers, Outbox, Topic, topics};

use super::{Became, Filed, Outcome, Redrive};
use crate::dead_letter::{Reject, bytes_of, dead_letter};

/// When the bytes of these tests were received.
const RECEIVED: i64 = 1_782_640_000_000;
const MOST: u32 = 3;

fn filed(offset: u64, source: &str, position: &str, bytes: &[u8], reject: &Reject) -> Filed {
    Filed { offset, letter: dead_letter(source, position, bytes, reject, RECEIVED), headers: Vec::new() }
}

fn not_a_block() -> Reject {
    Reject::Block { reason: "of an older parser".to_owned() }
}

/// A record as a test looks at it: partition, headers and value.
type Seen = (u32, BTreeMap<String, String>, String);

fn seen(out: &Outbox, topic: &Topic) -> Vec<Seen> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let batches = out.filled().filter(|(other, ..)| *other == topic);
    let records = batches.flat_map(|(_, partition, batch)| batch.records().map(move |record| (partition, record)));
    let headers = |headers: Headers<'_>| headers.iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
    records.map(|(partition, record)| (partition, headers(record.headers), text(record.value.unwrap()))).collect()
}

/// The letters in an outbox, as if they lay from this offset on.
fn letters(out: &Outbox, first: u64) -> Vec<Filed> {
    let batches = out.filled().filter(|(topic, ..)| *topic == &topics::DEAD_LETTERS);
    let letter = |(offset, record): (u64, schemas::Record<'_>)| Filed {
        offset,
        letter: serde_json::from_slice(record.value.unwrap()).unwrap(),
        headers: record.headers.0.to_vec(),
    };
    batches.flat_map(|(_, _, batch)| (first..).zip(batch.records()).map(letter).collect::<Vec<_>>()).collect()
}

/// The state as the next process finds it.
type State = BTreeMap<Vec<u8>, Vec<u8>>;

fn commit(out: &Outbox, state: &mut State) {
    for (_, _, batch) in out.filled().filter(|(topic, ..)| *topic == &topics::STATE_PARSER_NODE_FILLS) {
        for record in batch.records() {
            match record.value {
                Some(value) => drop(state.insert(record.key.to_vec(), value.to_vec())),
                None => drop(state.remove(record.key)),
            }
        }
    }
}

/// A process of its own takes one letter: what it says, and what it wrote.
fn take(filed: &Filed, state: &mut State) -> (Outcome, Outbox) {
    let mut out = Outbox::new(GENERATION);
    let outcome = Redrive::open(MOST, &*state).unwrap().take(filed, &mut out);
    commit(&out, state);
    (outcome, out)
}

fn why(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Known { why } | Outcome::Left { why } => why,
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn what_still_is_not_understood_is_filed_again_until_the_attempts_are_used_up() {
    let mut state = State::new();
    let mut letter = filed(0, "node-fills", "20260628/8:7", b"\xff\x00\xfe", &not_a_block());
    Headers::write(&mut letter.headers, "layout", b"node_fills_by_block");
    for attempt in 2..=MOST {
        let (outcome, out) = take(&letter, &mut state);
        assert!(matches!(outcome, Outcome::FiledAgain { .. }), "{outcome:?}");
        let [again] = letters(&out, letter.offset + 1).try_into().unwrap();
        let headers = Headers(&again.headers);
        assert_eq!(headers.get("redriven"), Some(letter.offset.to_string().as_bytes()));
        assert_eq!(headers.get("layout"), Some(b"node_fills_by_block".as_slice()));
        let reason = again.letter.reason.clone();
        assert!(reason.starts_with("not a block: "), "{reason}");
        assert_eq!(again.letter, DeadLetter { attempt, reason, ..letter.letter.clone() });
        assert_eq!(why(&take(&letter, &mut state).0), "it was filed again before, as a new letter");
        letter = again;
    }
    let (outcome, out) = take(&letter, &mut state);
    assert_eq!((why(&outcome), out.records()), ("this is attempt 3, and no more than 3 are made", 0));
}

#[test]
fn what_cannot_be_read_again_is_left_with_the_reason() {
    let cases = [
        ("meta", "reply", "asked for anew every minute"),
        ("fills", "2@17", "it is a record of `fills`"),
        ("elsewhere", "1", "\"elsewhere\""),
        ("public-feed", "1-2", "only the frame around it"),
    ];
    for (source, position, reason) in cases {
        let letter = filed(0, source, position, b"{}", &Reject::Context { reason: String::new() });
        let (outcome, out) = take(&letter, &mut State::new());
        assert!(why(&outcome).starts_with("cannot be redriven: ") && why(&outcome).contains(reason), "{outcome:?}");
        assert_eq!(out.records(), 0);
    }
}

#[test]
fn what_became_of_letters_that_are_not_kept_any_more_is_forgotten() {
    let mut state = State::new();
    for offset in 0..3 {
        take(&filed(offset, "node-fills", "20260628/8:7", b"?", &not_a_block()), &mut state);
    }
    let (mut redrive, mut out) = (Redrive::open(MOST, &state).unwrap(), Outbox::new(GENERATION));
    redrive.forget_before(2, &mut out);
    commit(&out, &mut state);
    assert_eq!(state.keys().collect::<Vec<_>>(), [b"redriven|2"]);
    assert_eq!((redrive.became(1), redrive.became(2)), (None, Some(&Became::FiledAgain)));
}

proptest! {
    /// Whatever bytes a letter holds: no panic, and the same bytes in the next one.
    #[test]
    fn arbitrary_bytes_stay_what_they_are(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0usize..4) {
        let (source, position, reject) = [
            ("node-fills", "20260628/8:7", not_a_block()),
            ("public-feed", "1-2", Reject::Frame { reason: String::new() }),
            ("public-feed", "1-2#0", Reject::Trade { reason: String::new() }),
            ("public-feed", "1-2#BTC", Reject::Context { reason: String::new() }),
        ][which].clone();
        let letter = filed(0, source, position, &bytes, &reject);
        let (outcome, out) = take(&letter, &mut State::new());
        prop_assert!(matches!(outcome, Outcome::FiledAgain { .. }), "{:?}", outcome);
        let again = letters(&out, 1);
        prop_assert_eq!(again.len(), 1);
        prop_assert_eq!(&*bytes_of(&again[0].letter).unwrap(), bytes.as_slice());
    }
}
