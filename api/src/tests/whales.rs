//! What large wallets did: how it is chosen, paged and told live.

use schemas::{WhaleActivity, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{Served, market, serve, wallet};
use super::place::on_both;

on_both! {
    orders_and_flows_are_told_as_they_are,
    what_of_an_order_is_not_known_is_said,
    whales_are_chosen_by_each_parameter,
    whales_are_told_in_pages_of_either_order,
    a_wrong_choice_of_whales_is_told,
    a_subscription_to_whales_begins_with_the_latest_fifty,
}

fn order(coin: &str, n: u32, block: u64, action: &str, notional: Option<&str>) -> WhaleActivity {
    let side = if n.is_multiple_of(2) { "long" } else { "short" };
    serde_json::from_value(json!({
        "wallet": wallet(n), "id": format!("{block}|0|{coin}"), "action": action, "time": block * 10, "notional": notional,
        "threshold": "100000", "rule": { "floor": "100000", "share_of_volume": "0.0001" }, "watched": true, "label": "the fund", "order": {
            "coin": coin, "oid": 7, "block": block, "index": 0, "fills": 2, "side": side, "size": "1.50",
            "average_px": notional.map(|_| "67"), "taker_size": "0.5", "before": "0.0", "after": "1.50", "entry_px": "67",
            "closed_pnl": "0.0", "fee": "-0.1", "fee_token": "USDH", "method": "market", "open_interest_share": "0.01",
            "maker_share": "0.25", "account_time": 5, "account_value": "900.5", "leverage": 20, "isolated": false,
            "liquidation_px": "55.5", "risk_basis": "carried",
        },
    }))
    .unwrap()
}

fn flow(n: u32, time: i64, action: &str, amount: &str) -> WhaleActivity {
    serde_json::from_value(json!({
        "wallet": wallet(n), "id": format!("{time}-{action}"), "action": action, "time": time,
        "notional": amount.trim_start_matches('-'), "threshold": "100000", "rule": { "floor": "100000", "share_of_volume": "0.0001" },
        "flow": { "amount": amount, "token": "USDC", "ledger_type": action, "counterparty": wallet(99), "counterparty_label": "vault" },
    }))
    .unwrap()
}

fn times(reply: &Value) -> Vec<i64> {
    reply["data"].as_array().unwrap().iter().map(|row| row["time"].as_i64().unwrap()).collect()
}

async fn orders_and_flows_are_told_as_they_are(url: String) {
    let mut served = serve(&url).await;
    served.add([order("BTC", 2, 8, "open", Some("100.50")), flow(3, 70, "withdraw", "-2010.0")]).await;
    served.add([order("ETH", 4, 6, "open", None)]).await;
    served.compute(&[&topics::WHALE_ACTIVITIES]).await;
    let all = served.good("/api/v1/whales/activities").await;
    assert_eq!(
        all["data"][0],
        json!({
            "wallet": wallet(2).to_string(), "id": "8|0|BTC", "action": "open", "time": 80, "notional": "100.50",
            "threshold": "100000", "rule_floor": "100000", "rule_share": "0.0001", "watched": true, "label": "the fund", "coin": "BTC", "oid": 7, "block": 8, "fills": 2,
            "side": "long", "size": "1.50", "average_px": "67", "taker_size": "0.5", "before": "0.0", "after": "1.50",
            "entry_px": "67", "closed_pnl": "0.0", "fee": "-0.1", "fee_token": "USDH", "method": "market",
            "open_interest_share": "0.01", "maker_share": "0.25", "account_time": 5, "account_value": "900.5",
            "leverage": 20, "isolated": false, "liquidation_px": "55.5", "risk_basis": "carried", "amount": null,
            "token": null, "ledger_type": null, "counterparty": null, "counterparty_label": null,
        })
    );
    let told: serde_json::Map<String, Value> = all["data"][1].as_object().unwrap().clone();
    let known: serde_json::Map<String, Value> = told.into_iter().filter(|(_, value)| !value.is_null()).collect();
    assert_eq!(
        Value::Object(known),
        json!({
            "wallet": wallet(3).to_string(), "id": "70-withdraw", "action": "withdraw", "time": 70, "notional": "2010.0",
            "threshold": "100000", "rule_floor": "100000", "rule_share": "0.0001", "watched": false, "amount": "-2010.0", "token": "USDC", "ledger_type": "withdraw",
            "counterparty": wallet(99).to_string(), "counterparty_label": "vault",
        })
    );
    assert_eq!(all["data"][2]["reason"], "too_large_to_be_exact");
    assert_eq!(all["meta"]["schema"], "whale-activity/1");
}

async fn what_of_an_order_is_not_known_is_said(url: String) {
    let mut served = serve(&url).await;
    let cases: [(&[&str], &str); 9] = [
        (&["account_time", "leverage"], "account_is_not_followed"),
        (&["closed_pnl"], "a_fill_did_not_say_or_too_large_to_be_exact"),
        (&["fee"], "a_fill_did_not_say_or_fees_are_of_two_tokens"),
        (&["open_interest_share"], "open_interest_is_not_known"),
        (&["maker_share"], "too_large_to_be_exact"),
        (&["leverage"], "terms_are_not_known_or_it_went_on"),
        (&["entry_px"], "opened_before_anything_was_seen"),
        (&["liquidation_px", "risk_basis"], "a_mark_is_not_known"),
        (&["liquidation_px"], "no_price_liquidates_it"),
    ];
    for (block, (unknown, _)) in (1..).zip(cases) {
        let mut order = serde_json::to_value(order("BTC", 2, block, "open", Some("100"))).unwrap();
        unknown.iter().for_each(|name| order["order"][name] = Value::Null);
        served.add([serde_json::from_value::<WhaleActivity>(order).unwrap()]).await;
    }
    let mut closed = order("BTC", 2, 10, "close", Some("100"));
    closed.order.as_mut().unwrap().after = "0.0".parse().unwrap();
    served.add([closed]).await;
    let told = served.good("/api/v1/whales/activities?order=asc").await;
    let reasons: Vec<&str> =
        told["data"].as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap()).collect();
    let expected: Vec<&str> = cases.iter().map(|(_, reason)| *reason).chain(["nothing_is_held_after"]).collect();
    assert_eq!(reasons, expected);
}

