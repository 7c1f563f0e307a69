//! Letters of node files.

use schemas::{Cursor, Fill, GENERATION, Gap, Headers, OpenGap, Outbox, topics};

use super::{Filed, MOST, Outcome, RECEIVED, State, filed, letters, not_a_block, seen, take, why};
use crate::dead_letter::Reject;
use crate::{Layout, Line, Redrive, take_line};

const TIME: i64 = 1_782_636_233_000;

fn fill(coin: &str, size: &str) -> String {
    format!(
        r#"["0x5ef843ccf26810073ee689a954f6d05f5b48fccb",{{"coin":"{coin}","px":"10.0","sz":"{size}","side":"B","time":{TIME},"startPosition":"0.0","dir":"Open Long","closedPnl":"0.0","hash":"0x{:064x}","oid":1,"crossed":true,"fee":"0.0","tid":2,"feeToken":"USDC","new":[1.50]}}]"#,
        7
    )
}

fn block(number: u64, fills: &[String]) -> String {
    format!(
        r#"{{"local_time":"2026-06-28T08:43:53.687645997","block_time":"2026-06-28T08:43:53.000000001","block_number":{number},"events":[{}]}}"#,
        fills.join(",")
    )
}

fn letter(offset: u64, bytes: &str) -> Filed {
    filed(offset, "node-fills", "20260628/8:7", bytes.as_bytes(), &not_a_block())
}

/// A tape that has come to block 9 without the blocks 5 and 6.
fn tape() -> State {
    let gap = Gap { from_block: 5, to_block: 6, from_time: TIME - 500, to_time: TIME + 500 };
    let open_gaps = vec![OpenGap { gap, left: vec![(5, 6)] }];
    let cursor = Cursor {
        generation: 1,
        first_block: 1,
        first_time: TIME - 1_000,
        block: 9,
        time: TIME + 1_000,
        open_gaps,
        ..Cursor::default()
    };
    State::from([(Cursor::KEY.to_vec(), serde_json::to_vec(&cursor).unwrap())])
}

fn kinds(out: &Outbox) -> Vec<String> {
    let mut kinds: Vec<String> = seen(out, &topics::FILLS_HISTORY)
        .into_iter()
        .map(|(_, mut headers, _)| headers.remove("kind").unwrap())
        .collect();
    kinds.sort();
    kinds
}

#[test]
fn a_missing_block_goes_beside_the_tape_and_says_of_which_letter_it_is() {
    let (outcome, out) = take(&letter(17, &block(5, &[fill("BTC", "1.0"), fill("ETH", "2.0")])), &mut tape());
    assert_eq!(outcome, Outcome::Redriven { facts: 2 });
    assert_eq!(kinds(&out), ["clock", "clock", "clock", "clock", "fill", "fill"]);
    for (_, headers, value) in seen(&out, &topics::FILLS_HISTORY) {
        let of = |name: &str| headers[name].as_str();
        assert_eq!((of("redriven"), of("source"), of("block")), ("17", "20260628/8:7", "5"), "{value}");
    }
    let topics: Vec<&str> = out.filled().map(|(topic, ..)| topic.name).collect();
    assert!(topics.iter().all(|topic| ["fills-history", "state.parser.node-fills"].contains(topic)), "{topics:?}");
    let facts = seen(&out, &topics::FILLS_HISTORY).into_iter().filter(|(_, headers, _)| headers["kind"] == "fill");
    let facts: Vec<Fill> = facts.map(|(.., fact)| serde_json::from_str(&fact).unwrap()).collect();
    let mut ids: Vec<_> = facts.iter().map(|fill| (fill.block, fill.index, fill.coin.as_str())).collect();
    ids.sort_unstable();
    assert_eq!(ids, [(5, 0, "BTC"), (5, 1, "ETH")]);
}

