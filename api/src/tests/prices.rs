//! Prices: the latest of each coin, as replies and live.

use schemas::Price;
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{market, serve};
use super::place::on_both;

on_both! {
    prices_are_told_without_any_fills,
    a_subscription_is_a_snapshot_and_then_every_price,
}

fn price(coin: &str, time: i64, mark_px: &str) -> Price {
    serde_json::from_value(json!({
        "coin": coin, "time": time, "mark_px": mark_px, "oracle_px": "67.10", "mid_px": "67.05",
        "funding": "-0.0000125", "open_interest": "12.5", "open_interest_notional": "837.5",
        "previous_day_px": "66", "day_notional": "1000.5",
    }))
    .unwrap()
}

async fn prices_are_told_without_any_fills(url: String) {
    let mut served = serve(&url).await;
    let mut one_sided = price("kPEPE", 8, "0.0123");
    one_sided.mid_px = None;
    assert_eq!(served.good("/api/v1/prices").await["meta"]["reason"], "no_price_yet");
    served.add([price("BTC", 8, "66"), price("BTC", 9, "67.00"), one_sided]).await;
    served.add([market("SOL", false)]).await;
    let all = served.good("/api/v1/prices").await;
    assert_eq!(
        all["data"][0],
        json!({
            "coin": "BTC", "time": 9, "mark_px": "67.00", "oracle_px": "67.10", "mid_px": "67.05",
            "funding": "-0.0000125", "open_interest": "12.5", "open_interest_notional": "837.5",
            "previous_day_px": "66", "day_notional": "1000.5",
        })
    );
    assert_eq!((&all["data"][1]["mid_px"], &all["data"][1]["reason"]), (&Value::Null, &json!("no_bid_or_no_ask")));
    assert_eq!((&all["meta"]["as_of"], &all["meta"]["schema"]), (&json!(9), &json!("price/1")));
    assert_eq!((&all["meta"]["watermark"], &all["meta"]["coverage"]["source"]), (&Value::Null, &json!("public feed")));
    assert_eq!(served.good("/api/v1/prices/kpepe-perp").await["data"]["coin"], "kPEPE");
    let none = served.good("/api/v1/prices/SOL").await;
    assert_eq!((&none["data"], &none["meta"]["reason"]), (&Value::Null, &json!("no_price_yet")));
    assert_eq!(served.bad("/api/v1/prices/NOPE").await, (404, "UNKNOWN_COIN".to_owned()));
    assert_eq!(served.good("/api/v1/positions?coin=btc").await["meta"]["reason"], "needs_node_fills");
}

async fn a_subscription_is_a_snapshot_and_then_every_price(url: String) {
    let mut served = serve(&url).await;
    served.add([price("BTC", 8, "66"), price("ETH", 8, "3")]).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("prices", "*").await;
    let snapshot = client.hear_until("snapshot").await;
    assert_eq!(snapshot["payload"]["data"].as_array().unwrap().len(), 2);
    client.subscribe("prices", "btc").await;
    assert_eq!(client.hear_until("snapshot").await["payload"]["data"].as_array().unwrap().len(), 1);
    let written = served.append([price("ETH", 9, "3.10")]);
    served.publish(&written);
    let update = client.hear().await;
    served.store(&written).await;
    assert_eq!(update["payload"]["data"], served.good("/api/v1/prices/ETH").await["data"]);
}
