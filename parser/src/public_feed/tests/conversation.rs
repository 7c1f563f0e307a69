//! What is sent, in which order, and what answers do.

use std::time::Duration;

use schemas::Coin;
use tokio::time::Instant;

use super::super::conversation::{Conversation, Heard};
use super::super::frame::{Frame, understand};
use super::super::pace::{Allowance, Pauses};
use super::super::plan::{Plan, Share};
use super::super::subscription::Subscription;
use super::{market, markets};
use crate::Markets;

fn echo(request: &str) -> String {
    let subscription = &serde_json::from_str::<serde_json::Value>(request).unwrap()["subscription"];
    let mut subscription = subscription.clone();
    subscription["nSigFigs"] = serde_json::Value::Null;
    serde_json::json!({"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":subscription}})
        .to_string()
}

fn share(markets: &Markets) -> Share {
    Plan::default().follow(markets).share(0).clone()
}

fn error(text: &str) -> Frame<'_> {
    Frame::Error(text.into())
}

fn answer_all(conversation: &mut Conversation) -> Vec<String> {
    let mut sent = Vec::new();
    while conversation.next() > 0 {
        for request in conversation.send_next() {
            assert_eq!(conversation.hear(&understand(echo(&request).as_bytes()).unwrap()), Heard::Answer);
            sent.push(request);
        }
    }
    sent
}

