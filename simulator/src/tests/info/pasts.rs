//! What happened to users and coins, compared with the node's files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Exchange;
use crate::Options;
use crate::tests::START;
use crate::tests::files::{hours_of, options};

const HOUR: i64 = 3_600_000;

/// Each event in a folder of files by block, with the time of its block in milliseconds.
fn events_of(out: &Path, kind: &str) -> Vec<(i64, Value)> {
    let lines: String = hours_of(out, kind).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut events = Vec::new();
    for mut line in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let time: chrono::NaiveDateTime = line["block_time"].as_str().unwrap().parse().unwrap();
        let of_line = line["events"].take();
        events.extend(of_line.as_array().unwrap().iter().map(|it| (time.and_utc().timestamp_millis(), it.clone())));
    }
    events
}

/// What the exchange tells of each user's fills.
fn fills_by_user(out: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut fills: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (_, event) in events_of(out, "node_fills_by_block") {
        let mut fill = event[1].clone();
        let told = fill.as_object_mut().unwrap();
        told.remove("builder");
        told.remove("deployerFee");
        fills.entry(event[0].as_str().unwrap().to_owned()).or_default().push(fill);
    }
    fills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fills_are_told_from_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::after(Options { rate: 2_000, ..options(folder.path(), 1_000) }).await;
    let fills = fills_by_user(folder.path());
    let (mut long, mut with_builder_fee) = (0, 0);
    for (user, expected) in
        fills.iter().step_by(9).chain(fills.iter().filter(|(_, fills)| fills.len() > 10_000).take(2))
    {
        let newest = exchange.items(&json!({ "type": "userFills", "user": user, "aggregateByTime": false })).await;
        assert!(newest.iter().eq(expected.iter().rev().take(2_000)), "{user}");
        with_builder_fee += newest.iter().filter(|fill| fill.get("builderFee").is_some()).count();
        long += usize::from(expected.len() > 10_000);
        let exist = &expected[expected.len().saturating_sub(10_000)..];
        assert!(all_by_time(exchange, user).await == exist, "{user}");
    }
    assert!(
        long >= 2 && with_builder_fee > 10,
        "{long} users of many fills, {with_builder_fee} fills with a builder's"
    );
    let (user, fills) = fills.iter().max_by_key(|(_, fills)| fills.len()).unwrap();
    let newest = &fills[fills.len() - 2_000..];
    let (start, end) = (newest[10]["time"].as_i64().unwrap(), newest[500]["time"].as_i64().unwrap());
    let asked = json!({ "type": "userFillsByTime", "user": user, "startTime": start, "endTime": end });
    let within = fills.iter().filter(|fill| (start..=end).contains(&fill["time"].as_i64().unwrap()));
    assert!(exchange.items(&asked).await.iter().eq(within), "both ends are included");
}

