//! What becomes of a frame.

use proptest::prelude::*;
use schemas::{AssetContext, Coin, DeadLetter, GENERATION, Outbox, Trade, topics};

use super::super::event::{Event, What};
use super::{Log, RECEIVED, context, event, frame, lost, market, opened, settled, subscribed, told, trade, trades};
use crate::Markets;

#[test]
fn a_trade_goes_on_as_it_came() {
    let (mut log, text) = (Log::default(), trade("SOL", 5, 1));
    let mut feed = log.feed(&["SOL"]);
    log.take(&mut feed, &[opened(), frame(trades(std::slice::from_ref(&text)))]);
    assert_eq!((log.trades, log.raw), (vec![text.clone()], vec![trades(&[text])]));
}

#[test]
fn a_context_goes_on_with_its_coin_and_time_in_front_and_when_it_changed() {
    let mut log = Log::default();
    let mut feed = log.feed(&["BTC"]);
    let push = |mark: &str| {
        frame(format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{}}}}}"#, context(mark)))
    };
    log.take(&mut feed, &[opened(), push("\"1.0\""), push("\"1.0\""), push("\"1.1\"")]);
    log.take(&mut log.feed(&["BTC"]), &[opened(), push("\"1.1\""), push("\"1.0\"")]);
    let facts = ["1.0", "1.1", "1.0"].map(|mark| {
        format!(r#"{{"coin":"BTC","time":{RECEIVED},{}"#, context(&format!("\"{mark}\"")).strip_prefix('{').unwrap())
    });
    assert_eq!((log.contexts, log.raw.len()), (facts.to_vec(), 3));
}

#[test]
fn a_context_says_what_it_is_beside_clocks() {
    let (mut feed, mut out) = (Log::default().feed(&["BTC"]), Outbox::new(GENERATION));
    let push = format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{}}}}}"#, context("\"1.0\""));
    feed.take(&frame(push), &mut out);
    assert_eq!(told(&out, &topics::ASSET_CONTEXTS)[0].1, "context");
}

