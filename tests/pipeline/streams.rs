//! Streams of fills over WebSocket, as vendors of node data have them: alone, beside a node, cut and refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::compare;
use crate::exchange::Exchange;
use crate::place::Place;
use crate::process::{Process, ask, fathom, path, run, wait_until, wait_until_caught_up};

/// A file that describes the simulator's stream.
fn file(folder: &Path, address: &str, more: Value) -> PathBuf {
    let mut said = json!({
        "name": "vendor", "url": format!("ws://{address}/stream"), "headers": { "x-api-key": "${VENDOR_KEY}" },
        "subscribe": { "method": "subscribe", "subscription": { "type": "fills" } },
        "fills": "data.block", "layout": "blocks", "ping": { "message": { "method": "ping" }, "every_seconds": 1 }
    });
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let file = folder.join("vendor.json");
    fs::write(&file, said.to_string()).unwrap();
    file
}

/// The pipeline with this stream, and whatever else; no node of its own.
fn follow(folder: &Path, address: &str, stream: &Path, more: &[&str]) -> Process {
    let (info, feed) = (format!("http://{address}/info"), format!("ws://{address}/ws"));
    let data = folder.join("data");
    let all = ["up", "--simulated", "--data", path(&data), "--http", "127.0.0.1:0", "--stream", path(stream)];
    let mut command = fathom(&[&all[..], &["--info", &info, "--feed", &feed], more].concat());
    command.env("HOME", folder).env("VENDOR_KEY", "s3cret").env("RUST_LOG", "parser=debug,info");
    Process::start(command)
}

/// When the simulator has heard what it was asked for too.
fn wait_for_the_subscription(up: &mut Process) {
    up.wait_for("stream vendor: the provider answers");
}

fn run_of_the_stream(place: &Place) -> Value {
    place.values("source-runs").into_iter().rfind(|run| run["stream"] == "vendor").unwrap()
}