#[test]
fn a_letter_is_redriven_once_and_a_block_from_one_letter() {
    let mut state = tape();
    let line = block(5, &[fill("BTC", "1.0")]);
    assert_eq!(take(&letter(0, &line), &mut state).0, Outcome::Redriven { facts: 1 });
    let (outcome, out) = take(&letter(0, &line), &mut state);
    assert_eq!((why(&outcome), out.records()), ("it was redriven before", 0));
    let (outcome, out) = take(&letter(1, &line), &mut state);
    assert_eq!((why(&outcome), kinds(&out).len()), ("block 5 was taken, from another line", 0));
    let (outcome, out) = take(&letter(1, &line), &mut state);
    assert_eq!((why(&outcome), out.records()), ("what it says was found to be known before", 0));
}

#[test]
fn only_what_is_missing_is_taken() {
    let standings = [(4, "block 4 was taken, from another line"), (10, "block 10 is ahead: the tape ends before it")];
    for (number, reason) in standings {
        let (outcome, out) = take(&letter(0, &block(number, &[fill("BTC", "1.0")])), &mut tape());
        assert_eq!((why(&outcome), kinds(&out).len()), (reason, 0));
    }
    let (outcome, _) = take(&letter(0, &block(1_000_000, &[])), &mut tape());
    let reason = "block 1000000 is further after block 9 than blocks can come in that time".to_owned();
    assert_eq!(outcome, Outcome::FiledAgain { reason });
    assert_eq!(take(&letter(0, &block(1, &[])), &mut State::new()).0, Outcome::Redriven { facts: 0 });
}

#[test]
fn what_imports_have_brought_is_not_missing() {
    let import = |history: serde_json::Value, covered: serde_json::Value| {
        let progress = serde_json::json!({ "plan": 1, "reached": 0, "places": {}, "history": history, "covered": covered, "lines": 1, "bytes": 1, "beyond": 0 });
        let tape = Cursor {
            generation: 1,
            first_block: 90,
            first_time: TIME + 80_000,
            block: 99,
            time: TIME + 90_000,
            ..Cursor::default()
        };
        let entries = [
            (Cursor::KEY.to_vec(), serde_json::to_vec(&tape).unwrap()),
            (b"import".to_vec(), progress.to_string().into_bytes()),
        ];
        State::from(entries)
    };
    let tape: Cursor = serde_json::from_slice(&tape()[Cursor::KEY]).unwrap();
    let (history, nothing) = (serde_json::to_value(tape).unwrap(), serde_json::to_value(Cursor::default()).unwrap());
    let of = |number: u64, state: &mut State| take(&letter(0, &block(number, &[fill("BTC", "1.0")])), state).0;
    let none = || serde_json::json!([]);
    assert_eq!(of(5, &mut import(history.clone(), none())), Outcome::Redriven { facts: 1 });
    assert_eq!(why(&of(4, &mut import(history, none()))), "block 4 was taken, from another line");
    let covered = serde_json::json!([[TIME, TIME + 1]]);
    let forgotten = of(5, &mut import(nothing.clone(), covered));
    assert!(why(&forgotten).ends_with("has missed of the time of block 5 is not known any more"), "{forgotten:?}");
    assert_eq!(of(5, &mut import(nothing, none())), Outcome::Redriven { facts: 1 });
}

