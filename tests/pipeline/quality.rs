//! What a pipeline says of its sources: nothing invented, silence and holes noticed soon, and healed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::facts::{fills_of, fills_written, last_block};
use crate::place::Place;
use crate::process::{Process, ask, fathom, path, wait_until};
use crate::web::Web;

#[test]
fn without_a_network_nothing_is_invented() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let away = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws"];
    let mut command = fathom(&["up", "--data", path(&data), "--http", "127.0.0.1:0"]);
    command.args(away).env("HOME", folder.path());
    let mut up = Process::start(command);
    let line = up.wait_for("no metadata of the markets");
    assert!(line.contains("127.0.0.1:9/info did not answer") && line.contains("trying again"), "{line}");
    up.wait_for("is up, without positions so far");
    let web = Web::of(&data);
    assert_eq!((web.status("/health/live"), web.status("/health/ready")), (200, 503));
    let liquidations = web.get("/api/v1/liquidations");
    assert_eq!((&liquidations["data"], &liquidations["meta"]["reason"]), (&json!([]), &json!("needs_node_fills")));
    assert_eq!(web.get("/api/v1/positions?coin=BTC")["error"]["code"], "UNKNOWN_COIN");
    let topics = ask(&["topics", "--data", path(&data), "--json"]);
    for topic in topics["topics"].as_array().unwrap().iter().filter(|topic| !is_about_ourselves(topic)) {
        let next: u64 = topic["partitions"].as_array().unwrap().iter().map(|part| part["next"].as_u64().unwrap()).sum();
        assert_eq!(next, 0, "{topic}");
    }
    up.end();
}

fn is_about_ourselves(topic: &Value) -> bool {
    let name = topic["topic"].as_str().unwrap();
    name.starts_with("state.") || ["feed-status", "source-runs"].contains(&name)
}

#[test]
fn a_source_that_falls_silent_is_said_within_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    let mut simulator = Process::start(fathom(&["simulate", "--out", path(&market), "--rate", "300"]));
    simulator.wait_for("a market in");
    let mut up = follow(&market, &data, &[]);
    let web = Web::of(&data);
    let node = || {
        let reply = web.get("/health/ready");
        let dependencies = reply["dependencies"].as_array().unwrap().clone();
        dependencies.iter().any(|it| it["name"] == "source" && it["ok"] == true)
    };
    wait_until("blocks come", node);
    simulator.signal("STOP");
    let silent = Instant::now();
    wait_until("it is said that none come", || !node());
    println!("said {:?} after the node fell silent", silent.elapsed());
    assert!(silent.elapsed() < Duration::from_secs(10), "{:?}", silent.elapsed());
    assert_eq!((web.status("/health/live"), web.status("/health/ready")), (200, 503));
    let status = |wanted: &str| {
        let place = Place::Data(data.clone());
        place.values("feed-status").iter().any(|it| it["status"] == wanted)
    };
    wait_until("the log says so too", || status("stale"));
    simulator.signal("CONT");
    wait_until("blocks come again", node);
    up.end();
}

#[test]
fn holes_are_noticed_within_two_seconds_and_healed_from_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (market, clean, data) = (folder.path().join("market"), folder.path().join("clean"), folder.path().join("data"));
    let start = (chrono::Utc::now().timestamp_millis()).to_string();
    let simulate = |out: &Path, more: &[&str]| {
        let all = ["simulate", "--out", path(out), "--rate", "300", "--seed", "5", "--start", &start];
        let mut market = Process::start(fathom(&[&all[..], more].concat()));
        market.wait_for("a market in");
        market
    };
    fs::create_dir(&clean).unwrap();
    // The same market twice: a node that loses blocks, and one that does not, whose files are the archive.
    let mut faulty = simulate(&market, &["--faults", "missing=20,garbage=30,truncated=30"]);
    let mut up = follow(&market, &data, &["--archive", path(&clean)]);
    let live_since = chrono::Utc::now().timestamp_millis();
    let web = Web::of(&data);
    wait_until("ten holes", || ask_status(&data)["gaps"].as_u64() >= Some(10));
    faulty.end();
    let blocks = last_block(&market).to_string();
    let mut twin = simulate(&clean, &["--speed", "0", "--blocks", &blocks]);
    assert!(twin.wait().success());
    wait_until("all of them are healed", || ask_status(&data)["blocks_missed"].as_u64() == Some(0));

    let place = Place::Data(data.clone());
    let statuses = place.values("feed-status");
    let of = |status: &str| statuses.iter().filter(|it| it["status"] == status).cloned().collect::<Vec<_>>();
    let (gaps, healed) = (of("gap"), of("gap-healed"));
    assert_eq!(gaps.len(), healed.len());
    let noticed = |gap: &Value| (gap["to_time"].as_i64().unwrap(), gap["time"].as_i64().unwrap());
    let live: Vec<i64> = gaps.iter().map(noticed).filter(|it| it.0 > live_since).map(|it| it.1 - it.0).collect();
    let longest = *live.iter().max().unwrap();
    println!("{} holes, {} of them live and noticed within {longest} ms, all healed", gaps.len(), live.len());
    assert!(longest <= 2_000, "{longest} ms");
    assert!(healed.iter().all(|it| it["healed_by"] == path(&clean)), "{healed:?}");
    assert_eq!(fills_of(&place, &["fills", "fills-history"]), fills_written(&clean));
    let served = |what: &str| web.get(&format!("/api/v1/data-quality/{what}"))["data"].as_array().unwrap().clone();
    let blocks = |gap: &Value| (gap["from_block"].as_u64(), gap["to_block"].as_u64());
    let all_healed = |rows: &[Value]| rows.iter().filter(|row| row["status"] == "healed").count() == gaps.len();
    wait_until("the healed holes are served", || all_healed(&served("gaps?limit=100")));
    let (told, rows) = (gaps.iter().map(blocks).collect::<BTreeSet<_>>(), served("gaps?limit=100"));
    assert_eq!(rows.iter().map(blocks).collect::<BTreeSet<_>>(), told);
    let runs = served("runs");
    let run = runs.iter().find(|run| run["source"] == "node-fills" && run["stream"] == path(&market)).unwrap();
    assert!(run["facts"].as_u64() > Some(0) && run["dead_letters"].as_u64() > Some(0), "{run}");
    assert_eq!((web.status("/health/live"), ask_status(&data)["blocks_healed"].as_u64() > Some(0)), (200, true));
    up.end();
}

fn follow(market: &Path, data: &Path, more: &[&str]) -> Process {
    wait_until("the market begins", || market.join("node_fills_by_block/hourly").is_dir());
    let all = ["up", "--simulated", "--node", path(market), "--data", path(data), "--http", "127.0.0.1:0"];
    let away = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws"];
    let mut up = Process::start(fathom(&[&all[..], &away, more].concat()));
    up.wait_for("Ready after");
    up
}

fn ask_status(data: &Path) -> Value {
    ask(&["status", "--data", path(data), "--json"])
}