fn said_of_the_stream(place: &Place) -> Vec<String> {
    let all = place.values("feed-status").into_iter().filter(|it| it["source"] == "fill-stream.vendor");
    all.map(|it| it["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_stream_alone_gives_all_that_the_truth_knows() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = 3_000;
    let mut market = Exchange::open(folder.path(), 500, blocks, "");
    let stream = file(folder.path(), &market.address, json!({}));
    let mut up = follow(folder.path(), &market.address, &stream, &[]);
    wait_for_the_subscription(&mut up);
    market.run();
    let data = folder.path().join("data");
    wait_until_caught_up(&data, blocks);
    up.end();
    let place = Place::Data(data);
    let compared = compare::with_truth(&place, &market.folder);
    println!("{compared:?} equal the truth");
    assert!(compared.positions > 500 && compared.minutes > 10 && compared.orders > 0, "{compared:?}");
    assert_eq!(said_of_the_stream(&place), ["connected", "disconnected"]);
    let run = run_of_the_stream(&place);
    assert_eq!((run["frames"].as_u64(), run["last_block"].as_u64()), (Some(blocks), Some(blocks)), "{run}");
    assert_eq!((run["duplicates"].as_u64(), run["dead_letters"].as_u64()), (Some(0), Some(0)), "{run}");
    assert_eq!(place.values("raw.node-fills").len() as u64, blocks);
    assert!(place.values("dead-letters").is_empty());
    let said: Vec<_> = up.seen.iter().filter(|(_, line)| line.contains("s3cret")).collect();
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn fills_without_blocks_make_the_same_positions_and_each_cut_is_a_hole_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut market = Exchange::open(folder.path(), 500, 1_500, "dropped=500");
    let more = json!({ "fills": "data.block.events", "layout": "fills" });
    let stream = file(folder.path(), &market.address, more);
    let mut up = follow(folder.path(), &market.address, &stream, &[]);
    wait_for_the_subscription(&mut up);
    market.run();
    let place = Place::Data(folder.path().join("data"));
    // A position says what it was before: after a cut, whoever trades again is known again.
    let share = || compare::share_of_true_positions(&place, &market.folder);
    wait_until("most positions are as they are", || share() > 0.5);
    up.end();
    let (statuses, said) = (place.values("feed-status"), said_of_the_stream(&place));
    let gaps: Vec<_> = statuses.iter().filter(|it| it["status"] == "gap" && it["source"] == "node-fills").collect();
    let lost = said.iter().filter(|status| *status == "disconnected").count() - 1;
    println!("{} holes after {lost} cuts; {:.3} of the positions as they are", gaps.len(), share());
    assert!(lost > 0 && gaps.len() >= lost, "{said:?} {gaps:?}");
    assert!(gaps.iter().all(|gap| gap["from_time"].is_i64() && gap["from_block"].is_null()), "{gaps:?}");
}

#[test]
fn a_stream_that_is_cut_and_falls_silent_misses_nothing_beside_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    let blocks = 2_000;
    let all = ["simulate", "--out", path(&market), "--listen", "127.0.0.1:0", "--rate", "300", "--speed", "4"];
    let faults = ["--faults", "dropped=300,silent=350", "--blocks", &blocks.to_string()];
    let mut simulator = Process::start(fathom(&[&all[..], &faults].concat()));
    let line = simulator.wait_for("/stream answer");
    let address = line.split("ws://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let stream = file(folder.path(), &address, json!({ "silence_seconds": 2 }));
    wait_until("the market begins", || market.join("node_fills_by_block/hourly").is_dir());
    let mut up = follow(folder.path(), &address, &stream, &["--node", path(&market)]);
    assert!(simulator.wait().success());
    wait_until_caught_up(&data, blocks);
    let status = ask(&["status", "--data", path(&data), "--json"]);
    assert_eq!((status["blocks_missed"].as_u64(), status["gaps"].as_u64()), (Some(0), Some(0)), "{status}");
    up.end();
    let place = Place::Data(data);
    let compared = compare::with_truth(&place, &market);
    let (said, run) = (said_of_the_stream(&place), run_of_the_stream(&place));
    println!("{compared:?} equal the truth; the stream was {said:?}: {run}");
    assert!(said.iter().any(|it| it == "disconnected") && said.iter().any(|it| it == "stale"), "{said:?}");
    assert!(said.iter().filter(|it| *it == "connected").count() > 2, "{said:?}");
    assert!(run["frames"].as_u64() > Some(300) && run["dead_letters"] == 0, "{run}");
}

#[test]
fn what_a_node_loses_a_stream_beside_it_gives() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = 1_500;
    let mut market = Exchange::open(folder.path(), 500, blocks, "missing=40,truncated=60,garbage=70,restarts=300");
    let stream = file(folder.path(), &market.address, json!({}));
    let node = market.folder.clone();
    let mut up = follow(folder.path(), &market.address, &stream, &["--node", path(&node)]);
    wait_for_the_subscription(&mut up);
    market.run();
    let data = folder.path().join("data");
    wait_until_caught_up(&data, blocks);
    let status = ask(&["status", "--data", path(&data), "--json"]);
    assert_eq!((status["blocks_missed"].as_u64(), status["gaps"].as_u64()), (Some(0), Some(0)), "{status}");
    up.end();
    let place = Place::Data(data);
    let (compared, run) = (compare::with_truth(&place, &node), run_of_the_stream(&place));
    println!("{compared:?} equal the truth; the stream: {run}");
    assert!(run["facts"].as_u64() > Some(100), "{run}");
}

#[test]
fn what_is_wrong_with_a_stream_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let market = Exchange::open(folder.path(), 500, 1, "");
    let data = folder.path().join("data");
    let refused = |stream: &Path| {
        let (status, _, said) = run(&["up", "--data", path(&data), "--stream", path(stream)]);
        assert_eq!(status, 2, "{said}");
        said
    };
    let stream = file(folder.path(), &market.address, json!({ "subscription": {} }));
    let said = refused(&stream);
    assert!(said.contains("vendor.json") && said.contains("`subscription`, expected one of `name`, `url`,"), "{said}");
    let stream = file(folder.path(), &market.address, json!({ "headers": { "x-api-key": "${NO_SUCH_KEY}" } }));
    let said = refused(&stream);
    assert!(
        said.contains("`headers.x-api-key` needs the environment variable NO_SUCH_KEY, which is not set"),
        "{said}"
    );
    assert!(refused(&folder.path().join("nowhere.json")).contains("nowhere.json: it cannot be read"));

    let stream = file(folder.path(), &market.address, json!({ "headers": {} }));
    let mut up = follow(folder.path(), &market.address, &stream, &[]);
    let said = up.wait_for("refuses the key");
    assert!(said.contains("stream vendor: the provider refuses the key (HTTP 401 Unauthorized)"), "{said}");
    assert!(said.contains("check `headers`") && said.contains("tried again every few minutes"), "{said}");
    up.end();
    assert_eq!(said_of_the_stream(&Place::Data(data)), ["disconnected"]);
}
