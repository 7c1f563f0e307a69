//! Who asks too much is refused, and now and then somebody who does not.

use serde_json::json;

use super::{Exchange, made};
use crate::feed::Feed;
use crate::limits::Limits;

/// Whoever has most fills, and how many.
fn busiest(feed: &Feed) -> (u64, String) {
    let now = feed.now();
    let users = (0..now.books.crowd.accounts()).map(|wallet| now.books.crowd.address(wallet));
    let counted = users.map(|user| (now.history.fills.newest_first(user, 2_000).len() as u64, user));
    let (count, user) = counted.max().unwrap();
    (count, str::from_utf8(user).unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_is_charged_for_what_it_is_made_of() {
    let feed = made(400, "none");
    let (count, user) = busiest(&feed);
    let exchange = Exchange::of(feed.clone(), Limits::EXCHANGE).await;
    let mut spent = 0;
    for (asked, weight) in [
        (json!({ "type": "meta" }), 20),
        (json!({ "type": "allMids" }), 2),
        (json!({ "type": "clearinghouseState", "user": user }), 2),
        (json!({ "type": "spotClearinghouseState", "user": user }), 2),
        (json!({ "type": "exchangeStatus" }), 2),
        (json!({ "type": "userRole", "user": user }), 60),
        (json!({ "type": "userAbstraction", "user": user }), 20),
        (json!({ "type": "recentTrades", "coin": "BTC" }), 22),
        (json!({ "type": "userFills", "user": user }), 20 + count.div_ceil(20)),
        (json!({ "type": "candleSnapshot", "req": { "coin": "BTC", "interval": "1m", "startTime": 0 } }), 21),
        (json!({ "type": "userFunding", "user": user, "startTime": 0 }), 20),
    ] {
        exchange.answer(&asked).await;
        spent += weight;
        let weights = json!({ "spent_last_minute": { "127.0.0.1": spent }, "most_in_any_minute": spent, "refused": 0 });
        assert_eq!(exchange.weights().await, weights, "{asked}");
    }
    assert!(count > 100, "{count} fills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn beyond_the_weight_of_a_minute_everything_is_refused() {
    assert_eq!(Limits::EXCHANGE.weight_per_minute, 1_200);
    let exchange = Exchange::of(made(1, "none"), Limits { weight_per_minute: 45, ..Limits::EXCHANGE }).await;
    for _ in 0..2 {
        exchange.answer(&json!({ "type": "meta" })).await;
    }
    let refusal = (429, "null".to_owned());
    assert_eq!(exchange.ask(&json!({ "type": "meta" })).await, refusal);
    exchange.answer(&json!({ "type": "allMids" })).await;
    exchange.answer(&json!({ "type": "allMids" })).await;
    assert_eq!(exchange.ask(&json!({ "type": "allMids" })).await, refusal);
    assert_eq!(exchange.ask(&json!({ "type": "liquidations" })).await, refusal);
    let weights = json!({ "spent_last_minute": { "127.0.0.1": 44 }, "most_in_any_minute": 44, "refused": 3 });
    assert_eq!(exchange.weights().await, weights);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_that_weighs_too_much_is_not_given() {
    let feed = made(400, "none");
    let (count, user) = busiest(&feed);
    let weight = 20 + count.div_ceil(20) as u32;
    let exchange = Exchange::of(feed, Limits { weight_per_minute: 2 * weight - 1, ..Limits::EXCHANGE }).await;
    let asked = json!({ "type": "userFills", "user": user });
    exchange.answer(&asked).await;
    assert_eq!(exchange.ask(&asked).await, (429, "null".to_owned()));
    let weights = json!({ "spent_last_minute": { "127.0.0.1": weight }, "most_in_any_minute": weight, "refused": 1 });
    assert_eq!(exchange.weights().await, weights);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_fault_refuses_requests_with_a_page() {
    let exchange = Exchange::of(made(1, "refusals=4"), Limits::EXCHANGE).await;
    let (mut answered, mut too_many, mut gateway) = (0, 0, 0);
    for _ in 0..200 {
        let (status, body) = exchange.ask(&json!({ "type": "allMids" })).await;
        match status {
            200 => answered += 1,
            429 => too_many += 1,
            _ => gateway += 1,
        }
        let page = format!("<center><h1>{status} ");
        assert!(status == 200 || (body.starts_with("<html>") && body.contains(&page)), "{status}: {body}");
    }
    assert!((130..=170).contains(&answered) && too_many > 5 && gateway > 5, "{answered}, {too_many}, {gateway}");
    assert_eq!(exchange.weights().await["refused"], 0, "none of them deserved it");
}