#[test]
fn all_contexts_are_joined_by_place_and_what_is_beyond_asks_for_metadata() {
    let mut log = Log::default();
    let mut feed = log.feed(&["BTC", "ETH", "xyz:CL"]);
    let contexts = ["\"1.0\"", "\"2.0\"", "\"3.0\""].map(context);
    let push = |main: usize| {
        let (main, other) = (contexts[..main].join(","), &contexts[2]);
        frame(format!(r#"{{"channel":"allDexsAssetCtxs","data":{{"ctxs":[["",[{main}]],["xyz",[{other}]]]}}}}"#))
    };
    log.take(&mut feed, &[opened(), push(1)]);
    assert!(!feed.wants_metadata(), "the exchange may not know yet what the metadata knows");
    log.take(&mut feed, &[push(3)]);
    assert!(feed.wants_metadata());
    let marks = log.contexts.iter().map(|fact| serde_json::from_str::<AssetContext>(fact).unwrap());
    let marks: Vec<String> = marks.map(|context| format!("{} {}", context.coin, context.mark_px)).collect();
    assert_eq!(marks, ["BTC 1.0", "xyz:CL 3.0", "ETH 2.0"]);
    feed.follow(Markets::all(&["BTC", "ETH", "NEW", "xyz:CL"].map(market)), RECEIVED);
    assert!(!feed.wants_metadata());
    log.take(&mut feed, &[push(3)]);
    assert!(log.contexts[3].starts_with(r#"{"coin":"NEW","#));
}

#[test]
fn decimals_may_be_bare_and_become_text_digit_by_digit() {
    let mut log = Log::default();
    let bare = trade("SOL", 5, 1).replace(r#""128.5""#, "128.50");
    let push = context("66344.0").replace(r#"{"funding""#, r#"{"time":7,"funding""#);
    let push = format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{push}}}}}"#);
    log.take(&mut log.feed(&["BTC"]), &[opened(), frame(trades(&[bare])), frame(push)]);
    assert_eq!(log.trades, [trade("SOL", 5, 1).replace("128.5", "128.50")]);
    let ours = format!(r#"{{"coin":"BTC","time":{RECEIVED},"funding":"-0.000003688","#);
    assert!(log.contexts[0].starts_with(&ours) && log.contexts[0].contains(r#""markPx":"66344.0","#));
}

#[test]
fn what_is_no_fact_is_left_and_what_is_not_understood_is_set_aside() {
    let mut log = Log::default();
    let mut feed = log.feed(&["SOL"]);
    let said = ["Websocket connection established.", r#"{"channel":"pong"}"#, r#"{"channel":"new","data":[1]}"#];
    let error = r#"{"channel":"error","data":"Already subscribed"}"#;
    let echo = r#"{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"l2Book","coin":"SOL","nSigFigs":null}}}"#;
    log.take(&mut feed, &[opened()]);
    log.take(&mut feed, &said.map(frame));
    log.take(&mut feed, &[frame(error), frame(echo)]);
    assert_eq!((log.letters.len(), log.raw.len(), feed.cursor().errors), (0, 0, 1));
    let bad = r#"{"coin":"SOL","side":"C"}"#.to_owned();
    log.take(&mut feed, &[frame("not json"), frame(trades(&[trade("SOL", 5, 1), bad.clone()])), frame(trades(&[]))]);
    log.take(&mut feed, &[frame(trades(&[trade("SOL", 6, 2).replace("0.42", "-0.42")]))]);
    log.take(&mut feed, &[event(RECEIVED, What::Frame(vec![0xff]))]);
    let letters: Vec<DeadLetter> = log.letters.iter().map(|json| serde_json::from_str(json).unwrap()).collect();
    let found: Vec<_> = letters.iter().map(|letter| (letter.position.as_str(), letter.text.as_deref())).collect();
    let negative = trade("SOL", 6, 2).replace("0.42", "-0.42");
    let expected =
        [("1-6", Some("not json")), ("1-7#1", Some(bad.as_str())), ("1-9#0", Some(negative.as_str())), ("1-10", None)];
    assert_eq!((found, log.trades.len()), (expected.to_vec(), 1));
    assert_eq!((letters[3].base64.as_deref(), feed.cursor().dead_letters), (Some("/w=="), 4));
}

#[test]
fn a_context_that_is_not_understood_is_set_aside_once() {
    let mut log = Log::default();
    let push = r#"{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"markPx":"x"}}}"#;
    log.take(&mut log.feed(&["BTC"]), &[opened(), frame(push), frame(push)]);
    assert_eq!((log.contexts.len(), log.letters.len(), log.raw.len()), (0, 1, 0));
}

#[test]
fn a_long_frame_is_kept_in_parts_that_give_it_back() {
    let mut log = Log::default();
    let text = trades(&(0..2000).map(|tid| trade("SOL", 5, tid)).collect::<Vec<_>>());
    log.take(&mut log.feed(&["SOL"]), &[opened(), frame(text.clone())]);
    assert_eq!((log.trades.len(), log.raw.len()), (2000, 2));
    assert_eq!(log.raw.concat(), text);
}

#[test]
fn nothing_is_missing_when_every_backlog_reaches_back() {
    let mut log = Log::default();
    let mut feed = log.feed(&["BTC", "ETH"]);
    let (btc, eth) = (|tid| trade("BTC", RECEIVED + tid as i64, tid), |tid| trade("ETH", RECEIVED + tid as i64, tid));
    log.take(&mut feed, &[opened(), frame(trades(&[btc(1), btc(2)])), frame(trades(&[eth(3)]))]);
    log.take(&mut feed, &[subscribed(&["BTC", "ETH"], RECEIVED), settled(RECEIVED), lost(RECEIVED)]);
    log.take(&mut feed, &[opened(), frame(trades(&[btc(2), btc(4)])), subscribed(&["BTC", "ETH"], RECEIVED)]);
    log.take(&mut feed, &[frame(trades(&[eth(3)])), settled(RECEIVED)]);
    assert_eq!((log.trades.len(), log.gaps().len(), feed.cursor().duplicates), (4, 0, 2));
    assert_eq!(feed.cursor().hole, None);
}

#[test]
fn what_no_backlog_reaches_back_to_is_a_gap_said_once_by_whoever_comes_to_know_its_end() {
    let mut log = Log::default();
    let coins = ["BTC", "ETH"];
    log.take(&mut log.feed(&coins), &[opened(), frame(trades(&[trade("BTC", 10_000, 1)])), subscribed(&coins, 10_500)]);
    let mut second = log.feed(&coins);
    log.take(&mut second, &[opened(), frame(trades(&[trade("BTC", 20_000, 9)]))]);
    // Killed before the end of the gap is known: the third finds the backlog of the second, and still says it.
    let mut third = log.feed(&coins);
    let again = frame(trades(&[trade("BTC", 20_000, 9), trade("BTC", 30_000, 10)]));
    log.take(&mut third, &[opened(), again, subscribed(&coins, 30_500), settled(40_000)]);
    log.take(&mut log.feed(&coins), &[]);
    assert_eq!((log.gaps(), log.trades.len()), (vec![(8_000, 20_000), (8_000, 30_500)], 3));
    let said: Vec<&str> = log.statuses.iter().map(|status| status.reason.as_str()).collect();
    let expected = [
        "connection 1: 2 coins are followed",
        "the process that was connected has ended",
        "connection 1, 1 coin: trades may be missing of BTC",
        "connection 1: 2 coins are followed",
        "connection 1, 1 coin: trades may be missing of ETH",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_coin_of_which_nothing_comes_is_waited_for_and_then_taken_for_missing() {
    let mut log = Log::default();
    let coins = ["BTC", "ETH"];
    let backlog = || frame(trades(&[trade("BTC", 10_000, 1)]));
    log.take(&mut log.feed(&coins), &[opened(), backlog(), subscribed(&coins, 10_500)]);
    let mut feed = log.feed(&coins);
    log.take(&mut feed, &[opened(), backlog(), subscribed(&coins, 20_500)]);
    assert_eq!(log.gaps(), []);
    log.take(&mut feed, &[settled(25_500)]);
    assert_eq!(log.gaps(), [(8_000, 20_500)]);
}

#[test]
fn what_a_connection_brings_that_gives_the_coin_back_does_not_end_its_hole() {
    let mut log = Log::default();
    let btc = |time, tid| frame(trades(&[trade("BTC", time, tid)]));
    log.take(&mut log.feed(&["BTC"]), &[opened(), btc(10_000, 1), subscribed(&["BTC"], 10_500)]);
    let mut feed = log.feed(&["BTC"]);
    feed.carry([(Coin::new("BTC"), 1)].into(), 20_000, true);
    log.take(&mut feed, &[opened(), btc(30_000, 8)]);
    let on_the_other = |event: Event| Event { on: 1, ..event };
    let backlog = frame(trades(&[trade("BTC", 30_000, 8), trade("BTC", 40_000, 9)]));
    log.take(&mut feed, &[opened(), backlog, subscribed(&["BTC"], 40_500)].map(on_the_other));
    assert_eq!((log.trades.len(), log.gaps()), (3, vec![(8_000, 30_000)]));
}

#[test]
fn a_market_that_was_listed_meanwhile_was_not_heard_since_the_metadata_before() {
    let mut log = Log::default();
    let mut feed = log.feed(&["BTC"]);
    log.take(&mut feed, &[opened(), frame(trades(&[trade("BTC", RECEIVED, 1)])), subscribed(&["BTC"], RECEIVED)]);
    assert!(feed.follow(Markets::all(&["BTC", "NEW"].map(market)), RECEIVED + 60_000));
    let (_, edition) = feed.plan();
    log.take(&mut feed, &[subscribed(&["BTC"], RECEIVED + 60_000)]);
    assert_eq!(log.gaps(), [], "that was an answer to what was wanted before");
    let coins = ["BTC", "NEW"].map(Coin::new).to_vec();
    log.take(&mut feed, &[event(RECEIVED + 61_000, What::Subscribed { coins, edition }), settled(RECEIVED + 66_000)]);
    assert_eq!(log.gaps(), [(RECEIVED - 75_000, RECEIVED + 61_000)]);
}

#[test]
fn another_generation_s_state_is_refused() {
    let mut log = Log::default();
    log.take(&mut log.feed(&["BTC"]), &[opened()]);
    let entries = log.state.iter().map(|(key, value)| super::entry(key, value).unwrap());
    let feed = super::Feed::new(entries, 2, super::markets(&[]), 0);
    assert!(matches!(feed, Err(crate::SourceError::Generation { found: 1 })));
    assert!(super::entry(b"BTC", b"?").is_err());
}

proptest! {
    /// Whatever bytes a frame holds: no panic, and either nothing but an unknown channel or a dead letter.
    #[test]
    fn arbitrary_bytes_never_stop_it(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut log = Log::default();
        log.take(&mut log.feed(&["SOL"]), &[opened(), event(RECEIVED, What::Frame(bytes))]);
        prop_assert_eq!((log.trades.len(), log.letters.len()), (0, 1));
    }

    /// A frame with some of its bytes changed: no panic, and what it holds is a fact, a dead letter, or on a channel
    /// that nobody asked for.
    #[test]
    fn a_damaged_frame_never_stops_it(at in 0usize..2000, byte in any::<u8>(), which in 0usize..4) {
        let context = context("\"1.0\"");
        let texts = [
            trades(&[trade("SOL", 5, 1)]),
            format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"SOL","ctx":{context}}}}}"#),
            format!(r#"{{"channel":"allDexsAssetCtxs","data":{{"ctxs":[["",[{context}]]]}}}}"#),
            r#"{"channel":"error","data":"Invalid subscription {\"type\":\"trades\",\"coin\":\"SOL\"}"}"#.to_owned(),
        ];
        let mut bytes = texts[which].clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let mut log = Log::default();
        log.take(&mut log.feed(&["SOL"]), &[opened(), event(RECEIVED, What::Frame(bytes))]);
        for fact in &log.trades {
            prop_assert!(serde_json::from_str::<Trade>(fact).is_ok());
        }
        for fact in &log.contexts {
            prop_assert!(serde_json::from_str::<AssetContext>(fact).is_ok());
        }
    }
}
