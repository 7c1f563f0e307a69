//! Accounts that are asked for within the budget of one address, through a kill.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

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
    let weights = Web::at(&exchange);

    let mut up = follow(&market, &data, &exchange);
    let place = Place::Data(data.clone());
    let readings = || place.values("account-states").len();
    wait_until("a hundred accounts were read", || readings() > 100);
    up.kill();
    up.wait();
    let mut up = follow(&market, &data, &exchange);
    wait_until("more was read than a minute's budget can buy", || readings() > 700);
    let spent = weights.get("/weights");
    println!("{} readings of accounts, {spent}", readings());
    assert!((800..=1_200).contains(&spent["most_in_any_minute"].as_u64().unwrap()), "{spent}");
    assert_eq!(spent["refused"], 0, "{spent}");

    let largest = place.values("account-states").into_iter().filter(|state| state["assetPositions"][0].is_object());
    assert!(largest.count() > 100, "accounts that hold something");
    let metrics = Web::of(&data).text("/metrics");
    let followed = metrics.lines().find_map(|line| line.strip_prefix("fathom_info_accounts{source=\"info\"} "));
    assert_eq!(followed, Some("1000"));
    the_endpoint_tells_the_same_as_the_node(&place, folder.path(), &exchange);
    up.end();
}

/// Without a node, what a few wallets move is asked for: the same changes, under the same ids.
fn the_endpoint_tells_the_same_as_the_node(place: &Place, folder: &Path, exchange: &str) {
    let liquidations = |place: &Place| {
        let updates = place.values("ledger-updates").into_iter().filter(|it| it["delta"]["type"] == "liquidation");
        updates.map(|it| (text(&it["id"]), text(&it["user"]))).collect::<BTreeMap<_, _>>()
    };
    wait_until("ten wallets are liquidated", || liquidations(place).len() >= 10);
    let told: BTreeMap<_, _> = liquidations(place).into_iter().take(10).collect();
    let wallets = told.values().cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",");
    let data = folder.join("without-a-node");
    let (info, feed) = (format!("http://{exchange}/info"), format!("ws://{exchange}/ws"));
    let mut command =
        fathom(&["up", "--simulated", "--data", path(&data), "--http", "127.0.0.1:0", "--wallet", &wallets]);
    command.args(["--info", &info, "--feed", &feed]).env("HOME", folder);
    let mut up = Process::start(command);
    up.wait_for("works on the partitions");
    let other = Place::Data(data);
    wait_until("the endpoint has told them too", || told.keys().all(|id| liquidations(&other).contains_key(id)));
    let known = liquidations(place);
    let unknown: Vec<_> = liquidations(&other).into_keys().filter(|id| !known.contains_key(id)).collect();
    println!("{} liquidations of wallets, told by node and endpoint under the same ids", told.len());
    assert!(unknown.is_empty(), "{unknown:?}");
    up.end();
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn follow(market: &Path, data: &Path, exchange: &str) -> Process {
    wait_until("the market begins", || market.join("node_fills_by_block/hourly").is_dir());
    let (info, feed) = (format!("http://{exchange}/info"), format!("ws://{exchange}/ws"));
    let all = ["up", "--simulated", "--node", path(market), "--data", path(data), "--http", "127.0.0.1:0"];
    let mut up = Process::start(fathom(&[&all[..], &["--info", &info, "--feed", &feed]].concat()));
    up.wait_for("Ready after");
    up
}