#[test]
fn all_contexts_are_asked_for_alone_and_then_trades_some_at_once() {
    let names: Vec<String> = (0..120).map(|number| format!("C{number}")).collect();
    let markets = markets(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut conversation = Conversation::about(&share(&markets));
    let mut sizes = Vec::new();
    while conversation.next() > 0 {
        let requests = conversation.send_next();
        sizes.push(requests.len());
        assert!(conversation.next() == 0 && !conversation.is_complete(), "nothing more before the answers");
        for request in requests {
            conversation.hear(&understand(echo(&request).as_bytes()).unwrap());
        }
    }
    assert_eq!(sizes, [1, 50, 50, 21]);
    assert!(conversation.is_complete() && conversation.coins().len() == 120);
}

#[test]
fn refused_contexts_are_asked_for_one_by_one() {
    let mut conversation = Conversation::about(&share(&markets(&["BTC", "xyz:CL"])));
    conversation.send_next();
    assert_eq!(conversation.hear(&error("Error parsing JSON into valid websocket request: ?")), Heard::Answer);
    let sent = answer_all(&mut conversation);
    assert_eq!(sent.iter().filter(|request| request.contains("activeAssetCtx")).count(), 2);
    conversation.follow(&share(&markets(&["BTC", "xyz:CL", "NEW"])));
    assert_eq!(answer_all(&mut conversation).len(), 2, "the trades and the context of what is new");
}

#[test]
fn a_coin_that_is_refused_is_dropped_and_one_that_is_subscribed_already_is_not() {
    let mut conversation = Conversation::about(&share(&Markets::only(["BTC", "NO", "@1", "ETH"].map(Coin::new))));
    let sent = conversation.send_next();
    assert_eq!(sent.len(), 7, "no context of a spot market");
    let refusal = r#"Invalid subscription {"type":"trades","coin":"NO"}"#;
    assert_eq!(conversation.hear(&error(refusal)), Heard::Answer);
    let already = r#"Already subscribed: {"method":"subscribe","subscription":{"type":"trades","coin":"BTC","x":1}}"#;
    assert_eq!(conversation.hear(&error(already)), Heard::Answer);
    assert_eq!(conversation.hear(&error(refusal)), Heard::Nothing, "that was answered");
    for _ in 0..5 {
        assert_eq!(conversation.hear(&Frame::Accepted(None)), Heard::Answer, "in the order of the questions");
    }
    assert!(conversation.is_complete());
    assert_eq!(conversation.coins(), ["@1", "BTC", "ETH"].map(Coin::new));
}

#[test]
fn what_is_delisted_is_given_back_and_taken_again_when_it_returns() {
    let both = [market("BTC"), market("OLD")];
    let mut delisted = both.clone();
    delisted[1].delisted = true;
    let (with, without) = (share(&Markets::all(&both)), share(&Markets::all(&delisted)));
    let mut conversation = Conversation::about(&with);
    answer_all(&mut conversation);
    conversation.follow(&without);
    assert_eq!(conversation.send_next(), [r#"{"method":"unsubscribe","subscription":{"type":"trades","coin":"OLD"}}"#]);
    conversation.follow(&with);
    assert_eq!(conversation.next(), 0, "the answer comes first");
    assert_eq!(conversation.hear(&error(r#"Already unsubscribed: {"type":"trades","coin":"OLD"}"#)), Heard::Answer);
    assert_eq!(conversation.coins(), [Coin::new("BTC")]);
    assert_eq!(
        answer_all(&mut conversation),
        [r#"{"method":"subscribe","subscription":{"type":"trades","coin":"OLD"}}"#]
    );
    assert_eq!(conversation.coins(), ["BTC", "OLD"].map(Coin::new));
}

#[test]
fn what_was_refused_is_asked_for_again_when_it_was_delisted_meanwhile() {
    let mut conversation = Conversation::about(&share(&Markets::only(["@1", "@2"].map(Coin::new))));
    conversation.send_next();
    conversation.hear(&error(r#"Invalid subscription {"type":"trades","coin":"@2"}"#));
    conversation.hear(&Frame::Accepted(None));
    let follow = |conversation: &mut Conversation, coins: &[&str]| {
        conversation.follow(&share(&Markets::only(coins.iter().map(|coin| Coin::new(coin)))));
        answer_all(conversation).len()
    };
    assert_eq!(follow(&mut conversation, &["@1", "@2"]), 0);
    assert_eq!(follow(&mut conversation, &["@1"]), 0);
    assert_eq!(follow(&mut conversation, &["@1", "@2"]), 1);
}

#[test]
fn a_limit_ends_the_connection() {
    let mut conversation = Conversation::about(&share(&markets(&["BTC"])));
    for text in ["Cannot subscribe to more than 1000 channels.", "Cannot send more than 2000 messages per minute."] {
        assert_eq!(conversation.hear(&error(text)), Heard::Limit);
    }
}

#[test]
fn what_an_error_quotes_is_found_whatever_is_around_it() {
    let trades = Some(Subscription::Trades { coin: Coin::new("X") });
    for (text, quoted) in [
        (r#"Invalid subscription {"type":"trades","coin":"X","y":[]} at 3"#, trades),
        ("Invalid subscription {type: trades}", None),
        (r#"Invalid {"type":"l2Book","coin":"X"}"#, None),
        ("Invalid", None),
    ] {
        assert_eq!(Subscription::quoted_in(text), quoted, "{text}");
    }
}

#[test]
fn no_minute_has_more_than_is_allowed() {
    let start = Instant::now();
    let at = |second: u64| start + Duration::from_secs(second);
    let mut allowance = Allowance::per_minute(10);
    allowance.spend(6, at(0));
    assert_eq!((allowance.when(4, at(1)), allowance.when(5, at(1))), (at(1), at(60)));
    allowance.spend(4, at(1));
    assert_eq!((allowance.when(6, at(2)), allowance.when(7, at(2))), (at(60), at(61)));
    assert_eq!(allowance.when(10, at(61)), at(61));
}

#[test]
fn pauses_grow_and_are_never_the_same_for_everybody() {
    let (first, longest) = (Duration::from_secs(1), Duration::from_secs(30));
    let mut pauses = Pauses::from_to(first, longest);
    for whole in [1, 2, 4, 8, 16, 30, 30] {
        let (pause, whole) = (pauses.next(), Duration::from_secs(whole));
        assert!(whole / 2 <= pause && pause <= whole, "{pause:?} of {whole:?}");
    }
    pauses.start_anew();
    assert!(pauses.next() <= first);
}
