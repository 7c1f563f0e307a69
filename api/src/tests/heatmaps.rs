//! The heatmap: what was liquidated, what would have been, and the form in which others draw it; and where of what is
//! open most would be.

use schemas::{Candle, HeatmapCell, LiquidationMap, LiquidationStats, ResultClock, examples, topics};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fixture::{Served, market, serve};
use super::place::on_both;

on_both! {
    what_was_liquidated_is_laid_out_with_its_candles,
    what_would_have_been_is_laid_out_map_after_map,
    a_wrong_choice_of_a_heatmap_is_told,
    where_most_would_be_liquidated_is_told_of_each_coin,
    what_a_move_would_liquidate_is_told_of_all_and_of_a_cohort,
    the_history_is_that_of_the_stats,
}

/// The start of a day.
const DAY: i64 = 1_782_604_800_000;
const QUARTER: i64 = 900_000;

fn read<M: DeserializeOwned>(message: Value) -> M {
    serde_json::from_value(message).unwrap()
}

fn cell(quarter: i64, low: &str, high: &str, long: &str, short: &str) -> HeatmapCell {
    read(json!({
        "coin": "BTC", "interval": "15m", "time": DAY + quarter * QUARTER, "price_low": low, "price_high": high,
        "long_orders": 1, "short_orders": 1, "long_notional": long, "short_notional": short, "complete": quarter != 2,
        "final": true, "block": 1, "clock": DAY + quarter * QUARTER + 7,
    }))
}

fn candle(quarter: i64) -> Candle {
    read(json!({
        "coin": "BTC", "interval": "15m", "time": DAY + quarter * QUARTER, "open": "100.5", "high": "121", "low": "99",
        "close": "120", "volume": "3", "notional": "330.25", "trades": 2, "complete": true, "final": true, "block": 1,
        "clock": DAY,
    }))
}

/// A map of the contract's, of another coin or time.
fn map(coin: &str, quarter: i64) -> LiquidationMap {
    let (_, bytes) = examples::of(&topics::LIQUIDATION_MAP).into_iter().find(|(case, _)| case != "clock").unwrap();
    let mut map: Value = serde_json::from_slice(&bytes).unwrap();
    map["coin"] = coin.into();
    map["time"] = (DAY + quarter * QUARTER).into();
    map["clock"] = (DAY + quarter * QUARTER + 7).into();
    read(map)
}

/// Everything is known up to the fourth quarter of the day.
async fn know(served: &mut Served) {
    let clock = ResultClock { time: DAY + 3 * QUARTER + 9, block: 9, since_time: 1, since_block: 1 };
    for topic in [&topics::LIQUIDATION_HEATMAP, &topics::LIQUIDATION_MAP] {
        let ticked = served.tick(topic, clock);
        served.store(&ticked).await;
    }
}

async fn what_was_liquidated_is_laid_out_with_its_candles(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    let cells = [
        cell(0, "105", "110", "7.5", "0"),
        cell(0, "100", "105", "1", "0"),
        cell(2, "120", "130", "0", "4"),
        cell(-96, "100", "105", "900", "0"),
    ];
    served.add(cells).await;
    served.add([candle(0), candle(1), candle(2)]).await;
    know(&mut served).await;

    let told = served.good("/api/v1/liquidation-heatmap/BTC").await;
    let data = &told["data"];
    assert_eq!(data["step"], "10", "five is brought to ten");
    assert_eq!(data["times"], json!([DAY, DAY + 2 * QUARTER]), "what was a day before is not in it");
    assert_eq!(data["prices"], json!(["100", "120"]));
    assert_eq!(data["cells"], json!([[0, 0, "8.5", "0"], [1, 1, "0", "4"]]));
    assert_eq!(data["max_notional"], "8.5");
    assert_eq!(data["candles"][0], json!([DAY, "100.5", "121", "99", "120", "3", "330.25"]));
    assert_eq!((&told["meta"]["complete"], &told["meta"]["as_of"]), (&json!(false), &json!(DAY + 2 * QUARTER + 7)));

    let coarse = served.good("/api/v1/liquidation-heatmap/BTC?buckets=1").await;
    assert_eq!(coarse["data"]["step"], "50");
    assert_eq!(coarse["data"]["cells"], json!([[0, 0, "8.5", "0"], [1, 0, "0", "4"]]));

    let (_, _, body) = served.get_text("/api/v1/liquidation-heatmap/BTC?format=coinglass").await;
    let candlestick = |quarter: i64| json!([(DAY + quarter * QUARTER) / 1000, "100.5", "121", "99", "120", "330.25"]);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({ "code": "0", "msg": "success", "data": {
            "y_axis": [100, 120],
            "liquidation_leverage_data": [[0, 0, 8.5], [2, 1, 4]],
            "price_candlesticks": [candlestick(0), candlestick(1), candlestick(2)],
        }})
    );
}

