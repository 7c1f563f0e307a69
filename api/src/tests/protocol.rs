//! What may be asked for beside one key: many at once, what narrows a subscription, and a subscription by its number.

use schemas::LiquidationOrder;
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{position, price, serve, wallet};
use super::place::on_both;

on_both! {
    many_keys_are_many_subscriptions_and_a_list_names_them,
    a_subscription_is_ended_by_its_number,
    a_filter_lets_through_what_meets_all_of_it,
    a_channel_answers_to_its_other_name,
    who_asks_too_often_is_closed,
    an_answer_goes_before_what_waits,
    who_does_not_read_does_not_move_the_others,
}

pub(super) fn order(n: u32, notional: &str, side: &str) -> LiquidationOrder {
    serde_json::from_value(json!({
        "coin": "BTC", "wallet": wallet(n % 5), "side": side, "method": "market", "block": 100 + n,
        "time": 1000 + n, "fills": 1, "size": "1", "notional": notional, "average_px": "1", "mark_px": "1",
        "closed_pnl": "0", "remaining": "0",
    }))
    .unwrap()
}

async fn many_keys_are_many_subscriptions_and_a_list_names_them(url: String) {
    let served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "candles", "keys": ["BTC", "ETH"], "interval": "1m" })).await;
    for (id, key) in [(1, "BTC"), (2, "ETH")] {
        let subscribed = client.hear_until("subscribed").await;
        assert_eq!((&subscribed["payload"]["sub_id"], &subscribed["payload"]["key"]), (&json!(id), &json!(key)));
    }
    client.say("list", json!({ "request_id": 4 })).await;
    let told = client.hear_until("subscriptions").await["payload"].clone();
    assert_eq!(told["request_id"], 4);
    let keys: Vec<&Value> = told["subscriptions"].as_array().unwrap().iter().map(|one| &one["key"]).collect();
    assert_eq!(keys, [&json!("BTC"), &json!("ETH")]);
    client.say("ping", json!({ "nonce": "n" })).await;
    assert_eq!(client.hear_until("pong").await["payload"], json!({ "nonce": "n" }));
}

async fn a_subscription_is_ended_by_its_number(url: String) {
    let mut served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "positions", "keys": ["BTC", "ETH"] })).await;
    client.say("unsubscribe", json!({ "sub_id": 1 })).await;
    let ended = client.hear_until("unsubscribed").await["payload"].clone();
    assert_eq!(ended, json!({ "sub_id": 1, "channel": "positions", "key": "BTC" }));
    client.say("unsubscribe", json!({ "sub_id": 1 })).await;
    assert_eq!(client.hear_until("unsubscribed").await["payload"]["already"], true);
    let written = served.append([position("BTC", 1, "1"), position("ETH", 1, "1")]);
    served.publish(&written);
    assert_eq!(client.hear_until("update").await["payload"]["key"], "ETH");
}

async fn a_filter_lets_through_what_meets_all_of_it(url: String) {
    let mut served = serve(&url).await;
    served.add([order(1, "5", "long"), order(2, "50", "long"), order(3, "500", "short")]).await;
    let mut client = Client::connect(served.address).await;
    let filter = json!({ "min_notional": "50", "side": "long" });
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "filter": filter })).await;
    let subscribed = client.hear_until("subscribed").await["payload"].clone();
    assert_eq!((&subscribed["filter"], &subscribed["conflated"]), (&filter, &json!(false)));
    let notionals =
        |rows: &Value| -> Vec<Value> { rows.as_array().unwrap().iter().map(|row| row["notional"].clone()).collect() };
    assert_eq!(notionals(&client.hear_until("snapshot").await["payload"]["data"]), [json!("50")]);
    served.add([order(4, "49.9", "long"), order(5, "60", "short"), order(6, "50.0", "long")]).await;
    assert_eq!(client.hear_until("update").await["payload"]["data"]["notional"], "50.0");

    let of_one = json!({ "channel": "liquidations", "key": "BTC", "filter": { "wallet": wallet(3) } });
    client.say("subscribe", of_one).await;
    assert_eq!(notionals(&client.hear_until("snapshot").await["payload"]["data"]), [json!("500")]);
    for (channel, filter, says) in [
        ("liquidations", json!({ "mood": "good" }), "is no filter"),
        ("candles", json!({ "side": "long" }), "is no filter"),
        ("liquidations", json!({ "min_notional": "much" }), "cannot be understood"),
        ("liquidations", json!({ "side": "buy" }), "is one of long, short"),
        ("whale_activities", json!({ "method": "cash" }), "is one of market, backstop, adl"),
        ("liquidations", json!(["side"]), "is an object"),
    ] {
        client.say("subscribe", json!({ "channel": channel, "key": "BTC", "filter": filter })).await;
        let refused = client.hear_until("error").await["payload"].clone();
        assert_eq!(refused["code"], "INVALID_FILTER");
        assert!(refused["message"].as_str().unwrap().contains(says), "{refused}");
    }
}

async fn a_channel_answers_to_its_other_name(url: String) {
    let mut served = serve(&url).await;
    served.add([price("BTC", "7")]).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("prices", "btc").await;
    let snapshot = client.hear_until("snapshot").await["payload"].clone();
    assert_eq!((&snapshot["channel"], &snapshot["data"][0]["mark_px"]), (&json!("price_updates"), &json!("7")));
}

async fn who_asks_too_often_is_closed(url: String) {
    let served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    for _ in 0..200 {
        client.say("ping", json!({})).await;
    }
    let (last, code) = client.hear_the_end().await;
    assert_eq!((last.unwrap()["payload"]["code"].as_str(), code), (Some("TOO_MANY_MESSAGES"), 4008));
}

/// Megabytes wait, more than sockets hold: what is answered meanwhile is heard before the rest of them.
async fn an_answer_goes_before_what_waits(url: String) {
    let mut served = serve(&url).await;
    // More than the network takes of what nobody reads.
    let written = served.append((0..150_000).map(|n| position("BTC", n, "1")));
    served.publish(&written);
    let mut client = Client::connect(served.address).await;
    client.subscribe("positions", "*").await;
    client.hear_until("snapshot").await;
    client.say("ping", json!({})).await;
    let mut last = json!(null);
    let answer = loop {
        let frame = client.hear().await;
        if frame["type"] != "snapshot" {
            break frame;
        }
        last = frame["payload"].clone();
    };
    assert_eq!(answer["type"], "pong");
    assert!(last["part"].as_u64() < last["parts"].as_u64(), "it came after part {}", last["part"]);
}

async fn who_does_not_read_does_not_move_the_others(url: String) {
    let mut served = serve(&url).await;
    let mut stalled = Client::connect(served.address).await;
    let mut quick = Client::connect(served.address).await;
    for client in [&mut stalled, &mut quick] {
        client.subscribe("liquidations", "*").await;
        client.hear_until("snapshot").await;
    }
    const EVENTS: u32 = 40_000;
    let mut heard = 0;
    for first in (0..EVENTS).step_by(200) {
        let written = served.append((first..first + 200).map(|n| order(n, "5", "long")));
        served.publish(&written);
        for n in first..first + 200 {
            let update = quick.hear_until("update").await;
            assert_eq!(update["payload"]["data"]["block"], 100 + n, "each once and in their order");
            heard += 1;
        }
    }
    assert_eq!(heard, EVENTS);
    let (last, code) = stalled.hear_the_end().await;
    assert_eq!((last.unwrap()["type"].as_str(), code), (Some("lagged"), 4009));
}
