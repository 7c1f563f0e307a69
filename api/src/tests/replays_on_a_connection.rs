//! A stretch of the past as a subscription: marked, apart from everything live, and over when it is over.

use std::sync::atomic::Ordering;

use schemas::{LiquidationOrder, WhaleActivity};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{Served, market, position, wallet};
use super::kept::{Kept, WATERMARK};
use super::place::on_both;
use super::replays::order;
use crate::Unread;

on_both! {
    each_row_is_marked_and_the_end_is_told,
    nobody_hears_what_is_replayed_but_who_asked_for_it,
    who_hears_the_past_hears_nothing_live,
    what_is_live_goes_before_the_past,
    it_is_ended_by_its_number,
    what_cannot_be_replayed_is_said,
}

fn whale(time: i64) -> WhaleActivity {
    serde_json::from_value(json!({
        "wallet": wallet(1), "id": format!("{time}-deposit"), "action": "deposit", "time": time, "notional": "2000000",
        "threshold": "100000", "rule": { "floor": "100000", "share_of_volume": "0.0001" },
        "flow": { "amount": "2000000", "token": "USDC", "ledger_type": "deposit" },
    }))
    .unwrap()
}

fn wish(channel: &str, key: &str, stretch: &Value) -> Value {
    json!({ "channel": channel, "key": key, "replay": stretch })
}

fn at_once(from: i64, to: i64) -> Value {
    json!({ "from": from, "to": to, "speed": "max" })
}

async fn replay(client: &mut Client, channel: &str, key: &str, stretch: &Value) -> Value {
    client.say("subscribe", wish(channel, key, stretch)).await;
    client.hear_until("subscribed").await["payload"].clone()
}

/// What comes before the answer to a ping: all that was on its way.
async fn hears_meanwhile(client: &mut Client) -> Vec<Value> {
    client.say("ping", json!({ "request_id": "now" })).await;
    let mut heard = Vec::new();
    loop {
        let frame = client.hear().await;
        match frame["type"].as_str().unwrap() {
            "pong" => return heard,
            "heartbeat" => {}
            _ => heard.push(frame),
        }
    }
}

async fn each_row_is_marked_and_the_end_is_told(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    served.add([market("BTC", false)]).await;
    kept.keep(served.append((0..300).map(|n| order(100_000 + n, ["BTC", "ETH"][n as usize % 2]))));
    kept.keep(served.append((0..5).map(|n| position("BTC", n, "1"))));
    let mut client = Client::connect(served.address).await;
    let begun = replay(&mut client, "liquidations", "btc", &at_once(100_000, WATERMARK * 2)).await;
    let stretch = json!({ "from": 100_000, "to": WATERMARK, "speed": "max" });
    assert_eq!((&begun["key"], &begun["conflated"], &begun["replay"]), (&json!("BTC"), &json!(false), &stretch));
    for n in (2..300).step_by(2) {
        let frame = client.hear().await;
        assert_eq!((&frame["type"], &frame["payload"]["replayed"]), (&json!("update"), &json!(true)));
        assert_eq!(frame["payload"]["data"]["time"], 100_000 + n);
    }
    let ended = client.hear().await;
    assert_eq!(
        ended["payload"],
        json!({
            "sub_id": begun["sub_id"], "channel": "liquidations", "key": "BTC", "from": 100_000, "to": WATERMARK,
            "rows": 149, "complete": true, "reason": "complete",
        })
    );
    client.say("list", json!({})).await;
    assert_eq!(client.hear().await["payload"]["subscriptions"], json!([]), "it is there no longer");
    client.say("unsubscribe", json!({ "sub_id": begun["sub_id"] })).await;
    assert_eq!(client.hear().await["payload"]["already"], true);
    // What is conflated live is conflated where its log keeps of each key the last.
    let begun = replay(&mut client, "positions", "*", &at_once(1, 900_000)).await;
    assert_eq!(begun["conflated"], true);
    assert_eq!(client.hear_until("replay_ended").await["payload"]["rows"], 5);
}