async fn whales_are_chosen_by_each_parameter(url: String) {
    let mut served = serve(&url).await;
    served.add(["BTC", "ETH", "SOL"].map(|coin| market(coin, false))).await;
    served
        .add([
            order("BTC", 1, 1, "open", Some("100")),
            order("BTC", 2, 2, "flip", Some("2000.5")),
            order("ETH", 3, 3, "close", None),
            flow(2, 40, "deposit", "30"),
        ])
        .await;
    served.compute(&[&topics::WHALE_ACTIVITIES]).await;
    let wallet = wallet(2).to_string();
    for (query, found) in [
        ("coin=btc", vec![20, 10]),
        ("coin=SOL", vec![]),
        ("side=short", vec![30, 10]),
        ("action=flip", vec![20]),
        ("action=deposit", vec![40]),
        (format!("wallet={wallet}").as_str(), vec![40, 20]),
        ("min_notional=100", vec![30, 20, 10]),
        ("start_time=20&end_time=40", vec![20, 30]),
        ("startTime=20&order=desc", vec![40, 30, 20]),
        ("limit=1", vec![40]),
    ] {
        assert_eq!(times(&served.good(&format!("/api/v1/whales/activities?{query}")).await), found, "{query}");
    }
}

async fn whales_are_told_in_pages_of_either_order(url: String) {
    let mut served = serve(&url).await;
    // Several of the same time, and of the same wallet then.
    let coins = ["BTC", "ETH", "kPEPE"];
    served.add([market("ETH", false)]).await;
    served
        .add((0..200_u32).map(|n| order(coins[n as usize % 3], n / 3 % 5, u64::from(n) / 20, "open", Some("1"))))
        .await;
    let whole = served.good("/api/v1/whales/activities?limit=1000").await["data"].as_array().unwrap().clone();
    assert!(whole.len() > 100, "{}", whole.len());
    for (query, expected) in [("", whole.clone()), ("&order=asc", whole.iter().rev().cloned().collect())] {
        assert_eq!(pages(&served, query).await, expected, "{query}");
    }
    let expected: Vec<Value> = whole.iter().filter(|row| row["coin"] == "ETH").cloned().collect();
    assert_eq!(pages(&served, "&coin=ETH").await, expected);
}

async fn pages(served: &Served, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.good(&format!("/api/v1/whales/activities?limit=30{query}{cursor}")).await;
        rows.extend(page["data"].as_array().unwrap().clone());
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

async fn a_wrong_choice_of_whales_is_told(url: String) {
    let mut served = serve(&url).await;
    served.add((0..2).map(|n| order("BTC", 1, n, "open", Some("1")))).await;
    let first = served.good("/api/v1/whales/activities?limit=1").await;
    let other_way = format!("order=asc&cursor={}", first["meta"]["next_cursor"].as_str().unwrap());
    for (query, code) in [
        ("action=buy", "INVALID_ACTION"),
        ("side=flat", "INVALID_SIDE"),
        ("wallet=0x12", "INVALID_WALLET"),
        ("min_notional=-1", "INVALID_NOTIONAL"),
        ("limit=0", "INVALID_LIMIT"),
        ("cursor=abc", "INVALID_CURSOR"),
        (other_way.as_str(), "INVALID_CURSOR"),
        ("at_least=1", "UNKNOWN_PARAMETER"),
    ] {
        let path = format!("/api/v1/whales/activities?{query}");
        assert_eq!(served.bad(&path).await, (400, code.to_owned()), "{query}");
    }
}

async fn a_subscription_to_whales_begins_with_the_latest_fifty(url: String) {
    let mut served = serve(&url).await;
    served.add((0..60).map(|n| order("BTC", 2, n, "open", Some("1")))).await;
    served.add([flow(3, 700, "deposit", "5")]).await;
    let mut client = Client::connect(served.address).await;
    for (key, first, last) in [("*", 110, 700), ("BTC", 100, 590), (wallet(3).to_string().as_str(), 700, 700)] {
        client.subscribe("whale_activities", key).await;
        let snapshot = client.hear_until("snapshot").await;
        let told = times(&snapshot["payload"]);
        assert!(told.is_sorted() && told.len() <= 50, "{told:?}");
        assert_eq!((told[0], told[told.len() - 1]), (first, last), "{key}");
    }
    let written = served.append([flow(3, 800, "withdraw", "-5.0")]);
    served.publish(&written);
    let mut told = [client.hear().await, client.hear().await];
    told.sort_by_key(|frame| frame["payload"]["key"].to_string());
    let keys = told.each_ref().map(|frame| frame["payload"]["key"].as_str().unwrap());
    assert_eq!(keys, ["*", wallet(3).to_string().as_str()]);
    served.store(&written).await;
    assert_eq!(told[0]["payload"]["data"], served.good("/api/v1/whales/activities?limit=1").await["data"][0]);
}