/// Page after page, each from the time that the last one ended with.
async fn all_by_time(exchange: Exchange, user: &str) -> Vec<Value> {
    let (mut all, mut start): (Vec<Value>, i64) = (Vec::new(), 0);
    loop {
        let asked = json!({ "type": "userFillsByTime", "user": user, "startTime": start });
        let page = exchange.items(&asked).await;
        let last = page.last().unwrap()["time"].as_i64().unwrap();
        all.retain(|fill| fill["time"].as_i64().unwrap() < start);
        let is_last = page.len() < 2_000;
        all.extend(page);
        if is_last {
            return all;
        }
        start = last;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_has_the_deposits_liquidations_and_funding_of_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let start = Some(START / HOUR * HOUR - 60_000);
    let exchange = Exchange::after(Options { start, rate: 1_000, ..options(folder.path(), 4_000) }).await;
    let (mut ledger, mut funding): (BTreeMap<String, Vec<Value>>, BTreeMap<String, Vec<Value>>) = Default::default();
    let mut enter = |user: &Value, row| ledger.entry(user.as_str().unwrap().to_owned()).or_default().push(row);
    for (time, event) in events_of(folder.path(), "misc_events_by_block") {
        let (inner, hash) = (&event["inner"], &event["hash"]);
        if let Some(deposit) = inner.get("CDeposit") {
            let delta = json!({ "type": "deposit", "usdc": deposit["amount"] });
            enter(&deposit["user"], json!({ "time": time, "hash": hash, "delta": delta }));
        }
        if let Some(update) = inner.get("LedgerUpdate") {
            enter(&update["users"][0], json!({ "time": time, "hash": hash, "delta": update["delta"] }));
        }
        for delta in inner["Funding"]["deltas"].as_array().into_iter().flatten() {
            let told = json!({ "type": "funding", "coin": delta["coin"], "usdc": delta["funding_amount"],
                "szi": delta["szi"], "fundingRate": delta["fundingRate"], "nSamples": null });
            let row = json!({ "time": time, "hash": format!("0x{}", "0".repeat(64)), "delta": told });
            funding.entry(delta["user"].as_str().unwrap().to_owned()).or_default().push(row);
        }
    }
    assert!(funding.len() > 50 && ledger.values().flatten().any(|row| row["delta"]["type"] == "liquidation"));
    for (kind, rows) in [("userNonFundingLedgerUpdates", ledger), ("userFunding", funding)] {
        for (user, expected) in rows.iter().step_by(3) {
            let told = exchange.items(&json!({ "type": kind, "user": user, "startTime": 0, "endTime": null })).await;
            assert_eq!(&told, expected);
            let end = expected[expected.len() / 2]["time"].as_i64().unwrap();
            let asked = json!({ "type": kind, "user": user, "startTime": 0, "endTime": end });
            let until = expected.iter().filter(|row| row["time"].as_i64().unwrap() <= end);
            assert!(exchange.items(&asked).await.iter().eq(until));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candles_are_those_of_the_trades() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::after(Options { rate: 500, ..options(folder.path(), 2_500) }).await;
    let fills = events_of(folder.path(), "node_fills_by_block");
    for (coin, interval, length) in
        [("BTC", "1m", 60_000), ("FTM", "1m", 60_000), ("@107", "5m", 300_000), ("xyz:CL", "1h", HOUR)]
    {
        let is_traded = |fill: &Value| fill["tid"] != 0 && fill["dir"] != "Settlement";
        let takers = fills.iter().filter(|(_, event)| is_traded(&event[1]) && event[1]["crossed"] == true);
        let of_coin: Vec<&Value> = takers.map(|(_, event)| &event[1]).filter(|fill| fill["coin"] == coin).collect();
        let begin = |fill: &&&Value| fill["time"].as_i64().unwrap() / length * length;
        let expected: Vec<_> = of_coin.chunk_by(|one, other| begin(&one) == begin(&other)).collect();
        let req = json!({ "coin": coin, "interval": interval, "startTime": 0 });
        let told = exchange.items(&json!({ "type": "candleSnapshot", "req": req })).await;
        assert_eq!(told.len(), expected.len());
        for (candle, trades) in told.iter().zip(expected) {
            let float = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
            let prices = || trades.iter().map(|fill| float(&fill["px"]));
            assert_eq!((&candle["o"], &candle["c"]), (&trades[0]["px"], &trades[trades.len() - 1]["px"]));
            assert_eq!(float(&candle["h"]), prices().fold(0.0, f64::max));
            assert_eq!(float(&candle["l"]), prices().fold(f64::MAX, f64::min));
            let volume: f64 = trades.iter().map(|fill| float(&fill["sz"])).sum();
            assert!((float(&candle["v"]) - volume).abs() < 1e-6 && candle["n"] == trades.len());
            assert_eq!(candle["t"].as_i64().unwrap(), begin(&&trades[0]));
            assert_eq!(candle["T"].as_i64().unwrap(), begin(&&trades[0]) + length - 1);
            assert_eq!((&candle["s"], &candle["i"]), (&json!(coin), &json!(interval)));
        }
    }
    let unlisted = json!({ "type": "candleSnapshot", "req": { "coin": "GONE", "interval": "1m", "startTime": 0 } });
    assert_eq!(exchange.ask(&unlisted).await, (500, "null".to_owned()));
}
