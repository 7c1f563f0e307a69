//! What a client may say, what it hears then, and how a connection ends.

use std::collections::BTreeSet;

use serde_json::json;

use super::client::Client;
use super::fixture::{position, ratio, serve, wallet};
use super::place::on_both;

on_both! {
    a_subscription_is_a_snapshot_and_then_updates,
    a_subscription_may_be_to_one_interval_and_to_all_coins,
    subscribing_twice_and_unsubscribing_twice_change_nothing,
    subscriptions_are_independent,
    nothing_is_told_before_the_present_is_known,
    what_is_not_understood_is_answered_and_does_not_close,
    there_is_an_end_to_subscriptions,
    who_sends_too_much_is_closed,
    who_does_not_read_is_cut_off,
    a_stop_is_said_before_the_end,
    where_live_results_begin_is_only_moved_forward,
}

async fn a_subscription_is_a_snapshot_and_then_updates(url: String) {
    let mut served = serve(&url).await;
    served.add([ratio("BTC", "1m", 0, "1"), ratio("BTC", "1m", 60_000, "2"), ratio("BTC", "5m", 0, "3")]).await;
    served.add([ratio("ETH", "1m", 0, "4")]).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "long_short_ratio", "key": "btc", "request_id": "a" })).await;
    let subscribed = client.hear().await;
    assert_eq!(subscribed["type"], "subscribed");
    assert_eq!(
        subscribed["payload"],
        json!({ "sub_id": 1, "channel": "long_short_ratio", "key": "BTC", "conflated": true, "request_id": "a" })
    );
    let snapshot = client.hear().await;
    let payload = &snapshot["payload"];
    assert_eq!((&payload["seq"], &payload["part"], &payload["parts"]), (&json!(1), &json!(1), &json!(1)));
    assert!(payload["cursor"].as_str().unwrap().starts_with("1;"), "{payload}");
    let closes: BTreeSet<_> = payload["data"].as_array().unwrap().iter().map(|row| row["close"].to_string()).collect();
    assert_eq!(closes, BTreeSet::from([r#""2""#.to_owned(), r#""3""#.to_owned()]));

    let written = served.append([ratio("ETH", "1m", 60_000, "8"), ratio("BTC", "1m", 120_000, "9")]);
    served.publish(&written);
    let update = client.hear().await;
    assert_eq!(update["type"], "update");
    assert_eq!(update["payload"]["seq"], 2);
    served.store(&written).await;
    assert_eq!(update["payload"]["data"], served.good("/api/v1/long-short-ratio/BTC").await["data"]);
}

async fn a_subscription_may_be_to_one_interval_and_to_all_coins(url: String) {
    let mut served = serve(&url).await;
    served.add(["BTC", "ETH"].map(|coin| ratio(coin, "1m", 0, "1"))).await;
    served.add(["BTC", "ETH"].map(|coin| ratio(coin, "1h", 0, "2"))).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "long_short_ratio", "key": "*", "interval": "1h" })).await;
    let snapshot = client.hear_until("snapshot").await;
    assert_eq!(snapshot["payload"]["interval"], "1h");
    assert_eq!(snapshot["payload"]["data"].as_array().unwrap().len(), 2);
    let written = served.append([ratio("ETH", "1m", 60_000, "8"), ratio("ETH", "1h", 3_600_000, "9")]);
    served.publish(&written);
    assert_eq!(client.hear().await["payload"]["data"]["close"], "9");
}

async fn subscribing_twice_and_unsubscribing_twice_change_nothing(url: String) {
    let mut served = serve(&url).await;
    served.add([position("BTC", 1, "1")]).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("positions", "BTC").await;
    client.hear_until("snapshot").await;
    client.subscribe("positions", "BTC").await;
    assert_eq!(
        client.hear().await["payload"],
        json!({ "sub_id": 1, "channel": "positions", "key": "BTC", "already": true })
    );
    let heard = served.append([position("BTC", 1, "2")]);
    served.publish(&heard);
    assert_eq!(client.hear().await["payload"]["seq"], 2, "there was no second snapshot");

    client.say("unsubscribe", json!({ "channel": "positions", "key": "BTC" })).await;
    assert_eq!(client.hear().await["type"], "unsubscribed");
    let unheard = served.append([position("BTC", 1, "3")]);
    served.publish(&unheard);
    client.say("unsubscribe", json!({ "channel": "positions", "key": "BTC" })).await;
    let again = client.hear().await;
    assert_eq!((&again["type"], &again["payload"]["already"]), (&json!("unsubscribed"), &json!(true)));

    served.store(&heard).await;
    served.store(&unheard).await;
    client.subscribe("positions", "BTC").await;
    let snapshot = client.hear_until("snapshot").await;
    assert_eq!((&snapshot["payload"]["seq"], &snapshot["payload"]["data"][0]["size"]), (&json!(1), &json!("3")));
}