async fn what_would_have_been_is_laid_out_map_after_map(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    served.add([map("BTC", 0), map("BTC", 1), map("BTC", 2)]).await;
    know(&mut served).await;
    let told = served.good("/api/v1/liquidation-heatmap/BTC?model=positions&range=12h").await;
    let data = &told["data"];
    assert_eq!(data["interval"], "15m", "there is no map of less");
    assert_eq!(data["times"], json!([DAY, DAY + QUARTER, DAY + 2 * QUARTER]));
    assert_eq!(data["prices"], json!(["54100", "57600"]));
    assert_eq!(data["cells"][0], json!([0, 0, "120000", "0"]));
    assert_eq!(data["cells"].as_array().unwrap().len(), 6);
    assert_eq!(told["meta"]["source"].as_object().unwrap().keys().next().unwrap(), "liquidation-map/0");

    let week = served.good("/api/v1/liquidation-heatmap/BTC?model=positions&range=7d").await;
    assert_eq!(week["data"]["times"], json!([DAY]), "of each hour the last one");
    assert_eq!(week["meta"]["as_of"], DAY + 2 * QUARTER + 7);
}

async fn a_wrong_choice_of_a_heatmap_is_told(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    for (query, code) in [
        ("model=leverage", "INVALID_MODEL"),
        ("range=1y", "INVALID_RANGE"),
        ("buckets=0", "INVALID_BUCKETS"),
        ("buckets=1001", "INVALID_BUCKETS"),
        ("format=csv", "INVALID_FORMAT"),
    ] {
        let refused = served.bad(&format!("/api/v1/liquidation-heatmap/BTC?{query}")).await;
        assert_eq!(refused, (400, code.to_owned()), "{query}");
    }
}

async fn where_most_would_be_liquidated_is_told_of_each_coin(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false), market("ETH", false)]).await;
    assert_eq!(served.good("/api/v1/liquidation-max-pain").await["data"], json!([]));
    let mut larger = map("ETH", 1);
    larger.short.max_pain = larger.long.max_pain;
    served.add([map("BTC", 0), map("BTC", 2), larger]).await;
    let told = served.good("/api/v1/liquidation-max-pain").await;
    let [eth, btc] = [&told["data"][0], &told["data"][1]];
    assert_eq!((&eth["coin"], &btc["coin"]), (&json!("ETH"), &json!("BTC")), "the most comes first");
    assert_eq!(
        *btc,
        json!({
            "coin": "BTC", "mark_px": "60000.0", "complete": true, "clock": DAY + 2 * QUARTER + 7, "short": null,
            "long": { "price_low": "57600", "price_high": "57700", "notional": "240000", "distance_pct": "3.83" },
        })
    );
    let one = served.good("/api/v1/liquidation-max-pain?symbol=btc-usd").await;
    assert_eq!(one["data"], json!([btc]));
    assert_eq!(served.bad("/api/v1/liquidation-max-pain?coin=NONE").await, (404, "UNKNOWN_COIN".to_owned()));
}

async fn what_a_move_would_liquidate_is_told_of_all_and_of_a_cohort(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    served.add([map("BTC", 0)]).await;
    let risk = async |query: &str| {
        let told = served.good(&format!("/api/v1/liquidation-risk?{query}")).await;
        let row = &told["data"][0];
        [&row["long"]["at_risk"], &row["long"]["at_risk_pct"], &row["short"]["at_risk"]].map(Value::to_string).join(" ")
    };
    assert_eq!(risk("").await, r#""240000" "40" "0""#, "five of a hundred, of ten coins at 60,000");
    assert_eq!(risk("within_pct=2").await, r#""0" "0" "0""#);
    assert_eq!(risk("within_pct=10").await, r#""360000" "60" "0""#);
    assert_eq!(risk("within_pct=10&cohort=shark").await, r#""360000" null "0""#);
    assert_eq!(risk("within_pct=5&cohort=shark").await, r#""240000" null "0""#);
    assert_eq!(risk("within_pct=10&cohort=whale").await, r#""0" null "0""#);
    for (query, code) in [("within_pct=3", "INVALID_DISTANCE"), ("cohort=minnow", "INVALID_COHORT")] {
        let refused = served.bad(&format!("/api/v1/liquidation-risk?{query}")).await;
        assert_eq!(refused, (400, code.to_owned()), "{query}");
    }
}

async fn the_history_is_that_of_the_stats(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    let (_, bytes) = examples::of(&topics::LIQUIDATION_STATS).into_iter().find(|(case, _)| case == "final").unwrap();
    served.add([serde_json::from_slice::<LiquidationStats>(&bytes).unwrap()]).await;
    let here = served.good("/api/v1/liquidations/history?symbol=BTCUSDT&period=1m&limit=5").await;
    let there = served.good("/api/v1/liquidation-stats/BTC/history?interval=1m&limit=5").await;
    assert_eq!(here["data"].as_array().unwrap().len(), 1);
    assert_eq!(here["data"], there["data"]);
    assert_eq!(served.bad("/api/v1/liquidations/history").await, (400, "MISSING_PARAMETER".to_owned()));
}
