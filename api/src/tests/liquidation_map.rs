//! The liquidation map: as a reply, its history, and live.

use schemas::{LiquidationMap, MapBin, examples, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{market, serve};
use super::place::on_both;

on_both! {
    the_latest_map_is_told_with_what_is_cumulative,
    a_page_is_no_longer_than_it_can_be_told,
    what_is_cumulative_begins_at_the_mark,
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
    assert_eq!(cumulative(&bins[1]), (json!("240000"), Value::Null), "a falling mark comes here first");
    assert_eq!(cumulative(&bins[0]), (json!("360000"), Value::Null));
    assert_eq!(data["reason"], Value::Null);
    assert_eq!(told["meta"]["as_of"], example["clock"]);
    for (query, code) in [
        ("interval=1h", "INVALID_INTERVAL"),
        ("period=1h", "INVALID_INTERVAL"),
        ("interval=15m&interval=15m", "REPEATED_PARAMETER"),
        ("interval=15m&period=15m", "REPEATED_PARAMETER"),
    ] {
        assert_eq!(
            served.bad(&format!("/api/v1/liquidation-map/BTC?{query}")).await,
            (400, code.to_owned()),
            "{query}"
        );
    }
    assert_eq!(served.good("/api/v1/liquidation-map/BTC?period=15m").await["data"], *data);
    let history = served.good("/api/v1/liquidation-map/BTC/history?interval=15m&limit=2").await;
    let times: Vec<&Value> = history["data"].as_array().unwrap().iter().map(|map| &map["time"]).collect();
    assert_eq!(times, [&json!(map(2).time), &json!(map(1).time)]);
    assert_eq!(history["meta"]["complete"], false, "there is a third one");
}

/// However many are asked for, and the rest is behind the cursor.
async fn a_page_is_no_longer_than_it_can_be_told(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    served.add((0..450).map(map)).await;
    let (mut times, mut cursor) = (Vec::new(), String::new());
    for expected in [200, 200, 50] {
        let path = format!("/api/v1/liquidation-map/BTC/history?order=asc&limit=1000{cursor}");
        let page = served.good(&path).await;
        let rows = page["data"].as_array().unwrap();
        assert_eq!((rows.len(), page["meta"]["next_cursor"].is_null()), (expected, expected < 200));
        times.extend(rows.iter().map(|row| row["time"].as_i64().unwrap()));
        cursor = format!("&cursor={}", page["meta"]["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!(times, (0..450).map(|n| map(n).time).collect::<Vec<_>>());
}

/// Longs above the mark are liquidated by no fall of it, shorts below by no rise.
async fn what_is_cumulative_begins_at_the_mark(url: String) {
    let mut served = serve(&url).await;
    let largest = "79228162514264337593543950335";
    let mut around = map(0);
    around.mark_px = "60050".parse().unwrap();
    around.bins = vec![
        bin(57_600, Some("240000"), None),
        bin(59_900, None, Some("5")),
        bin(60_000, Some("1000"), Some("300")),
        bin(60_100, Some("7"), Some("20")),
        bin(62_000, None, Some("20000")),
    ];
    let mut too_large = LiquidationMap { time: around.time + 900_000, ..around.clone() };
    too_large.bins = vec![bin(59_000, Some("1"), None), bin(59_500, Some(largest), None)];
    served.add([market("BTC", false), market("ETH", false)]).await;
    served.add([around, LiquidationMap { coin: schemas::Coin::new("ETH"), ..too_large }]).await;
    let told = served.good("/api/v1/liquidation-map/BTC").await["data"].clone();
    assert_eq!(cumulative(&told), [["241000", "-"], ["1000", "-"], ["1000", "300"], ["-", "320"], ["-", "20320"]]);
    assert_eq!(told["reason"], Value::Null);
    let told = served.good("/api/v1/liquidation-map/ETH").await["data"].clone();
    assert_eq!(cumulative(&told), [["-", "-"], [largest, "-"]]);
    assert_eq!(told["reason"], "too_large_to_be_exact");
}

fn bin(price_low: i64, long: Option<&str>, short: Option<&str>) -> MapBin {
    let (bands, sizes) = (["0"; 4], ["0"; 6]);
    let held = |notional: &str| json!({ "positions": 1, "notional": notional, "exact": "0", "leverage": bands, "cohorts": sizes });
    let (low, high) = (price_low.to_string(), (price_low + 100).to_string());
    let mut bin = json!({ "price_low": low, "price_high": high });
    long.into_iter().for_each(|notional| bin["long"] = held(notional));
    short.into_iter().for_each(|notional| bin["short"] = held(notional));
    serde_json::from_value(bin).unwrap()
}

fn cumulative(map: &Value) -> Vec<[String; 2]> {
    let names = ["long_cumulative", "short_cumulative"];
    let of = |bin: &Value| names.map(|name| bin[name].as_str().unwrap_or("-").to_owned());
    map["bins"].as_array().unwrap().iter().map(of).collect()
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
