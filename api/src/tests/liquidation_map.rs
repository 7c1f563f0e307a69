//! The liquidation map: as a reply, its history, and live.

use schemas::{LiquidationMap, examples, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{market, serve};
use super::place::on_both;

on_both! {
    the_latest_map_is_told_with_what_is_cumulative,
    a_subscription_is_the_latest_map_and_then_each_one,
}

/// The example of the contract, in one of its quarters of an hour.
fn map(quarter: i64) -> LiquidationMap {
    let (_, bytes) = examples::of(&topics::LIQUIDATION_MAP).into_iter().find(|(case, _)| case != "clock").unwrap();
    let mut map: LiquidationMap = serde_json::from_slice(&bytes).unwrap();
    map.time += quarter * 900_000;
    map.clock += quarter * 900_000;
    map
}

async fn the_latest_map_is_told_with_what_is_cumulative(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    let none = served.good("/api/v1/liquidation-map/BTC").await;
    assert_eq!(none["data"], Value::Null);
    served.add([map(0), map(2), map(1)]).await;
    let told = served.good("/api/v1/liquidation-map/btc").await;
    let (data, example) = (&told["data"], serde_json::to_value(map(2)).unwrap());
    for field in ["coin", "interval", "time", "mark_px", "open_interest", "long", "short", "complete", "block", "clock"]
    {
        assert_eq!(data[field], example[field], "{field}");
    }
    let bins = data["bins"].as_array().unwrap();
    assert_eq!(bins[0]["long"], example["bins"][0]["long"]);
    let cumulative = |bin: &Value| (bin["long_cumulative"].clone(), bin["short_cumulative"].clone());
    assert_eq!(cumulative(&bins[1]), (json!("240000"), json!("0")), "a falling mark comes here first");
    assert_eq!(cumulative(&bins[0]), (json!("360000"), json!("0")));
    assert_eq!(told["meta"]["as_of"], example["clock"]);
    assert_eq!(served.bad("/api/v1/liquidation-map/BTC?interval=1h").await, (400, "INVALID_INTERVAL".to_owned()));
    let history = served.good("/api/v1/liquidation-map/BTC/history?interval=15m&limit=2").await;
    let times: Vec<&Value> = history["data"].as_array().unwrap().iter().map(|map| &map["time"]).collect();
    assert_eq!(times, [&json!(map(2).time), &json!(map(1).time)]);
    assert_eq!(history["meta"]["complete"], false, "there is a third one");
}

async fn a_subscription_is_the_latest_map_and_then_each_one(url: String) {
    let mut served = serve(&url).await;
    served.add([map(0), map(1)]).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("liquidation_map", "BTC").await;
    let snapshot = client.hear_until("snapshot").await;
    let rows = snapshot["payload"]["data"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["time"]), (1, &json!(map(1).time)));
    let written = served.append([map(2)]);
    served.publish(&written);
    let update = client.hear_until("update").await;
    assert_eq!(update["payload"]["data"]["time"], json!(map(2).time));
    assert_eq!(update["payload"]["data"]["bins"][0]["long_cumulative"], "360000");
}
