//! The exchange's own candles of minutes that are over: those of its trades, each once, through a kill.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::exchange::Exchange;
use crate::place::Place;
use crate::process::{Process, fathom, path, wait_until};
use crate::traded::{minutes, plain};

/// Some minutes of event time.
const BLOCKS: u64 = 3_000;
const AGO: Duration = Duration::from_secs(30 * 60);

#[test]
fn the_exchange_s_candles_are_those_of_its_trades_each_once_through_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::past(folder.path(), 100, BLOCKS, AGO);
    let place = Place::Data(folder.path().join("data"));
    let can_be_asked = || place.fathom(&["topics", "exchange-candles"]).output().unwrap().status.success();

    let mut up = follow(folder.path(), &exchange.address);
    wait_until("candles of a coin have come", || can_be_asked() && !told(&place).is_empty());
    up.kill();
    up.wait();
    let before = coins(&told(&place));
    let mut up = follow(folder.path(), &exchange.address);
    wait_until("candles of another coin have come", || can_be_asked() && coins(&told(&place)) != before);
    up.end();

    let (told, traded) = (told(&place), minutes(&exchange.folder));
    let coins = coins(&told);
    let expected: BTreeMap<_, _> = traded.into_iter().filter(|((coin, _), _)| coins.contains(coin)).collect();
    println!("{} candles of {coins:?}", told.len());
    assert!(expected.len() >= 2 * coins.len(), "some minutes of each");
    assert!(told.iter().cloned().collect::<BTreeMap<_, _>>() == expected, "{told:?} are not {expected:?}");
    assert_eq!(told.len(), expected.len(), "each once");
    assert!(place.values("dead-letters").is_empty());
    assert_eq!(place.values("feed-status").iter().filter(|it| it["source"] == "info").count(), 0, "nothing is missing");
}

/// Without a node and without a stream.
fn follow(folder: &Path, address: &str) -> Process {
    let (info, feed, data) = (format!("http://{address}/info"), format!("ws://{address}/ws"), folder.join("data"));
    let all = ["up", "--simulated", "--data", path(&data), "--http", "127.0.0.1:0", "--info", &info, "--feed", &feed];
    let mut command = fathom(&all);
    command.env("HOME", folder);
    Process::start(command)
}

type Candles = Vec<((String, i64), Vec<String>)>;

fn coins(candles: &Candles) -> BTreeSet<String> {
    candles.iter().map(|((coin, _), _)| coin.clone()).collect()
}

/// Open, high, low, close, volume and trades of each minute that was told.
fn told(place: &Place) -> Candles {
    let candle = |candle: Value| {
        assert!(candle["i"] == "1m" && candle["asked_at"].as_i64() > candle["T"].as_i64(), "{candle}");
        let cell = |field: &str| plain(candle[field].as_str().unwrap().parse().unwrap());
        let mut cells = ["o", "h", "l", "c", "v"].map(cell).to_vec();
        cells.push(candle["n"].to_string());
        ((candle["s"].as_str().unwrap().to_owned(), candle["t"].as_i64().unwrap()), cells)
    };
    place.values("exchange-candles").into_iter().map(candle).collect()
}
