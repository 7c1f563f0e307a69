//! Accounts that are asked for within the budget of one address, through a kill.

use std::collections::BTreeMap;
use std::path::Path;

use parser::LedgerId;
use serde_json::{Value, json};

use crate::place::Place;
use crate::process::{Process, fathom, path, wait_until};
use crate::web::Web;

#[test]
fn accounts_are_followed_within_the_budget_through_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    let all = ["simulate", "--out", path(&market), "--rate", "300", "--listen", "127.0.0.1:0"];
    let mut simulator = Process::start(fathom(&all));
    let said = simulator.wait_for("POST http://");
    let exchange = said.split("POST http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let at_the_exchange = Web::at(&exchange);

    let mut up = follow(&market, &data, &exchange);
    let place = Place::Data(data.clone());
    let readings = || place.values("account-states").len();
    wait_until("a hundred accounts were read", || readings() > 100);
    up.kill();
    up.wait();
    let mut up = follow(&market, &data, &exchange);
    wait_until("more was read than a minute's budget can buy", || readings() > 700);
    let spent = at_the_exchange.get("/weights");
    println!("{} readings of accounts, {spent}", readings());
    assert!((800..=1_200).contains(&spent["most_in_any_minute"].as_u64().unwrap()), "{spent}");
    assert_eq!(spent["refused"], 0, "{spent}");

    let largest = place.values("account-states").into_iter().filter(|state| state["assetPositions"][0].is_object());
    assert!(largest.count() > 100, "accounts that hold something");
    let metrics = Web::of(&data).text("/metrics");
    let followed = metrics.lines().find_map(|line| line.strip_prefix("fathom_info_accounts{source=\"info\"} "));
    assert_eq!(followed, Some("1000"));
    let is_spot = |trade: &Value| trade["coin"].as_str().unwrap().starts_with('@');
    assert!(place.values("trades").iter().any(is_spot), "spot is followed too");
    each_price_is_of_its_coin(&Web::of(&data), &at_the_exchange);
    up.end();
    the_endpoint_tells_the_same_as_the_node(&place, &at_the_exchange);
}

/// Contexts come without names, in the order of the metadata.
fn each_price_is_of_its_coin(ours: &Web, exchange: &Web) {
    let mut mids = Value::Null;
    // Refused, as long as the minute's weight is spent.
    wait_until("the endpoint answers", || {
        mids = exchange.post("/info", &json!({"type": "allMids"}));
        mids.is_object()
    });
    let prices = ours.get("/api/v1/prices");
    let number = |value: &Value| text(value).parse::<f64>().unwrap();
    let far = |row: &&Value| {
        let (mid, mark) = (&mids[text(&row["coin"])], number(&row["mark_px"]));
        mid.is_string() && (mark / number(mid) - 1.0).abs() > 0.1
    };
    let rows = prices["data"].as_array().unwrap();
    assert!(rows.len() > 15, "{prices}");
    assert_eq!(rows.iter().filter(far).collect::<Vec<_>>(), Vec::<&Value>::new(), "{mids}");
}

/// What the node's files told of a few wallets, the endpoint tells too: the same changes, under the same ids.
fn the_endpoint_tells_the_same_as_the_node(place: &Place, exchange: &Web) {
    let liquidations = || {
        let updates = place.values("ledger-updates").into_iter().filter(|it| it["delta"]["type"] == "liquidation");
        updates.map(|it| (text(&it["id"]), text(&it["user"]))).collect::<BTreeMap<_, _>>()
    };
    wait_until("ten wallets are liquidated", || liquidations().len() >= 10);
    for (id, user) in liquidations().into_iter().take(10) {
        let question = json!({"type": "userNonFundingLedgerUpdates", "user": user, "startTime": 0});
        let mut changes = Value::Null;
        // Refused, as long as the minute's weight is spent.
        wait_until("the endpoint answers", || {
            changes = exchange.post("/info", &question);
            changes.is_array()
        });
        let ids: Vec<String> = changes.as_array().unwrap().iter().map(|change| id_of(&user, change)).collect();
        assert!(ids.contains(&id), "{id} is none of {ids:?}");
    }
}

fn id_of(user: &str, change: &Value) -> String {
    let (time, delta) = (change["time"].as_i64().unwrap(), &change["delta"]);
    let hash = serde_json::from_value(change["hash"].clone()).unwrap();
    LedgerId { time, user: user.parse().unwrap(), hash, delta }.to_string()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn follow(market: &Path, data: &Path, exchange: &str) -> Process {
    wait_until("the market begins", || market.join("node_fills_by_block/hourly").is_dir());
    let (info, feed) = (format!("http://{exchange}/info"), format!("ws://{exchange}/ws"));
    let all = ["up", "--simulated", "--spot", "--node", path(market), "--data", path(data), "--http", "127.0.0.1:0"];
    let mut up = Process::start(fathom(&[&all[..], &["--info", &info, "--feed", &feed]].concat()));
    up.wait_for("Ready after");
    up
}