#[test]
fn a_gap_is_healed_by_the_letter_that_holds_the_last_block_of_it() {
    let mut state = tape();
    let (_, out) = take(&letter(0, &block(6, &[])), &mut state);
    assert_eq!(seen(&out, &topics::FEED_STATUS).len(), 0);
    let (_, out) = take(&letter(1, &block(5, &[])), &mut state);
    let [(_, _, said)] = &seen(&out, &topics::FEED_STATUS)[..] else { panic!() };
    assert!(said.contains(r#""status":"gap-healed""#) && said.contains(r#""from_block":5,"to_block":6"#), "{said}");
}

/// The letter that today's parser files of a bad fill, with bytes that a better one would understand.
fn letter_of_a_fill(layout: Layout) -> Filed {
    let bad = r#"["0xnobody",{"coin":"BTC"}]"#.to_owned();
    let bytes = block(4, &[fill("BTC", "1.0"), bad]);
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    let line = Line {
        bytes: bytes.as_bytes(),
        layout,
        stream: "node",
        position: "20260628/8:7",
        received: RECEIVED,
        keeps_raw: true,
    };
    take_line(&line, &mut cursor, &mut out);
    let [mut filed] = letters(&out, 3).try_into().unwrap();
    filed.letter.text = Some(fill("ETH", "2.0"));
    filed
}

#[test]
fn a_fill_is_redriven_alone_at_its_place_in_its_block() {
    let filed = letter_of_a_fill(Layout::ByBlock);
    assert_eq!(filed.letter.position, "20260628/8:7#1");
    let (outcome, out) = take(&filed, &mut tape());
    assert_eq!((outcome, kinds(&out)), (Outcome::Redriven { facts: 1 }, vec!["fill".to_owned()]));
    let [(_, headers, fact)] = &seen(&out, &topics::FILLS_HISTORY)[..] else { panic!() };
    let fill: Fill = serde_json::from_str(fact).unwrap();
    assert_eq!((fill.block, fill.index, fill.coin.as_str()), (4, 1, "ETH"));
    assert_eq!((headers["block"].as_str(), headers["redriven"].as_str()), ("4", "3"));
}

#[test]
fn a_fill_of_another_time_than_its_block_s_is_still_none() {
    let mut filed = letter_of_a_fill(Layout::ByBlock);
    filed.letter.text = Some(fill("ETH", "2.0").replace(&TIME.to_string(), &(TIME + 5_000).to_string()));
    assert!(matches!(take(&filed, &mut tape()).0, Outcome::FiledAgain { .. }));
}

#[test]
fn a_fill_without_its_block_or_its_place_cannot_be_redriven() {
    let mut filed = letter_of_a_fill(Layout::ByBlock);
    filed.headers.clear();
    let (outcome, _) = take(&filed, &mut tape());
    assert_eq!(why(&outcome), "cannot be redriven: its letter does not say of which block the fill is");
    let (outcome, _) = take(&letter_of_a_fill(Layout::Streaming), &mut tape());
    assert!(why(&outcome).contains("node_fills_streaming does not say its place"), "{outcome:?}");
}

#[test]
fn what_is_bad_in_a_block_that_is_understood_is_a_letter_of_its_own_an_attempt_later() {
    let bad = r#"["0xnobody",{"coin":"BTC"}]"#.to_owned();
    let (outcome, out) = take(&letter(17, &block(5, &[fill("BTC", "1.0"), bad.clone()])), &mut tape());
    assert_eq!(outcome, Outcome::Redriven { facts: 1 });
    let [part] = letters(&out, 18).try_into().unwrap();
    assert_eq!((part.letter.position.as_str(), part.letter.attempt), ("20260628/8:7#1", 2));
    assert_eq!(part.letter.text, Some(bad));
    let of = |name: &str| Headers(&part.headers).get(name).map(|value| String::from_utf8(value.to_vec()).unwrap());
    assert_eq!((of("redriven").as_deref(), of("block").as_deref()), (Some("17"), Some("5")));
}

#[test]
fn a_line_without_its_end_is_a_block_when_nothing_else_is_missing() {
    let line = block(5, &[fill("BTC", "1.0")]);
    let unterminated = |bytes: &str| filed(0, "node-fills", "20260628/8:7", bytes.as_bytes(), &Reject::Unterminated);
    assert_eq!(take(&unterminated(&line), &mut tape()).0, Outcome::Redriven { facts: 1 });
    let reason = Reject::Unterminated.to_string();
    assert_eq!(take(&unterminated(&line[..100]), &mut tape()).0, Outcome::FiledAgain { reason });
}

#[test]
fn several_letters_at_once_are_what_they_are_one_by_one() {
    let (mut redrive, mut out) = (Redrive::open(MOST, &tape()).unwrap(), Outbox::new(GENERATION));
    let line = block(5, &[fill("BTC", "1.0")]);
    let outcomes = [0, 1, 0].map(|offset| redrive.take(&letter(offset, &line), &mut out));
    assert_eq!(outcomes[0], Outcome::Redriven { facts: 1 });
    assert_eq!(
        outcomes[1..].iter().map(why).collect::<Vec<_>>(),
        ["block 5 was taken, from another line", "it was redriven before"]
    );
    assert_eq!(kinds(&out), ["clock", "clock", "clock", "clock", "fill"]);
}
