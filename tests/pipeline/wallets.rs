//! Named wallets and the public feed alone: their fills come from the info endpoint, each once, through a kill.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::exchange::Exchange;
use crate::facts::events_written;
use crate::place::Place;
use crate::process::{Process, fathom, path, wait_until};

const BLOCKS: u64 = 2_000;
const A_PAGE: usize = 2_000;
const NAMED: usize = 3;

#[test]
fn the_fills_of_named_wallets_come_without_a_node_each_once_through_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut exchange = Exchange::open(folder.path(), 200, BLOCKS, "");
    let (market, address) = (exchange.folder.clone(), exchange.address.clone());
    let running = std::thread::spawn(move || {
        exchange.run();
        exchange
    });
    let mut named = Vec::new();
    wait_until("the busiest wallet has more fills than a page holds", || {
        let busiest = busiest(&market);
        named = busiest.iter().map(|(_, user)| user.clone()).collect();
        busiest.first().is_some_and(|(fills, _)| *fills > A_PAGE)
    });
    let place = Place::Data(folder.path().join("data"));

    let mut up = follow(folder.path(), &address, &named);
    let can_be_asked = || place.fathom(&["topics", "fills-history"]).output().unwrap().status.success();
    wait_until("a page of fills has come", || can_be_asked() && !fills_told(&place).is_empty());
    up.kill();
    up.wait();
    let told = fills_told(&place).values().sum::<usize>();
    let mut up = follow(folder.path(), &address, &named);
    // Its last block is written then, and it goes on to answer.
    let exchange = running.join().unwrap();
    let written = fills_written(&market, &named);
    let all: usize = written.values().sum();
    println!("{told} of {all} fills before the kill");
    assert!(told < all, "something is new after the kill");
    wait_until("all their fills have come", || can_be_asked() && fills_told(&place).values().sum::<usize>() >= all);
    up.end();
    drop(exchange);

    assert!(fills_told(&place) == written, "each fill once, as the node's files have it");
    assert_eq!(place.values("feed-status").iter().filter(|it| it["source"] == "info").count(), 0, "nothing is missing");
    assert!(place.values("dead-letters").is_empty());
}

/// Without a node and without a stream.
fn follow(folder: &Path, address: &str, named: &[String]) -> Process {
    let (info, feed, data) = (format!("http://{address}/info"), format!("ws://{address}/ws"), folder.join("data"));
    let all = ["up", "--simulated", "--data", path(&data), "--http", "127.0.0.1:0", "--wallet", &named.join(",")];
    let mut command = fathom(&[&all[..], &["--info", &info, "--feed", &feed]].concat());
    command.env("HOME", folder);
    Process::start(command)
}

/// Those with the most fills so far.
fn busiest(market: &Path) -> Vec<(usize, String)> {
    if !market.join("node_fills_by_block").is_dir() {
        return Vec::new();
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    events_written(market).for_each(|(user, _)| *counts.entry(user).or_default() += 1);
    let mut counts: Vec<(usize, String)> = counts.into_iter().map(|(user, count)| (count, user)).collect();
    counts.sort();
    counts.into_iter().rev().take(NAMED).collect()
}

/// What tells fills apart, and what they are about; how often.
type Fills = BTreeMap<Vec<String>, usize>;

fn fills_written(market: &Path, named: &[String]) -> Fills {
    let mut fills = Fills::new();
    for (user, fill) in events_written(market).filter(|(user, _)| named.contains(user)) {
        *fills.entry(essence(&user, &fill)).or_default() += 1;
    }
    fills
}

fn fills_told(place: &Place) -> Fills {
    let mut fills = Fills::new();
    place.each("fills-history", |fill| {
        *fills.entry(essence(fill["user"].as_str().unwrap(), &fill)).or_default() += 1;
    });
    fills
}

fn essence(user: &str, fill: &Value) -> Vec<String> {
    let fields = ["coin", "oid", "tid", "time", "px", "sz", "side", "startPosition", "closedPnl", "fee"];
    std::iter::once(user.to_owned()).chain(fields.map(|field| fill[field].to_string())).collect()
}