async fn nobody_hears_what_is_replayed_but_who_asked_for_it(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    kept.keep(served.append((0..50).map(|n| order(100_000 + n, "BTC"))));
    kept.keep(served.append((0..50).map(|n| whale(100_000 + n))));
    let mut other = Client::connect(served.address).await;
    let mut client = Client::connect(served.address).await;
    let mut live = Vec::new();
    for channel in ["liquidations", "whale_activities"] {
        for hearing in [&mut other, &mut client] {
            hearing.subscribe(channel, "*").await;
            let snapshot = hearing.hear_until("snapshot").await;
            live.push(snapshot["payload"]["sub_id"].clone());
        }
    }
    for channel in ["liquidations", "whale_activities"] {
        let begun = replay(&mut client, channel, "*", &at_once(1, 900_000)).await;
        assert!(!live.contains(&begun["sub_id"]), "it is a subscription of its own");
        for _ in 0..50 {
            let frame = client.hear().await;
            assert_eq!(frame["payload"]["sub_id"], begun["sub_id"], "{frame}");
            assert_eq!(frame["payload"]["replayed"], true, "{frame}");
        }
        assert_eq!(client.hear().await["type"], "replay_ended");
        let query = format!("/api/v1/replay?channel={channel}&from=1&to=900000&speed=max");
        assert_eq!(served.get_text(&query).await.2.lines().count(), 51);
    }
    for hearing in [&mut other, &mut client] {
        assert_eq!(hears_meanwhile(hearing).await, Vec::<Value>::new(), "nobody else has heard any of it");
    }
    // What is live is heard on, by who listens to it.
    happens(&mut served, order(200_000, "BTC"));
    for hearing in [&mut other, &mut client] {
        let frame = hearing.hear_until("update").await;
        assert_eq!((&frame["payload"]["data"]["time"], frame["payload"].get("replayed")), (&json!(200_000), None));
    }
}

fn happens(served: &mut Served, order: LiquidationOrder) {
    let written = served.append([order]);
    served.publish(&written);
}

async fn who_hears_the_past_hears_nothing_live(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    kept.keep(served.append([order(100_000, "BTC"), order(3_700_000, "BTC")]));
    let mut client = Client::connect(served.address).await;
    // The second one is due in an hour.
    let begun = replay(&mut client, "liquidations", "BTC", &json!({ "from": 99_999, "to": 3_700_000 })).await;
    assert_eq!(client.hear().await["payload"]["data"]["time"], 100_000);
    happens(&mut served, order(8_000_000, "BTC"));
    assert_eq!(hears_meanwhile(&mut client).await, Vec::<Value>::new());
    // To what is live it may listen as well.
    client.subscribe("liquidations", "BTC").await;
    let live = client.hear_until("snapshot").await["payload"]["sub_id"].clone();
    happens(&mut served, order(8_000_001, "BTC"));
    let frame = client.hear().await;
    assert_eq!((&frame["type"], &frame["payload"]["sub_id"]), (&json!("update"), &live));
    assert_eq!(hears_meanwhile(&mut client).await, Vec::<Value>::new());
    client.say("list", json!({})).await;
    let listed = client.hear().await["payload"]["subscriptions"].clone();
    assert_eq!((&listed[0]["sub_id"], &listed[0]["replay"]["to"]), (&begun["sub_id"], &json!(3_700_000)));
    assert_eq!((&listed[1]["sub_id"], listed[1].get("replay")), (&live, None));
    // By what it is to, what is live is ended.
    client.say("unsubscribe", json!({ "channel": "liquidations", "key": "BTC" })).await;
    assert_eq!(client.hear().await["payload"]["sub_id"], live);
    client.say("list", json!({})).await;
    assert_eq!(client.hear().await["payload"]["subscriptions"][0]["sub_id"], begun["sub_id"]);
}

/// As many as fill every buffer between here and there many times.
const VERY_MANY: i64 = 200_000;

