//! How users stand, compared with the truth, which is written from the same books by other code.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::Exchange;
use crate::Options;
use crate::tests::START;
use crate::tests::files::options;

const DEXES: [&str; 3] = ["", "xyz", "cash"];
const NOBODY: &str = "0x00000000000000000000000000000000000000aa";

/// Exact: no value here has more than ten digits behind the point.
fn number(value: &Value) -> i128 {
    let text = value.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap();
    let size: i128 = format!("{}{fraction:0<10}", whole.trim_start_matches('-')).parse().unwrap();
    if text.starts_with('-') { -size } else { size }
}

fn rows(options: &Options, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(options.out.join("truth").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_what_the_truth_says_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { rate: 1_000, ..options(folder.path(), 3_000) };
    let exchange = Exchange::after(options.clone()).await;
    let truth = rows(&options, "margins.ndjson");
    assert!(truth.len() > 100);
    for row in &truth {
        let mut told = BTreeMap::new();
        for dex in DEXES {
            let asked = json!({ "type": "clearinghouseState", "user": row["user"], "dex": dex });
            let state = exchange.answer(&asked).await;
            agrees_with_itself(&state);
            if dex.is_empty() {
                assert_eq!(state["crossMarginSummary"]["accountValue"], row["account_value"]);
                assert_eq!(state["crossMaintenanceMarginUsed"], row["maintenance_margin"]);
            }
            for entry in state["assetPositions"].as_array().unwrap() {
                let position = &entry["position"];
                told.insert(position["coin"].as_str().unwrap().to_owned(), position.clone());
            }
        }
        let expected = row["positions"].as_array().unwrap();
        assert_eq!(told.len(), expected.len());
        for position in expected {
            let told = &told[position["coin"].as_str().unwrap()];
            assert_eq!((&told["szi"], &told["marginUsed"]), (&position["size"], &position["margin_used"]));
            assert_eq!(told["liquidationPx"], position["liquidation_px"]);
            assert_eq!(told["leverage"]["type"], position["leverage"]["type"]);
            assert_eq!(told["leverage"]["value"], position["leverage"]["value"]);
            assert_eq!(told["leverage"].get("rawUsd"), position["leverage"].get("raw_usd"));
            let value = number(&told["szi"]).abs() * number(&position["mark_px"]) / 10_000_000_000;
            assert_eq!(number(&told["positionValue"]), value);
        }
    }
}

/// What was found to hold for every recorded state.
fn agrees_with_itself(state: &Value) {
    let positions: Vec<&Value> =
        state["assetPositions"].as_array().unwrap().iter().map(|entry| &entry["position"]).collect();
    let is_cross = |position: &&&Value| position["leverage"]["type"] == "cross";
    let signed = |position: &Value| number(&position["positionValue"]) * number(&position["szi"]).signum();
    let all = &state["marginSummary"];
    let cross = &state["crossMarginSummary"];
    let sum = |of: &dyn Fn(&Value) -> i128| positions.iter().map(|position| of(position)).sum::<i128>();
    let sum_cross = |of: &dyn Fn(&Value) -> i128| positions.iter().filter(is_cross).map(|it| of(it)).sum::<i128>();
    assert_eq!(number(&all["totalNtlPos"]), sum(&|it| number(&it["positionValue"])));
    assert_eq!(number(&all["totalMarginUsed"]), sum(&|it| number(&it["marginUsed"])));
    assert_eq!(number(&all["accountValue"]), number(&all["totalRawUsd"]) + sum(&signed));
    assert_eq!(number(&cross["accountValue"]), number(&cross["totalRawUsd"]) + sum_cross(&signed));
    assert_eq!(number(&cross["totalMarginUsed"]), sum_cross(&|it| number(&it["marginUsed"])));
    let maintenance = sum_cross(&|it| {
        number(&it["positionValue"]) / 10_000 / (2 * i128::from(it["maxLeverage"].as_u64().unwrap())) * 10_000
    });
    assert_eq!(number(&state["crossMaintenanceMarginUsed"]), maintenance);
    for position in positions {
        let paid =
            number(&position["positionValue"]) - number(&position["unrealizedPnl"]) * number(&position["szi"]).signum();
        let entry = paid * 10_000_000_000 / number(&position["szi"]).abs();
        let told = number(&position["entryPx"]);
        assert!(told <= entry && entry - told < 10_000_000_000, "{position}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_has_an_empty_account() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::after(options(folder.path(), 10)).await;
    let time = exchange.answer(&json!({ "type": "exchangeStatus" })).await["time"].clone();
    let (_, state) = exchange.ask(&json!({ "type": "clearinghouseState", "user": NOBODY })).await;
    let recorded = concat!(
        r#"{"marginSummary":{"accountValue":"0.0","totalNtlPos":"0.0","totalRawUsd":"0.0","totalMarginUsed":"0.0"},"#,
        r#""crossMarginSummary":{"accountValue":"0.0","totalNtlPos":"0.0","totalRawUsd":"0.0","totalMarginUsed":"0.0"},"#,
        r#""crossMaintenanceMarginUsed":"0.0","withdrawable":"0.0","assetPositions":[],"time":TIME}"#
    );
    assert_eq!(state, recorded.replace("TIME", &time.to_string()));
    let ask = async |kind: &str| exchange.ask(&json!({ "type": kind, "user": NOBODY, "startTime": 0 })).await.1;
    assert_eq!(ask("spotClearinghouseState").await, r#"{"balances":[]}"#);
    assert_eq!(ask("userRole").await, r#"{"role":"missing"}"#);
    assert_eq!(ask("userAbstraction").await, r#""default""#);
    for past in ["userFills", "userFillsByTime", "userFunding", "userNonFundingLedgerUpdates"] {
        assert_eq!(ask(past).await, "[]");
    }
    let unlisted = json!({ "type": "clearinghouseState", "user": NOBODY, "dex": "none" });
    assert_eq!(exchange.ask(&unlisted).await, (500, "null".to_owned()));
}

/// A position pays from the hour on; whoever changes it begins a new sum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_tokens_and_paid_funding_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let start = Some(START / 3_600_000 * 3_600_000 - 60_000);
    let options = Options { start, rate: 500, ..options(folder.path(), 1_000) };
    let exchange = Exchange::after(options.clone()).await;
    let liquidator = json!({ "type": "userRole", "user": "0x2E3D94F0562703B25C83308A05046DDAF9A8DD14" });
    assert_eq!(exchange.answer(&liquidator).await, json!({ "role": "vault" }));
    let (mut tokens, mut charged, mut changed) = (0, 0, 0);
    for row in rows(&options, "margins.ndjson") {
        let user = &row["user"];
        assert_eq!(exchange.answer(&json!({ "type": "userRole", "user": user })).await, json!({ "role": "user" }));
        let balances = exchange.answer(&json!({ "type": "spotClearinghouseState", "user": user })).await;
        for balance in balances["balances"].as_array().unwrap() {
            let token = json!([balance["coin"], balance["token"], balance["hold"]]);
            assert!(token == json!(["PURR", 1, "0.0"]) || token == json!(["HYPE", 150, "0.0"]), "{balance}");
            assert!(number(&balance["total"]) > 0 && number(&balance["entryNtl"]) >= 0);
            tokens += 1;
        }
        let fundings = exchange.items(&json!({ "type": "userFunding", "user": user, "startTime": 0 })).await;
        let state = exchange.answer(&json!({ "type": "clearinghouseState", "user": user })).await;
        for position in state["assetPositions"].as_array().unwrap().iter().map(|entry| &entry["position"]) {
            let paid = &position["cumFunding"];
            let of_coin = fundings.iter().filter(|row| row["delta"]["coin"] == position["coin"]);
            assert_eq!(number(&paid["allTime"]), -of_coin.map(|row| number(&row["delta"]["usdc"])).sum::<i128>());
            charged += usize::from(number(&paid["allTime"]) != 0);
            changed += usize::from(paid["sinceChange"] != paid["allTime"]);
            assert!(paid["sinceChange"] == paid["allTime"] || paid["sinceChange"] == "0.0");
        }
    }
    assert!(tokens > 20 && charged > 100 && changed > 5, "{tokens} tokens, {charged} charged, {changed} changed since");
}
