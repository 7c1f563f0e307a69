//! What was written for Binance finds what it knows: names, forms, limits and errors.

use schemas::{LongShortRatio, TakerFlow};
use serde_json::{Value, json};

use super::fixture::{ratio, serve};
use super::place::on_both;

on_both! {
    ratios_are_bare_lists_oldest_first,
    what_takers_did_is_a_bare_list_too,
    what_is_wrong_is_said_as_binance_says_it,
}

const MINUTES: i64 = 60_000;

fn of_kind(kind: &str, time: i64, is_final: bool) -> LongShortRatio {
    let mut told = serde_json::to_value(ratio("BTC", "5m", time, "1.82805")).unwrap();
    (told["kind"], told["final"], told["long_ratio"]) = (json!(kind), json!(is_final), json!("0.646399"));
    serde_json::from_value(told).unwrap()
}

async fn ratios_are_bare_lists_oldest_first(url: String) {
    let mut served = serve(&url).await;
    served.add((0..40).map(|n| of_kind("accounts", n * 5 * MINUTES, n < 39))).await;
    served.add([of_kind("top_accounts", 0, true), of_kind("top_positions", 5 * MINUTES, true)]).await;
    let path = "/futures/data/globalLongShortAccountRatio?symbol=BTCUSDT&period=5m";
    let (status, latest) = served.get(path).await;
    let row = json!({
        "symbol": "BTCUSDT", "longAccount": "0.6464", "longShortRatio": "1.8281", "shortAccount": "0.3536",
        "timestamp": 9 * 5 * MINUTES,
    });
    assert_eq!((status, latest.as_array().unwrap().len(), &latest[0]), (200, 30, &row));
    let times = async |more: &str| {
        let (_, told) = served.get(&format!("{path}{more}")).await;
        told.as_array().unwrap().iter().map(|row| row["timestamp"].as_i64().unwrap() / 5 / MINUTES).collect::<Vec<_>>()
    };
    assert_eq!(times("&limit=2").await, [37, 38], "the one that still forms is not told");
    assert_eq!(times(&format!("&startTime={}&limit=3", 4 * 5 * MINUTES)).await, [4, 5, 6]);
    assert_eq!(times(&format!("&startTime={}&endTime={}", 35 * 5 * MINUTES, 36 * 5 * MINUTES)).await, [35, 36]);
    assert_eq!(times(&format!("&endTime={}&limit=2&recvWindow=1", 7 * 5 * MINUTES)).await, [6, 7]);
    for (name, count) in [("topLongShortAccountRatio", 1), ("topLongShortPositionRatio", 1)] {
        let (_, told) = served.get(&format!("/futures/data/{name}?symbol=btc&period=5m")).await;
        assert_eq!(told.as_array().unwrap().len(), count, "{name}");
    }
}

async fn what_takers_did_is_a_bare_list_too(url: String) {
    let mut served = serve(&url).await;
    let flow = |time: i64, sold: &str, ratio: Option<&str>| -> TakerFlow {
        let mut flow = json!({
            "coin": "BTC", "interval": "1h", "time": time, "buy_notional": "300.5", "sell_notional": sold, "buy_trades": 3,
            "sell_trades": 2, "complete": true, "final": true, "block": 7, "clock": time + 60 * MINUTES,
        });
        ratio.into_iter().for_each(|ratio| flow["ratio"] = json!(ratio));
        serde_json::from_value(flow).unwrap()
    };
    served.add([ratio("BTC", "1m", 0, "1")]).await;
    served.add([flow(0, "200", Some("1.5025")), flow(60 * MINUTES, "0", None)]).await;
    let (status, told) = served.get("/futures/data/takerlongshortRatio?symbol=BTCUSDT&period=1h").await;
    let row = json!({ "buySellRatio": "1.5025", "buyVol": "300.5000", "sellVol": "200.0000", "timestamp": 0 });
    assert_eq!((status, told), (200, json!([row])), "where nothing was sold there is no ratio");
}

async fn what_is_wrong_is_said_as_binance_says_it(url: String) {
    let mut served = serve(&url).await;
    served.add([ratio("BTC", "5m", 0, "1")]).await;
    let path = "/futures/data/globalLongShortAccountRatio?";
    for (query, code) in [
        ("period=5m", -1102),
        ("symbol=BTCUSDT", -1102),
        ("symbol=BTCUSDT&period=1m", -1130),
        ("symbol=BTCUSDT&period=5m&limit=many", -1130),
        ("symbol=BTCUSDT&period=5m&limit=0", -1130),
        ("symbol=BTCUSDT&period=5m&startTime=2&endTime=1", -1130),
        ("symbol=NOBODYUSDT&period=5m", -1121),
    ] {
        let (status, told) = served.get(&format!("{path}{query}")).await;
        assert_eq!((status, &told["code"]), (400, &json!(code)), "{query}: {told}");
        assert!(told["msg"].is_string() && told.as_object().map(serde_json::Map::len) == Some(2), "{told}");
    }
    let (status, all) = served.get(&format!("{path}symbol=BTCUSDT&period=5m&limit=9999")).await;
    assert_eq!(
        (status, all.as_array().map(Vec::len)),
        (200, Some(1)),
        "more than there may be is as much as there may be"
    );
    assert_ne!(all, Value::Null);
}
