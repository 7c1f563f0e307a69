//! Ratios of those with the largest positions and of each size: asked for, subscribed to, and asked for wrongly.

use schemas::{LongShortRatio, RatioKind, SizeCohort, TakerFlow, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{ratio, serve};
use super::place::on_both;

on_both! {
    a_ratio_of_another_kind_says_whose_it_is,
    a_subscription_is_to_one_kind_and_may_be_to_one_cohort,
    a_kind_or_cohort_that_is_not_there_is_told_which_are,
    what_takers_bought_over_what_they_sold_is_a_kind_of_a_coin,
}

fn of_top(kind: RatioKind, time: i64, close: &str) -> LongShortRatio {
    let of_positions = kind.is_of_positions();
    let size = |text: &str| of_positions.then(|| text.parse().unwrap());
    LongShortRatio {
        kind,
        accounts: 132,
        of_accounts: Some(660),
        long_size: size("6000.5"),
        short_size: size("4000"),
        ..ratio("BTC", "1m", time, close)
    }
}

fn of_cohort(kind: RatioKind, cohort: SizeCohort, time: i64, close: &str) -> LongShortRatio {
    LongShortRatio { cohort: Some(cohort), accounts: 7, ..of_top(kind, time, close) }
}

async fn a_ratio_of_another_kind_says_whose_it_is(url: String) {
    use RatioKind::{CohortAccounts, TopAccounts, TopPositions};
    let mut served = serve(&url).await;
    served.compute(&[&topics::LONG_SHORT_RATIOS]).await;
    served.add([ratio("BTC", "1m", 0, "1"), ratio("BTC", "1m", 60_000, "1.5")]).await;
    served.add([of_top(TopAccounts, 0, "2"), of_top(TopPositions, 0, "2.5"), of_top(TopPositions, 60_000, "3")]).await;
    served.add([of_cohort(CohortAccounts, SizeCohort::Shark, 0, "4")]).await;
    served.add([of_cohort(CohortAccounts, SizeCohort::Leviathan, 60_000, "5")]).await;
    let path = "/api/v1/long-short-ratio/BTC";
    let top = served.good(&format!("{path}?kind=top_positions")).await;
    assert_eq!(
        top["data"],
        json!({
            "coin": "BTC", "kind": "top_positions", "interval": "1m", "time": 60_000,
            "definition": "the 20 % of the accounts with the largest positions in BTC when the hour began: 132 of 660",
            "accounts": 132, "of_accounts": 660, "long_accounts": 3, "short_accounts": 2, "long_size": "6000.5",
            "short_size": "4000", "long_ratio": "0.6", "short_ratio": "0.4", "long_short_ratio": "3", "open": "3",
            "high": "3", "low": "3", "close": "3", "oi_coverage_pct": "99.5", "complete": true, "final": true, "block": 7,
            "clock": 120_000,
        })
    );
    assert!(top["meta"]["definition"].as_str().unwrap().starts_with("what the accounts of the cohort"));
    let closes = async |query: &str| -> Vec<Value> {
        let page = served.good(&format!("{path}/history{query}")).await;
        page["data"].as_array().unwrap().iter().map(|row| row["close"].clone()).collect()
    };
    assert_eq!(closes("").await, ["1.5", "1"]);
    assert_eq!(closes("?kind=account").await, ["1.5", "1"]);
    assert_eq!(closes("?kind=top_account").await, ["2"]);
    assert_eq!(closes("?kind=position").await, ["3", "2.5"]);
    assert_eq!(closes("?kind=top_position&order=asc").await, ["2.5", "3"]);
    assert_eq!(closes("?kind=cohort_accounts&cohort=shark").await, ["4"]);
    let whales = served.good(&format!("{path}?kind=cohort_accounts&cohort=whale")).await;
    assert_eq!((&whales["data"], &whales["meta"]["reason"]), (&Value::Null, &json!("nobody_in_the_cohort_yet")));
    for (cohort, worth) in [("shark", "from 100000 to below 1000000 USD"), ("leviathan", "10000000 USD or more")] {
        let row = served.good(&format!("{path}?kind=cohort_accounts&cohort={cohort}")).await["data"].clone();
        let definition = format!("the accounts with positions in BTC worth {worth} when the hour began: 7 of 660");
        assert_eq!((&row["cohort"], &row["definition"]), (&json!(cohort), &json!(definition)));
    }
}

async fn a_subscription_is_to_one_kind_and_may_be_to_one_cohort(url: String) {
    use RatioKind::{CohortPositions, TopAccounts};
    use SizeCohort::{Fish, Whale};
    let mut served = serve(&url).await;
    served.add([ratio("BTC", "1m", 0, "1"), of_top(TopAccounts, 0, "2")]).await;
    served.add([of_cohort(CohortPositions, Fish, 0, "3"), of_cohort(CohortPositions, Whale, 0, "4")]).await;
    let (mut everybody, mut whales) = (Client::connect(served.address).await, Client::connect(served.address).await);
    let mut cohorts = Client::connect(served.address).await;
    let asked = json!({ "channel": "long_short_ratio", "key": "BTC", "interval": "1m" });
    let with = |more: Value| {
        let mut asked = asked.clone();
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    let of_whales = with(json!({ "kind": "cohort_positions", "cohort": "whale" }));
    for (client, asked, closes) in [
        (&mut everybody, asked.clone(), vec!["1"]),
        (&mut whales, of_whales.clone(), vec!["4"]),
        (&mut cohorts, with(json!({ "kind": "cohort_positions" })), vec!["3", "4"]),
    ] {
        client.say("subscribe", asked.clone()).await;
        let mut answer = asked.clone();
        (answer["sub_id"], answer["conflated"]) = (json!(1), json!(true));
        assert_eq!(client.hear_until("subscribed").await["payload"], answer);
        let snapshot = client.hear_until("snapshot").await["payload"].clone();
        assert_eq!((&snapshot["kind"], &snapshot["cohort"]), (&asked["kind"], &asked["cohort"]));
        let mut told: Vec<&str> =
            snapshot["data"].as_array().unwrap().iter().map(|row| row["close"].as_str().unwrap()).collect();
        told.sort_unstable();
        assert_eq!(told, closes);
    }
    let written = served.append([
        of_top(TopAccounts, 60_000, "5"),
        of_cohort(CohortPositions, Fish, 60_000, "6"),
        of_cohort(CohortPositions, Whale, 60_000, "7"),
        ratio("BTC", "1m", 60_000, "8"),
    ]);
    served.publish(&written);
    let heard = async |client: &mut Client| client.hear().await["payload"]["data"]["close"].clone();
    assert_eq!((heard(&mut everybody).await, heard(&mut whales).await), (json!("8"), json!("7")));
    assert_eq!((heard(&mut cohorts).await, heard(&mut cohorts).await), (json!("6"), json!("7")));
    whales.say("unsubscribe", of_whales.clone()).await;
    let unsubscribed = whales.hear_until("unsubscribed").await["payload"].clone();
    assert_eq!((&unsubscribed["sub_id"], &unsubscribed["cohort"]), (&json!(1), &of_whales["cohort"]));
}

async fn a_kind_or_cohort_that_is_not_there_is_told_which_are(url: String) {
    let mut served = serve(&url).await;
    served.add([ratio("BTC", "1m", 0, "1")]).await;
    let kinds = "it is one of accounts, top_accounts, top_positions, cohort_accounts, cohort_positions";
    let cohorts = "it is one of shrimp, fish, dolphin, shark, whale, leviathan";
    for (query, code, parameter, message) in [
        ("kind=moods", "INVALID_KIND", "kind", kinds),
        ("kind=cohort_positions", "MISSING_COHORT", "cohort", cohorts),
        ("kind=cohort_positions&cohort=plankton", "INVALID_COHORT", "cohort", cohorts),
        ("cohort=whale", "INVALID_COHORT", "cohort", "give it with kind cohort_accounts or cohort_positions"),
        ("kind=top_accounts&cohort=whale", "INVALID_COHORT", "cohort", "top_accounts has no cohorts"),
    ] {
        for path in ["/api/v1/long-short-ratio/BTC", "/api/v1/long-short-ratio/BTC/history"] {
            let (status, body) = served.get(&format!("{path}?{query}")).await;
            let error = &body["error"];
            assert_eq!((status, &error["code"]), (400, &json!(code)), "{query}: {body}");
            assert_eq!(error["details"], json!({ "param": parameter }), "{query}");
            assert!(error["message"].as_str().unwrap().contains(message), "{query}: {body}");
        }
    }
    assert_eq!(served.bad("/api/v1/candles/BTC?kind=accounts").await, (400, "UNKNOWN_PARAMETER".to_owned()));
    let mut client = Client::connect(served.address).await;
    for (more, code) in [
        (json!({ "kind": "moods" }), "INVALID_KIND"),
        (json!({ "kind": 7 }), "INVALID_KIND"),
        (json!({ "cohort": "whale" }), "INVALID_COHORT"),
    ] {
        let mut asked = json!({ "channel": "long_short_ratio", "key": "BTC" });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.say("subscribe", asked).await;
        assert_eq!(client.hear_until("error").await["payload"]["code"], code);
    }
}

fn flow(time: i64, bought: Option<&str>, sold: &str, ratio: Option<&str>) -> TakerFlow {
    let mut flow = json!({
        "coin": "BTC", "interval": "1m", "time": time, "sell_notional": sold, "buy_trades": 3, "sell_trades": 2,
        "complete": true, "final": true, "block": 7, "clock": time + 60_000,
    });
    bought.into_iter().for_each(|bought| flow["buy_notional"] = json!(bought));
    ratio.into_iter().for_each(|ratio| flow["ratio"] = json!(ratio));
    serde_json::from_value(flow).unwrap()
}

async fn what_takers_bought_over_what_they_sold_is_a_kind_of_a_coin(url: String) {
    let mut served = serve(&url).await;
    served.compute(&[&topics::TAKER_FLOW]).await;
    served.add([ratio("BTC", "1m", 60_000, "1"), ratio("ETH", "1m", 0, "1")]).await;
    served.add([flow(0, Some("300.5"), "0", None), flow(60_000, None, "7", None)]).await;
    served.add([flow(120_000, Some("300"), "200", Some("1.5"))]).await;
    let path = "/api/v1/long-short-ratio/BTC";
    let latest = served.good(&format!("{path}?kind=taker&interval=1m")).await;
    assert_eq!(
        latest["data"],
        json!({
            "coin": "BTC", "kind": "taker", "interval": "1m", "time": 120_000, "buy_notional": "300",
            "definition": "what takers bought and sold of BTC: 5 trades", "sell_notional": "200", "buy_trades": 3,
            "sell_trades": 2, "long_ratio": "0.6", "short_ratio": "0.4", "long_short_ratio": "1.5", "complete": true,
            "final": true, "block": 7, "clock": 180_000,
        })
    );
    assert!(latest["meta"]["definition"].as_str().unwrap().contains("no open, high, low or close"));
    assert_eq!(latest["meta"]["schema"], "taker-flow/1");
    let page = served.good(&format!("{path}/history?kind=taker&order=asc&limit=2")).await;
    let shown = |row: &Value| ["long_ratio", "long_short_ratio", "reason"].map(|name| row[name].clone());
    let rows: Vec<[Value; 3]> = page["data"].as_array().unwrap().iter().map(shown).collect();
    let unknown = [Value::Null, Value::Null, json!("too_large_to_be_exact")];
    assert_eq!(rows, [[json!("1"), Value::Null, json!("nothing_sold")], unknown]);
    let cursor = page["meta"]["next_cursor"].as_str().unwrap();
    let next = served.good(&format!("{path}/history?kind=taker&order=asc&limit=2&cursor={cursor}")).await;
    assert_eq!(next["data"][0]["time"], 120_000);
    let nothing = served.good("/api/v1/long-short-ratio/ETH?kind=taker").await;
    assert_eq!((&nothing["data"], &nothing["meta"]["reason"]), (&Value::Null, &json!("nothing_traded_yet")));
    for (query, code) in [
        ("kind=taker&cohort=whale", "UNKNOWN_PARAMETER"),
        ("kind=taker&kind=accounts", "REPEATED_PARAMETER"),
        ("kind=takers", "INVALID_KIND"),
    ] {
        assert_eq!(served.bad(&format!("{path}?{query}")).await, (400, code.to_owned()));
    }
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "long_short_ratio", "key": "BTC", "kind": "taker" })).await;
    let error = client.hear_until("error").await["payload"].clone();
    assert_eq!(error["code"], "INVALID_KIND");
    assert!(error["message"].as_str().unwrap().contains("live on the channels taker_flow and market_taker_flow"));
}
