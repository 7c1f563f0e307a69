//! Liquidations: orders and episodes, how they are chosen, paged and told live.

use schemas::{Amount, LiquidationEpisode, LiquidationOrder, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{Served, market, serve, wallet};
use super::place::on_both;

on_both! {
    orders_are_told_as_they_are,
    orders_are_chosen_by_each_parameter,
    orders_are_told_in_pages_of_either_order,
    a_notional_is_compared_to_the_last_digit,
    episodes_are_final_or_still_grow,
    a_wrong_choice_is_told,
    a_subscription_begins_with_the_latest_fifty_and_hears_orders_alone,
}

fn order(coin: &str, n: u32, block: u64, method: &str, notional: Option<&str>) -> LiquidationOrder {
    serde_json::from_value(json!({
        "coin": coin, "wallet": wallet(n), "side": if n.is_multiple_of(2) { "long" } else { "short" },
        "method": method, "block": block, "time": block * 10, "fills": 2, "size": "1.50", "notional": notional,
        "average_px": notional.map(|_| "67"), "mark_px": "67.0", "closed_pnl": "-3", "remaining": "0.0",
    }))
    .unwrap()
}

fn episode(coin: &str, n: u32, first_block: u64, r#final: bool) -> LiquidationEpisode {
    serde_json::from_value(json!({
        "coin": coin, "wallet": wallet(n), "side": "long", "first_block": first_block, "last_block": first_block + 3,
        "first_time": first_block * 10, "last_time": first_block * 10 + 30, "orders": 2, "fills": 4, "size": "3.0",
        "notional": "200.5", "average_px": "66.8", "backstop_notional": "100", "adl_size": "0", "adl_notional": "0",
        "closed_pnl": "-6", "remaining": "0.0", "complete": true, "final": r#final, "clock": 900,
    }))
    .unwrap()
}

fn blocks(reply: &Value) -> Vec<u64> {
    let rows = reply["data"].as_array().unwrap();
    rows.iter().map(|row| row["block"].as_u64().or(row["first_block"].as_u64()).unwrap()).collect()
}

async fn orders_are_told_as_they_are(url: String) {
    let mut served = serve(&url).await;
    served.add([order("BTC", 2, 8, "backstop", Some("100.50")), order("ETH", 3, 7, "adl", None)]).await;
    served.compute(&[&topics::LIQUIDATIONS]).await;
    let all = served.good("/api/v1/liquidations").await;
    assert_eq!(
        all["data"][0],
        json!({
            "coin": "BTC", "wallet": wallet(2).to_string(), "side": "long", "method": "backstop", "block": 8,
            "time": 80, "fills": 2, "size": "1.50", "notional": "100.50", "average_px": "67", "mark_px": "67.0",
            "closed_pnl": "-3", "remaining": "0.0", "id": all["data"][0]["id"],
        })
    );
    assert_eq!(
        (&all["data"][1]["notional"], &all["data"][1]["reason"]),
        (&Value::Null, &json!("too_large_to_be_exact"))
    );
    let meta = &all["meta"];
    assert_eq!((&meta["schema"], &meta["watermark"]), (&json!("liquidation-order/1"), &json!(900)));
    assert!(meta["definition"].as_str().unwrap().contains("victim's leg only"), "{meta}");
}

async fn orders_are_chosen_by_each_parameter(url: String) {
    let mut served = serve(&url).await;
    served.add([market("SOL", false)]).await;
    served
        .add([
            order("BTC", 1, 1, "market", Some("100")),
            order("BTC", 2, 2, "backstop", Some("2000.5")),
            order("ETH", 3, 3, "adl", Some("30")),
            order("ETH", 4, 4, "market", None),
        ])
        .await;
    served.compute(&[&topics::LIQUIDATIONS]).await;
    let wallet = wallet(2).to_string();
    for (query, found) in [
        ("coin=btc", vec![2, 1]),
        ("coin=SOL", vec![]),
        ("side=short", vec![3, 1]),
        ("method=market", vec![4, 1]),
        ("method=adl", vec![3]),
        (format!("wallet={wallet}").as_str(), vec![2]),
        ("coin=BTC&side=long&method=backstop", vec![2]),
        ("min_notional=100", vec![4, 2, 1]),
        ("start_time=20&end_time=40", vec![2, 3]),
        ("startTime=20&order=desc", vec![4, 3, 2]),
        ("endTime=20", vec![1]),
        ("limit=1", vec![4]),
    ] {
        assert_eq!(blocks(&served.good(&format!("/api/v1/liquidations?{query}")).await), found, "{query}");
    }
}

async fn orders_are_told_in_pages_of_either_order(url: String) {
    let mut served = serve(&url).await;
    let coins = ["BTC", "ETH", "kPEPE"];
    // Several of the same time, and of the same block.
    served.add((0..250).map(|n| order(coins[n as usize % 3], n % 7, u64::from(n) / 4, "market", Some("1")))).await;
    let whole = served.good("/api/v1/liquidations?limit=1000").await["data"].as_array().unwrap().clone();
    assert!(whole.len() > 200, "{}", whole.len());
    for (query, expected) in [("", whole.clone()), ("&order=asc", whole.iter().rev().cloned().collect())] {
        assert_eq!(pages(&served, query).await, expected, "{query}");
    }
    for (query, column, value) in [
        ("&coin=ETH", "coin", json!("ETH")),
        ("&coin=eth-usdt", "coin", json!("ETH")),
        ("&side=long", "side", json!("long")),
    ] {
        let expected: Vec<Value> = whole.iter().filter(|row| row[column] == value).cloned().collect();
        assert_eq!(pages(&served, query).await, expected, "{query}");
    }
    let cursor = served.good("/api/v1/liquidations?limit=1").await["meta"]["next_cursor"].as_str().unwrap().to_owned();
    for other in ["liquidations?order=asc&", "liquidations/episodes?", "positions?"] {
        let path = format!("/api/v1/{other}cursor={cursor}");
        assert_eq!(served.bad(&path).await, (400, "INVALID_CURSOR".to_owned()), "{other}");
    }
}

async fn pages(served: &Served, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.good(&format!("/api/v1/liquidations?limit=30{query}{cursor}")).await;
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        let next = page["meta"]["next_cursor"].as_str();
        assert_eq!(page["meta"]["complete"].as_bool().unwrap(), next.is_none());
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

async fn a_notional_is_compared_to_the_last_digit(url: String) {
    let mut served = serve(&url).await;
    let notionals =
        ["0", "0.5", "9.99", "9.990", "10", "99999999999999999.9999999999", "100000000000000000.00000000000"];
    served.add((1..).zip(notionals).map(|(block, notional)| order("BTC", 1, block, "market", Some(notional)))).await;
    for (least, found) in [
        ("0", 7),
        ("0.0", 7),
        ("0.50", 6),
        ("0.51", 5),
        ("9.99", 5),
        ("9.9900", 5),
        ("9.991", 3),
        ("10.0", 3),
        ("99999999999999999.9999999999", 2),
        ("99999999999999999.99999999991", 1),
        ("100000000000000000", 1),
        ("100000000000000000.00000000001", 0),
    ] {
        let reply = served.good(&format!("/api/v1/liquidations?min_notional={least}")).await;
        assert_eq!(blocks(&reply).len(), found, "{least}");
    }
}

async fn episodes_are_final_or_still_grow(url: String) {
    let mut served = serve(&url).await;
    served.add([order("BTC", 2, 12, "backstop", Some("100")), order("BTC", 2, 30, "adl", Some("100"))]).await;
    let mut only_adl = episode("ETH", 6, 30, true);
    (only_adl.average_px, only_adl.complete) = (None, false);
    (only_adl.backstop_notional, only_adl.adl_size) = (Some(Amount::ZERO), Amount::from(3));
    served
        .add([episode("BTC", 2, 10, false), episode("BTC", 2, 10, true), episode("BTC", 4, 20, false), only_adl])
        .await;
    let all = served.good("/api/v1/liquidations/episodes").await;
    assert_eq!(
        all["data"][2],
        json!({
            "coin": "BTC", "wallet": wallet(2).to_string(), "side": "long", "first_block": 10, "last_block": 13,
            "first_time": 100, "last_time": 130, "orders": 2, "fills": 4, "size": "3.0", "notional": "200.5",
            "average_px": "66.8", "backstop_notional": "100", "adl_size": "0", "adl_notional": "0", "closed_pnl": "-6",
            "remaining": "0.0", "complete": true, "final": true, "clock": 900,
        })
    );
    assert_eq!(
        (&all["data"][0]["reason"], &all["meta"]["complete"]),
        (&json!("nothing_but_auto_deleveraging"), &json!(false))
    );
    assert_eq!(all["meta"]["schema"], "liquidation-episode/1");
    for (query, found) in [
        ("", vec![30, 20, 10]),
        ("final=true", vec![30, 10]),
        ("final=false", vec![30, 20, 10]),
        ("coin=BTC&order=asc", vec![10, 20]),
        ("method=backstop", vec![20, 10]),
        ("method=backstop&sort=notional&order=asc", vec![10, 20]),
        ("method=adl", vec![30]),
        ("end_time=200", vec![10]),
        ("min_notional=200.6", vec![]),
    ] {
        assert_eq!(blocks(&served.good(&format!("/api/v1/liquidations/episodes?{query}")).await), found, "{query}");
    }
    let first = served.good("/api/v1/liquidations/episodes?limit=2").await;
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    assert_eq!(blocks(&served.good(&format!("/api/v1/liquidations/episodes?cursor={cursor}")).await), [10]);
}

async fn a_wrong_choice_is_told(url: String) {
    let served = serve(&url).await;
    for (query, code) in [
        ("?side=flat", "INVALID_SIDE"),
        ("?method=gentle", "INVALID_METHOD"),
        ("?min_notional=much", "INVALID_NOTIONAL"),
        ("?min_notional=-1", "INVALID_NOTIONAL"),
        ("?start_time=5&end_time=5", "INVALID_TIME_RANGE"),
        ("?final=true", "UNKNOWN_PARAMETER"),
        ("/episodes?final=maybe", "INVALID_FINAL"),
        ("/episodes?at_least=1", "UNKNOWN_PARAMETER"),
    ] {
        assert_eq!(served.bad(&format!("/api/v1/liquidations{query}")).await, (400, code.to_owned()), "{query}");
    }
}

async fn a_subscription_begins_with_the_latest_fifty_and_hears_orders_alone(url: String) {
    let mut served = serve(&url).await;
    served.add((0..60).map(|n| order("BTC", 2, n, "market", Some("1")))).await;
    served.add([order("ETH", 3, 70, "adl", Some("1"))]).await;
    let mut client = Client::connect(served.address).await;
    for (key, first, last) in [("*", 11, 70), ("BTC", 10, 59), (wallet(3).to_string().as_str(), 70, 70)] {
        client.subscribe("liquidations", key).await;
        let snapshot = client.hear_until("snapshot").await;
        let told = blocks(&snapshot["payload"]);
        assert!(told.is_sorted() && told.len() <= 50, "{told:?}");
        assert_eq!((told[0], told[told.len() - 1]), (first, last), "{key}");
    }
    let grown = served.append([episode("ETH", 3, 70, false)]);
    served.publish(&grown);
    let written = served.append([order("ETH", 3, 80, "market", Some("5.0"))]);
    served.publish(&written);
    let mut told = [client.hear().await, client.hear().await];
    told.sort_by_key(|frame| frame["payload"]["key"].to_string());
    let keys = told.each_ref().map(|frame| frame["payload"]["key"].as_str().unwrap());
    assert_eq!(keys, ["*", wallet(3).to_string().as_str()]);
    served.store(&grown).await;
    served.store(&written).await;
    assert_eq!(told[0]["payload"]["data"], served.good("/api/v1/liquidations?limit=1").await["data"][0]);
}
