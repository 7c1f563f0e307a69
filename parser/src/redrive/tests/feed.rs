//! Letters of the public feed.

use schemas::{GENERATION, Outbox, topics};

use super::{Filed, MOST, Outcome, RECEIVED, State, filed, letters, seen, take, why};
use crate::Redrive;
use crate::dead_letter::Reject;

fn trade(tid: u64) -> String {
    format!(
        r#"{{"coin":"SOL","side":"A","px":"128.5","sz":"0.42","time":{RECEIVED},"hash":"0x{:064x}","tid":{tid},"users":["0x768484f7e2ebb675c57838366c02ae99ba2a9b08","0xbb05602d74778f4a42dcee87d14051572bb9ec78"],"new":[1.50]}}"#,
        7
    )
}

fn frame(elements: &[String]) -> String {
    format!(r#"{{"channel":"trades","data":[{}]}}"#, elements.join(","))
}

const CONTEXT: &str = r#"{"funding":"0.1","openInterest":"2.5","prevDayPx":"69557.0","dayNtlVlm":"1.5","premium":null,"oraclePx":"66383.0","markPx":"66384.0","midPx":null}"#;

fn letter_of_a_trade(offset: u64, tid: u64) -> Filed {
    filed(offset, "public-feed", "1-2#0", trade(tid).as_bytes(), &Reject::Trade { reason: String::new() })
}

fn letter_of_a_frame(bytes: &str) -> Filed {
    filed(9, "public-feed", "1-2", bytes.as_bytes(), &Reject::Frame { reason: String::new() })
}

#[test]
fn a_trade_goes_on_as_it_came() {
    let (outcome, out) = take(&letter_of_a_trade(4, 1), &mut State::new());
    assert_eq!(outcome, Outcome::Redriven { facts: 1 });
    let [(_, headers, fact)] = &seen(&out, &topics::TRADES)[..] else { panic!() };
    assert_eq!((fact, headers["redriven"].as_str(), headers["schema"].as_str()), (&trade(1), "4", "trade/1"));
}

#[test]
fn a_trade_that_came_again_and_was_understood_then_is_left() {
    let (mut redrive, mut out) = (Redrive::open(MOST, &State::new()).unwrap(), Outbox::new(GENERATION));
    let letters = [letter_of_a_trade(0, 1), letter_of_a_trade(1, 2), letter_of_a_trade(2, 2)];
    letters.iter().for_each(|filed| redrive.expect(filed));
    assert!(redrive.expects_trades());
    redrive.show_trade(b"SOL", trade(1).as_bytes());
    redrive.show_trade(b"BTC", trade(2).as_bytes());
    let outcomes = letters.each_ref().map(|filed| redrive.take(filed, &mut out));
    assert_eq!(why(&outcomes[0]), "it is on `trades` already");
    assert_eq!(outcomes[1], Outcome::Redriven { facts: 1 });
    assert_eq!(why(&outcomes[2]), "it is on `trades` already");
}

#[test]
fn a_frame_gives_its_trades_and_letters_of_those_that_are_none() {
    let bytes = frame(&[trade(1), "{}".to_owned(), trade(2)]);
    let (outcome, out) = take(&letter_of_a_frame(&bytes), &mut State::new());
    assert_eq!((outcome, seen(&out, &topics::TRADES).len()), (Outcome::Redriven { facts: 2 }, 2));
    let [part] = letters(&out, 10).try_into().unwrap();
    assert_eq!(
        (part.letter.position.as_str(), part.letter.text.as_deref(), part.letter.attempt),
        ("1-2#1", Some("{}"), 2)
    );
}

#[test]
fn a_context_has_the_market_that_its_place_says_and_the_time_of_its_frame() {
    let named = filed(4, "public-feed", "1-2##10", CONTEXT.as_bytes(), &Reject::Context { reason: String::new() });
    let (outcome, out) = take(&named, &mut State::new());
    assert_eq!(outcome, Outcome::Redriven { facts: 1 });
    let [(_, headers, fact)] = &seen(&out, &topics::ASSET_CONTEXTS)[..] else { panic!() };
    assert!(fact.starts_with(&format!(r##"{{"coin":"#10","time":{RECEIVED},"funding""##)), "{fact}");
    assert_eq!(headers["kind"], "context");
    let alone = format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{CONTEXT}}}}}"#);
    assert_eq!(take(&letter_of_a_frame(&alone), &mut State::new()).0, Outcome::Redriven { facts: 1 });
}

#[test]
fn a_frame_that_does_not_say_its_markets_cannot_be_redriven() {
    let all = format!(r#"{{"channel":"allDexsAssetCtxs","data":{{"ctxs":[["",[{CONTEXT}]]]}}}}"#);
    let cases = [
        (all.as_str(), "only the metadata of then"),
        (r#"{"channel":"pong"}"#, "no trade and no context"),
        (&frame(&[]), "no trade and no context"),
    ];
    for (bytes, reason) in cases {
        let (outcome, _) = take(&letter_of_a_frame(bytes), &mut State::new());
        assert!(why(&outcome).contains(reason), "{outcome:?}");
    }
}
