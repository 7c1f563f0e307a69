//! Watches as somebody asks for them: heard of within a second, kept through a kill, and ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::process::{Process, fathom, path, wait_until};
use crate::web::Web;

const WATCHES: &str = "/api/v1/whales/watches";
/// By event time, so much later a computer counts what is beside the clock.
const BESIDE_MS: i64 = 1_000;

#[test]
fn a_wallet_is_watched_within_a_second_through_a_kill_and_until_it_is_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut demo = start(&data);
    let mut web = Web::of(&data);
    let wallet = busiest(&web);
    let asked = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let begun = web.post(WATCHES, &json!({ "wallet": wallet, "label": "the busiest" }));
    let counts_from = begun["data"]["time"].as_i64().unwrap() + BESIDE_MS;
    // The market is made up as time goes by.
    assert!((0..=1_000).contains(&(counts_from - asked)), "within a second of {asked}: {begun}");
    let told = every_order_is_told(&web, &wallet, counts_from, 3);
    println!("{told} orders of the busiest wallet since it is watched");

    demo.kill();
    demo.wait();
    let mut demo = start(&data);
    web = Web::of(&data);
    assert_eq!(web.get(WATCHES)["data"][0]["label"], "the busiest", "it is remembered");
    let told = every_order_is_told(&web, &wallet, counts_from, told + 3);
    println!("{told} with those after the kill");

    assert_eq!(web.delete(&format!("{WATCHES}/{wallet}")), 204);
    assert_eq!(web.delete(&format!("{WATCHES}/{wallet}")), 404);
    wait_until("nothing is watched", || web.get(WATCHES)["data"] == json!([]));
    let ended = web.get("/api/v1/status")["data"]["head_time"].as_i64().unwrap() + BESIDE_MS;
    wait_until("it trades again", || orders(&web, "transactions", &wallet, ended).0.len() > 3);
    let (told, watermark) = orders(&web, "whales/activities", &wallet, ended);
    assert!(told.values().all(|order| order["watched"] == false), "up to {watermark}: {told:#?}");
    demo.end();
}

fn start(data: &Path) -> Process {
    let args = ["up", "--demo", "--data", path(data), "--http", "127.0.0.1:0", "--rate", "500"];
    let mut demo = Process::start(fathom(&args));
    demo.wait_for("Ready after");
    demo
}

fn busiest(web: &Web) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    wait_until("somebody trades often", || {
        counts.clear();
        for leg in web.get("/api/v1/transactions?limit=1000")["data"].as_array().unwrap() {
            *counts.entry(leg["wallet"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts.values().any(|legs| *legs > 10)
    });
    counts.into_iter().max_by_key(|(_, legs)| *legs).unwrap().0
}

/// Once there are so many; how many there are.
fn every_order_is_told(web: &Web, wallet: &str, since: i64, at_least: usize) -> usize {
    let mut compared = 0;
    wait_until("orders of a watched wallet are told", || {
        let (traded, one) = orders(web, "transactions", wallet, since);
        let (told, other) = orders(web, "whales/activities", wallet, since);
        let known = one.min(other);
        let known_of = |orders: &BTreeMap<(i64, i64), Value>| -> BTreeSet<(i64, i64)> {
            let known = orders.iter().filter(|(_, order)| order["time"].as_i64().unwrap() <= known);
            known.map(|(order, _)| *order).collect()
        };
        assert_eq!(known_of(&traded), known_of(&told), "what was traded, and what is told, up to {known}");
        assert!(told.values().all(|order| order["watched"] == true && order["label"] == "the busiest"), "{told:#?}");
        compared = known_of(&told).len();
        compared >= at_least
    });
    compared
}

/// What the exchange does itself, and what is bought and sold at once: no position comes of it.
const NO_ORDERS: [&str; 3] = ["Settlement", "Buy", "Sell"];

/// By block and order, and up to which event time they are known.
fn orders(web: &Web, list: &str, wallet: &str, since: i64) -> (BTreeMap<(i64, i64), Value>, i64) {
    let reply = web.get(&format!("/api/v1/{list}?wallet={wallet}&start_time={since}&limit=1000"));
    assert_eq!(reply["meta"]["next_cursor"], Value::Null, "there are few of them");
    let place = |order: &Value| Some((order["block"].as_i64()?, order["oid"].as_i64()?));
    let of_orders =
        reply["data"].as_array().unwrap().iter().filter(|order| !NO_ORDERS.iter().any(|dir| order["dir"] == *dir));
    let orders = of_orders.filter_map(|order| Some((place(order)?, order.clone()))).collect();
    (orders, reply["meta"]["watermark"].as_i64().unwrap_or_default())
}