async fn subscriptions_are_independent(url: String) {
    let mut served = serve(&url).await;
    served.add([position("BTC", 1, "1"), position("ETH", 1, "1"), position("BTC", 2, "1")]).await;
    let mut client = Client::connect(served.address).await;
    let wallet = wallet(2).to_string();
    for key in ["ETH", wallet.to_uppercase().replace("0X", "0x").as_str()] {
        client.subscribe("positions", key).await;
        client.hear_until("snapshot").await;
    }
    let written = served.append([position("ETH", 2, "5")]);
    served.publish(&written);
    let keys: BTreeSet<String> =
        [client.hear().await, client.hear().await].map(|frame| frame["payload"]["key"].to_string()).into();
    assert_eq!(keys, BTreeSet::from(["\"ETH\"".to_owned(), format!("\"{wallet}\"")]));
    client.say("unsubscribe", json!({ "channel": "positions", "key": "ETH" })).await;
    client.hear_until("unsubscribed").await;
    let written = served.append([position("ETH", 2, "6")]);
    served.publish(&written);
    let update = client.hear().await;
    assert_eq!((&update["payload"]["key"], &update["payload"]["seq"]), (&json!(wallet), &json!(3)));
}

async fn nothing_is_told_before_the_present_is_known(url: String) {
    let served = super::fixture::serve_not_ready(&url).await;
    assert_eq!(served.bad("/api/v1/prices").await, (503, "NOT_READY".to_owned()));
    assert_eq!(served.bad("/api/v1/markets").await, (503, "NOT_READY".to_owned()));
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/api/v1/ws", served.address)).await;
    assert!(refused.unwrap_err().to_string().contains("503"));
    served.live.is_present();
    drop(Client::connect(served.address).await);
}

async fn what_is_not_understood_is_answered_and_does_not_close(url: String) {
    let served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    for (text, code) in [
        ("{", "BAD_MESSAGE"),
        (r#"{"type":"subscribe","payload":7}"#, "BAD_MESSAGE"),
        (r#"{"type":"dance","payload":{}}"#, "UNKNOWN_TYPE"),
        (r#"{"type":"subscribe","payload":{"key":"BTC"}}"#, "MISSING_CHANNEL"),
        (r#"{"type":"subscribe","payload":{"channel":"moods","key":"BTC"}}"#, "UNKNOWN_CHANNEL"),
        (r#"{"type":"subscribe","payload":{"channel":"positions"}}"#, "MISSING_KEY"),
        (
            r#"{"type":"subscribe","payload":{"channel":"long_short_ratio","key":"BTC","interval":"7m"}}"#,
            "INVALID_INTERVAL",
        ),
    ] {
        client.say_text(text.to_owned()).await;
        let error = client.hear().await;
        assert_eq!((&error["type"], &error["payload"]["code"]), (&json!("error"), &json!(code)), "{text}");
    }
    client.say("dance", json!({ "request_id": { "any": 1 } })).await;
    assert_eq!(client.hear().await["payload"]["request_id"], json!({ "any": 1 }));
    client.say("ping", json!({})).await;
    assert_eq!(client.hear().await["type"], "pong");
}

async fn there_is_an_end_to_subscriptions(url: String) {
    let served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    for hundred in 0..10 {
        let keys: Vec<String> = (0..100).map(|n| format!("C{hundred}{n:02}")).collect();
        client.say("subscribe", json!({ "channel": "positions", "keys": keys })).await;
        for _ in 0..100 {
            client.hear_until("subscribed").await;
        }
    }
    client.subscribe("positions", "C1000").await;
    assert_eq!(client.hear_until("error").await["payload"]["code"], "TOO_MANY_SUBSCRIPTIONS");
}

async fn who_sends_too_much_is_closed(url: String) {
    let served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    client.say_text(" ".repeat(70_000)).await;
    assert_eq!(client.hear_the_end().await.1, 1009);
}

async fn who_does_not_read_is_cut_off(url: String) {
    let mut served = serve(&url).await;
    let mut slow = Client::connect(served.address).await;
    slow.subscribe("positions", "*").await;
    slow.hear_until("snapshot").await;
    // More than the queue and the network's own buffers hold.
    for n in 0..200 {
        let written = served.append((0..200).map(|m| position("BTC", n * 200 + m, "1")));
        served.publish(&written);
        tokio::task::yield_now().await;
    }
    let (last, code) = slow.hear_the_end().await;
    let last = last.unwrap();
    assert_eq!((last["type"].as_str(), code), (Some("lagged"), 4009));
    let lost = &last["payload"];
    assert_eq!((&lost["sub_id"], &lost["channel"], &lost["key"]), (&json!(1), &json!("positions"), &json!("*")));
    assert!(lost["dropped"].as_u64().unwrap() > 10_000, "{lost}");
    assert!(lost["first_lost_seq"].as_u64().unwrap() > 1, "{lost}");
}

async fn a_stop_is_said_before_the_end(url: String) {
    let served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("positions", "*").await;
    client.hear_until("snapshot").await;
    assert!(served.live.is_heard());
    served.stop.send(true).unwrap();
    let (last, code) = client.hear_the_end().await;
    assert_eq!((last.unwrap()["type"].as_str(), code), (Some("shutdown"), 1012));
    drop(client);
    while served.live.is_heard() {
        tokio::task::yield_now().await;
    }
}

async fn where_live_results_begin_is_only_moved_forward(url: String) {
    let mut served = serve(&url).await;
    let topic = &schemas::topics::POSITIONS;
    served.live.begin(topic, 0, 5);
    served.live.begin(topic, 0, 3);
    assert_eq!(served.live.next().get(&("positions", 0)), Some(&5));
    let written = served.append([position("BTC", 1, "1")]);
    served.publish(&written);
    let partition = *written.parts.keys().next().unwrap();
    assert_eq!(served.live.next().get(&("positions", partition)), Some(&1));
}
