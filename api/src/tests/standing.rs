//! What replies say they stand on: the clocks that the sink stored with the rows.

use schemas::{ResultClock, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{clock, market, position, ratio, serve};
use super::place::on_both;

on_both! {
    a_watermark_is_the_earliest_clock_of_all_partitions,
    what_was_never_computed_says_what_it_needs,
    the_head_is_the_latest_clock_that_was_told,
}

async fn a_watermark_is_the_earliest_clock_of_all_partitions(url: String) {
    let mut served = serve(&url).await;
    served.add([position("BTC", 1, "1")]).await;
    let meta = served.good("/api/v1/positions").await["meta"].clone();
    assert_eq!((&meta["watermark"], &meta["block_height"]), (&Value::Null, &Value::Null));
    assert_eq!((&meta["coverage"]["since_time"], &meta["reason"]), (&Value::Null, &Value::Null), "there are rows");

    served.compute(&[&topics::POSITION_RISKS]).await;
    let mut early = served.tick(&topics::POSITIONS, ResultClock { since_time: 5, since_block: 2, ..clock(900) });
    let late = early.parts.split_off(&3);
    served.store(&early).await;
    assert_eq!(served.good("/api/v1/positions").await["meta"]["watermark"], Value::Null, "one has no clock yet");
    early.parts = late;
    served.store(&early).await;
    let mut second = served.tick(&topics::POSITIONS, clock(1800));
    second.parts.retain(|partition, _| *partition != 0);
    served.store(&second).await;
    let meta = served.good("/api/v1/positions").await["meta"].clone();
    assert_eq!((&meta["watermark"], &meta["block_height"]), (&json!(900), &json!(99)));
    assert_eq!(meta["coverage"]["since_time"], 5, "the latest beginning is the beginning of all");
    assert_eq!(served.good("/api/v1/markets").await["meta"]["watermark"], Value::Null);
}

async fn what_was_never_computed_says_what_it_needs(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    let empty = [
        ("/api/v1/positions?coin=btc", json!([])),
        ("/api/v1/long-short-ratio/BTC", Value::Null),
        ("/api/v1/long-short-ratio/BTC/history", json!([])),
        ("/api/v1/liquidations?coin=BTC", json!([])),
        ("/api/v1/liquidations/episodes", json!([])),
    ];
    for (path, data) in &empty {
        let reply = served.good(path).await;
        assert_eq!((&reply["data"], &reply["meta"]["reason"]), (data, &json!("needs_node_fills")), "{path}");
    }
    served.compute(&[&topics::POSITIONS, &topics::LONG_SHORT_RATIOS, &topics::LIQUIDATIONS]).await;
    for (path, data) in &empty {
        let reply = served.good(path).await;
        let reason = if *data == Value::Null { json!("nothing_traded_yet") } else { Value::Null };
        assert_eq!((&reply["data"], &reply["meta"]["reason"]), (data, &reason), "{path}");
    }
    assert_eq!(served.bad("/api/v1/liquidations?coin=NOPE").await, (404, "UNKNOWN_COIN".to_owned()));
}

async fn the_head_is_the_latest_clock_that_was_told(url: String) {
    let mut served = serve(&url).await;
    let mut client = Client::connect(served.address).await;
    served.add([ratio("BTC", "1m", 0, "1")]).await;
    for (topic, next) in served.next.clone() {
        served.live.begin(&topics::LONG_SHORT_RATIOS, topic.1, next);
    }
    client.subscribe("long_short_ratio", "BTC").await;
    client.hear_until("snapshot").await;
    let ticked = served.tick(&topics::LONG_SHORT_RATIOS, clock(1800));
    served.publish(&ticked);
    let written = served.append([ratio("BTC", "1m", 60_000, "2")]);
    served.publish(&written);
    let update = client.hear().await;
    assert_eq!((&update["payload"]["seq"], &update["payload"]["data"]["close"]), (&json!(2), &json!("2")));
    assert_eq!(served.live.head(), Some(clock(1800)));
    let status = served.good("/api/v1/status").await;
    assert_eq!((&status["data"]["head_time"], &status["data"]["head_block"]), (&json!(1800), &json!(199)));
    assert_eq!((&status["data"]["clock"], &status["meta"]["watermark"]), (&Value::Null, &Value::Null));
    served.store(&ticked).await;
    served.compute(&[&topics::POSITIONS, &topics::LIQUIDATIONS]).await;
    let status = served.good("/api/v1/status").await;
    assert_eq!((&status["data"]["clock"], &status["meta"]["as_of"]), (&json!(900), &json!(900)));
}