async fn what_is_live_goes_before_the_past(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    kept.keep(served.append((0..VERY_MANY).map(|n| order(100_000 + n, "BTC"))));
    let mut client = Client::connect(served.address).await;
    client.subscribe("whale_activities", "*").await;
    client.hear_until("snapshot").await;
    replay(&mut client, "liquidations", "*", &at_once(1, 900_000)).await;
    client.hear_until("update").await;
    let written = served.append([whale(8_000_000)]);
    served.publish(&written);
    let mut before = 0;
    while client.hear_until("update").await["payload"]["channel"] == "liquidations" {
        before += 1;
    }
    assert!(before < VERY_MANY / 2, "{before}");
}

async fn it_is_ended_by_its_number(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    kept.keep(served.append((0..VERY_MANY).map(|n| order(100_000 + n, "BTC"))));
    kept.keep(served.append([order(3_600_001, "BTC"), order(3_700_000, "BTC")]));
    // Of the second one a row is due at once, and another one much later.
    let long = json!({ "from": 3_600_000, "to": 3_700_000 });
    let mut client = Client::connect(served.address).await;
    for stretch in [&at_once(1, 900_000), &long] {
        let begun = replay(&mut client, "liquidations", "*", stretch).await;
        client.hear_until("update").await;
        client.say("unsubscribe", json!({ "sub_id": begun["sub_id"] })).await;
        let ended = client.hear_until("unsubscribed").await["payload"].clone();
        assert_eq!((&ended["sub_id"], ended.get("already")), (&begun["sub_id"], None));
        kept.ended().await;
        assert_eq!(hears_meanwhile(&mut client).await, Vec::<Value>::new(), "not even that it is over");
    }
    assert!(kept.handed_over.load(Ordering::Relaxed) < VERY_MANY.unsigned_abs() / 2);
    // And by its connection, with which everything ends.
    kept.keep(served.append((0..1_000).map(|n| order(3_601_000 + n, "ETH"))));
    replay(&mut client, "liquidations", "*", &long).await;
    client.hear_until("update").await;
    drop(client);
    kept.ended().await;
}

async fn what_cannot_be_replayed_is_said(url: String) {
    let kept = Kept::breaking_after(0, Unread::Gone);
    let served = kept.serve(&url).await;
    let mut client = Client::connect(served.address).await;
    replay(&mut client, "liquidations", "*", &at_once(1, 900)).await;
    let ended = client.hear_until("replay_ended").await["payload"].clone();
    assert_eq!(
        (&ended["reason"], &ended["complete"], &ended["rows"]),
        (&json!("not_retained"), &json!(false), &json!(0))
    );
    for (stretch, code) in [
        (json!(7), "INVALID_REPLAY"),
        (json!({}), "INVALID_REPLAY"),
        (json!({ "from": "now" }), "INVALID_REPLAY"),
        (json!({ "from": 1, "to": 1.5 }), "INVALID_REPLAY"),
        (json!({ "from": 1, "speed": 0 }), "INVALID_REPLAY"),
        (json!({ "from": 1, "speed": [] }), "INVALID_REPLAY"),
        (json!({ "from": 1, "until": 2 }), "INVALID_REPLAY"),
        (json!({ "from": 5, "to": 5 }), "INVALID_TIME_RANGE"),
        (json!({ "from": -86_400_001 }), "INVALID_TIME_RANGE"),
    ] {
        client.say("subscribe", wish("liquidations", "*", &stretch)).await;
        assert_eq!(client.hear_until("error").await["payload"]["code"], code, "{stretch}");
    }
    for beside in [json!({ "cursor": "1;0:7" }), json!({ "start_time": 1 })] {
        let mut asked = wish("liquidations", "*", &at_once(1, 900));
        asked.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        client.say("subscribe", asked).await;
        assert_eq!(client.hear_until("error").await["payload"]["code"], "INVALID_REPLAY");
    }
    client.say("list", json!({})).await;
    assert_eq!(client.hear_until("subscriptions").await["payload"]["subscriptions"], json!([]));
}
