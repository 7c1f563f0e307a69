//! Ratios of the whole market: asked for without a coin, subscribed to without a key, and asked for wrongly.

use schemas::{MarketRatio, MarketTakerFlow, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{ratio, serve};
use super::place::on_both;

on_both! {
    a_ratio_without_a_coin_is_of_the_whole_market,
    a_subscription_to_the_whole_market_needs_no_key,
    what_takers_of_all_perpetuals_bought_over_what_they_sold_is_a_kind_too,
}

fn of_market(kind: &str, cohort: Option<&str>, time: i64, close: &str) -> MarketRatio {
    let mut ratio = json!({
        "kind": kind, "interval": "1m", "time": time, "accounts": 7, "not_valued": 2, "long_accounts": 4,
        "short_accounts": 2, "long_ratio": "0.6", "short_ratio": "0.4", "open": close, "high": close, "low": close,
        "close": close, "oi_coverage_pct": "87.5", "complete": true, "final": true, "block": 7, "clock": time + 70_000,
    });
    if kind.ends_with("positions") {
        (ratio["long_notional"], ratio["short_notional"]) = (json!("6000.5"), json!("4000"));
    }
    cohort.into_iter().for_each(|cohort| ratio["cohort"] = json!(cohort));
    serde_json::from_value(ratio).unwrap()
}

async fn a_ratio_without_a_coin_is_of_the_whole_market(url: String) {
    let mut served = serve(&url).await;
    let path = "/api/v1/long-short-ratio";
    let nothing = served.good(path).await;
    assert_eq!((&nothing["data"], &nothing["meta"]["reason"]), (&Value::Null, &json!("needs_node_fills")));
    served.compute(&[&topics::MARKET_RATIOS]).await;
    assert_eq!(served.good(path).await["meta"]["reason"], "nothing_held_yet");
    served.add([of_market("accounts", None, 0, "1"), of_market("accounts", None, 60_000, "1.5")]).await;
    served.add([of_market("top_positions", None, 0, "2"), of_market("top_accounts", None, 0, "3")]).await;
    served.add([of_market("cohort_accounts", Some("whale"), 60_000, "4")]).await;
    served.add([ratio("BTC", "1m", 60_000, "9")]).await;
    let top = served.good(&format!("{path}?kind=top_positions")).await;
    let held = "in all coins together, long and short added up: 7";
    assert_eq!(
        top["data"],
        json!({
            "kind": "top_positions", "interval": "1m", "time": 0, "accounts": 7, "not_valued": 2, "long_accounts": 4,
            "definition": format!("the wallets that hold 1000000 USD or more {held}"),
            "short_accounts": 2, "long_notional": "6000.5", "short_notional": "4000", "long_ratio": "0.6",
            "short_ratio": "0.4", "long_short_ratio": "2", "open": "2", "high": "2", "low": "2", "close": "2",
            "oi_coverage_pct": "87.5", "complete": true, "final": true, "block": 7, "clock": 70_000,
        })
    );
    assert!(top["meta"]["definition"].as_str().unwrap().starts_with("what the wallets that the row defines hold"));
    let definition = async |query: &str| served.good(&format!("{path}{query}")).await["data"]["definition"].clone();
    assert_eq!(definition("").await, "all wallets with open positions: 7");
    let worth = format!("the wallets that hold from 1000000 to below 10000000 USD {held}");
    assert_eq!(definition("?kind=cohort_accounts&cohort=whale").await, worth);
    let page = async |query: &str| served.good(&format!("{path}/history{query}")).await;
    let closes = |page: &Value| -> Vec<Value> {
        page["data"].as_array().unwrap().iter().map(|row| row["close"].clone()).collect()
    };
    assert_eq!(closes(&page("").await), ["1.5", "1"]);
    assert_eq!(closes(&page("?order=asc&start_time=1").await), ["1.5"]);
    assert_eq!(closes(&page("?kind=top_account").await), ["3"]);
    assert_eq!(closes(&page("?interval=5m").await), [Value::Null; 0]);
    let first = page("?limit=1").await;
    let next = page(&format!("?limit=1&cursor={}", first["meta"]["next_cursor"].as_str().unwrap())).await;
    assert_eq!([closes(&first), closes(&next)], [["1.5"], ["1"]]);
    assert_eq!(served.good("/api/v1/long-short-ratio/BTC").await["data"]["close"], "9", "a coin has its own");
    for (query, code) in [("?kind=takers", "INVALID_KIND"), ("?kind=cohort_positions", "MISSING_COHORT")] {
        assert_eq!(served.bad(&format!("{path}{query}")).await, (400, code.to_owned()));
        assert_eq!(served.bad(&format!("{path}/history{query}")).await, (400, code.to_owned()));
    }
}

async fn a_subscription_to_the_whole_market_needs_no_key(url: String) {
    let mut served = serve(&url).await;
    served.add([of_market("accounts", None, 0, "1"), of_market("cohort_positions", Some("fish"), 0, "3")]).await;
    served.add([of_market("cohort_positions", Some("shark"), 0, "4")]).await;
    let (mut all, mut cohorts) = (Client::connect(served.address).await, Client::connect(served.address).await);
    for (client, more, closes) in [
        (&mut all, json!({ "interval": "1m" }), vec!["1"]),
        (&mut cohorts, json!({ "kind": "cohort_positions", "key": "*" }), vec!["3", "4"]),
    ] {
        let mut asked = json!({ "channel": "market_ratio" });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.say("subscribe", asked.clone()).await;
        (asked["key"], asked["sub_id"], asked["conflated"]) = (json!("*"), json!(1), json!(true));
        assert_eq!(client.hear_until("subscribed").await["payload"], asked);
        let snapshot = client.hear_until("snapshot").await["payload"].clone();
        let mut told: Vec<&str> =
            snapshot["data"].as_array().unwrap().iter().map(|row| row["close"].as_str().unwrap()).collect();
        told.sort_unstable();
        assert_eq!(told, closes);
    }
    let written = served.append([
        of_market("top_accounts", None, 60_000, "5"),
        of_market("cohort_positions", Some("fish"), 60_000, "6"),
        of_market("accounts", None, 60_000, "7"),
    ]);
    served.publish(&written);
    let heard = async |client: &mut Client| client.hear().await["payload"]["data"]["close"].clone();
    assert_eq!((heard(&mut all).await, heard(&mut cohorts).await), (json!("7"), json!("6")));
    all.say("subscribe", json!({ "channel": "market_ratio", "key": "BTC" })).await;
    assert_eq!(all.hear_until("error").await["payload"]["code"], "INVALID_KEY");
    all.say("subscribe", json!({ "channel": "long_short_ratio" })).await;
    assert_eq!(all.hear_until("error").await["payload"]["code"], "MISSING_KEY");
}

fn flow(time: i64, sold: &str, ratio: Option<&str>) -> MarketTakerFlow {
    let mut flow = json!({
        "interval": "1m", "time": time, "buy_notional": "300", "sell_notional": sold, "buy_trades": 3, "sell_trades": 2,
        "complete": true, "final": true, "block": 7, "clock": time + 60_000,
    });
    ratio.into_iter().for_each(|ratio| flow["ratio"] = json!(ratio));
    serde_json::from_value(flow).unwrap()
}

async fn what_takers_of_all_perpetuals_bought_over_what_they_sold_is_a_kind_too(url: String) {
    let mut served = serve(&url).await;
    served.compute(&[&topics::MARKET_TAKER_FLOW]).await;
    let path = "/api/v1/long-short-ratio";
    assert_eq!(served.good(&format!("{path}?kind=taker")).await["meta"]["reason"], "nothing_traded_yet");
    served.add([flow(0, "0", None), flow(60_000, "200", Some("1.5"))]).await;
    let row = json!({
        "interval": "1m", "time": 60_000, "buy_notional": "300", "sell_notional": "200", "buy_trades": 3, "sell_trades": 2,
        "complete": true, "final": true, "block": 7, "clock": 120_000,
    });
    let with = |more: Value| {
        let mut row = row.clone();
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let of_kind = json!({
        "kind": "taker", "definition": "what takers bought and sold of all perpetuals: 5 trades", "long_ratio": "0.6",
        "short_ratio": "0.4", "long_short_ratio": "1.5",
    });
    assert_eq!(served.good(&format!("{path}?kind=taker")).await["data"], with(of_kind));
    assert_eq!(served.good("/api/v1/taker-flow").await["data"], with(json!({ "ratio": "1.5" })));
    let reasons = async |path: &str| {
        let page = served.good(path).await;
        page["data"].as_array().unwrap().iter().map(|row| row["reason"].clone()).collect::<Vec<_>>()
    };
    let expected = [json!("nothing_sold"), Value::Null];
    assert_eq!(reasons(&format!("{path}/history?kind=taker&order=asc")).await, expected);
    assert_eq!(reasons("/api/v1/taker-flow/history?order=asc").await, expected);
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "market_taker_flow" })).await;
    let snapshot = client.hear_until("snapshot").await["payload"]["data"].clone();
    assert_eq!(snapshot, json!([with(json!({ "ratio": "1.5" }))]));
    let written = served.append([flow(120_000, "100", Some("3"))]);
    served.publish(&written);
    assert_eq!(client.hear().await["payload"]["data"]["ratio"], "3");
}
