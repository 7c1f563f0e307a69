//! Everything computed anew by another rule while the market goes on and clients listen; told, taken back and told again; and
//! the one before dropped. Nobody misses an event, nobody is told one twice, and nothing but what the rule decides differs.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::Place;
use crate::process::{Process, fathom, path, wait_until, wait_while_missing};
use crate::socket::Socket;
use crate::web::Web;

#[test]
fn another_rule_is_brought_in_and_taken_back_while_the_market_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let all = ["up", "--demo", "--data", path(&data), "--http", "127.0.0.1:0", "--rate", "2000", "--rate-limit", "0"];
    let mut demo = Process::start(fathom(&all));
    demo.wait_for("Ready after");
    let (place, web) = (Place::Data(data.clone()), Web::of(&data));
    is_brought_in_and_taken_back(&place, &web);
    wait_until("nothing of the first one is left", || {
        rows(&place, 1) == 0 && rebuild(&place, &["ls"])["being_removed"] == json!([])
    });
    demo.end();

    // It goes on where it was.
    let mut demo = Process::start(fathom(&all));
    demo.wait_for("Ready after");
    let web = Web::of(&data);
    assert_eq!(web.get("/api/v1/markets")["meta"]["generation"], 2);
    let before = latest(&web);
    wait_until("it goes on", || latest(&web) > before);
    demo.end();
}

#[test]
fn a_stretch_that_is_kept_has_rows_and_is_told_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let all = ["up", "--demo", "--data", path(&data), "--http", "127.0.0.1:0", "--rate", "1000", "--rate-limit", "0"];
    let mut demo = Process::start(fathom(&all));
    demo.wait_for("Ready after");
    let (place, web) = (Place::Data(data.clone()), Web::of(&data));
    wait_until("some were liquidated", || listed(&web, "liquidations").len() > 20);
    let replay = |args: &[&str]| said(&mut place.fathom(&[&["replay", "--keep", "--json"], args].concat()));
    let (status, kept) = replay(&["--topic", "liquidations"]);
    assert!(status, "{kept}");
    let (number, from, to) = (&kept["summary"]["generation"], &kept["summary"]["from"], &kept["summary"]["to"]);
    assert_eq!(number, 2, "{kept}");
    let rows = |generation: u64| {
        let columns = "coin, wallet, block, method, side, time, fills, size, notional, average_px, mark_px, closed_pnl, remaining";
        place.rows(&format!(
            "SELECT {columns} FROM liquidations WHERE generation = {generation} AND time > {from} AND time <= {to} \
             ORDER BY coin, wallet, block, method"
        ))
    };
    let live = rows(1);
    assert!(live.len() > 20, "only {}", live.len());
    wait_until("it has rows", || rows(2).len() == live.len());
    assert_eq!(rows(2), live);
    assert_eq!(web.get("/api/v1/liquidations?limit=1")["meta"]["generation"], 1);
    let tell = place.fathom(&["rebuild", "tell", "2"]).output().unwrap();
    assert!(!tell.status.success() && String::from_utf8(tell.stderr).unwrap().contains("nobody goes on with it"));
    let (same, last) = said(&mut place.fathom(&["rebuild", "compare", "2", "--json"]));
    assert!(same && last["summary"]["check"]["compared"]["liquidations"].as_u64() > Some(10), "{last}");
    rebuild(&place, &["drop", "2"]);
    wait_until("nothing of it is left", || {
        rows(2).is_empty() && rebuild(&place, &["ls"])["being_removed"] == json!([])
    });
    assert_eq!(rows(1), live);

    // What is not whole is not there.
    let mut replay = Process::start(place.fathom(&["replay", "--keep", "--speed", "1x"]));
    wait_until("it is begun", || rebuild(&place, &["ls"])["generations"].as_array().unwrap().len() == 2);
    replay.interrupt();
    assert!(!replay.wait().success());
    wait_until("nothing of it is left", || {
        let listed = rebuild(&place, &["ls"]);
        listed["generations"].as_array().unwrap().len() == 1 && listed["being_removed"] == json!([])
    });
    demo.end();
}

/// By commands beside whatever runs there.
fn is_brought_in_and_taken_back(place: &Place, web: &Web) {
    wait_until("much has happened, and somebody was liquidated", || {
        listed(web, "whales/activities").len() > 50 && listed(web, "liquidations").len() > 3
    });
    let clients: Vec<Client> = (0..4).map(|_| Client::begin(web.address())).collect();
    let planned = rebuild(place, &["begin", "--dry-run"]);
    assert_eq!((&planned["plan"]["generation"], &planned["plan"]["removed"]), (&json!(2), &json!(0)), "{planned}");
    assert_eq!(rebuild(place, &["ls"])["generations"].as_array().unwrap().len(), 1, "it was a dry run");

    let begun = rebuild(place, &["begin", "--whale-floor", "30000"]);
    println!("made beside the first one: {begun}");
    assert_eq!(begun["summary"]["generation"], 2);
    wait_while_missing("it is as far", || {
        let tell = place.fathom(&["rebuild", "tell", "2", "--dry-run"]).output().unwrap();
        (!tell.status.success()).then(|| String::from_utf8(tell.stderr).unwrap())
    });
    assert_eq!(web.get("/api/v1/markets")["meta"]["generation"], 1, "it is told when that is asked for");
    differs_where_the_rule_decides(place);

    let refused = place.fathom(&["rebuild", "drop", "1"]).output().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && why.contains("generation 1 is told"), "{why}");
    for number in [2, 1, 2] {
        let before = latest(web);
        have_told(place, web, number);
        wait_until("more has happened", || latest(web) > before + 5_000);
    }
    let floors: BTreeSet<String> =
        listed_rows(web, "whales/activities").map(|row| row["rule_floor"].to_string()).collect();
    assert_eq!(floors, BTreeSet::from(["\"30000\"".to_owned()]), "every row tells by which rule it was made");
    let truth = listed(web, "liquidations");
    let all = latest(web);
    for client in clients {
        client.heard_each_once(&truth, all);
    }
    rebuild(place, &["drop", "1"]);
}

fn have_told(place: &Place, web: &Web, number: u64) {
    wait_while_missing("it is as far", || {
        let mut command = place.fathom(&["rebuild", "tell", &number.to_string(), "--json"]);
        let output = command.output().unwrap();
        (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
    });
    wait_until("it is told", || web.get("/api/v1/markets")["meta"]["generation"] == number);
}

fn differs_where_the_rule_decides(place: &Place) {
    let mut command = place.fathom(&["rebuild", "compare", "2", "--json"]);
    let (status, last) = said(&mut command);
    let check = &last["summary"]["check"];
    let compared = check["compared"].as_object().unwrap();
    println!("compared: {compared:?}, differ: {}", check["differing"]);
    assert!(!status, "the rule is another one");
    let differing: Vec<&String> = check["differing"].as_object().unwrap().keys().collect();
    assert_eq!(differing, ["whale-activities"], "{last}");
    assert!(compared.len() > 10 && compared["positions"].as_u64() > Some(1_000), "{last}");
    let (status, last) =
        said(place.fathom(&["rebuild", "compare", "2", "--json"]).args(["--topic", "long-short-ratios"]));
    assert!(status, "{last}");
}

fn rebuild(place: &Place, args: &[&str]) -> Value {
    let (status, last) = said(&mut place.fathom(&[&["rebuild"], args, &["--json"]].concat()));
    assert!(status, "{args:?}: {last}");
    last
}

/// Whether it ended well, and its last line.
fn said(command: &mut Command) -> (bool, Value) {
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let last = out.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), serde_json::from_str(last).unwrap())
}

fn rows(place: &Place, generation: u32) -> u64 {
    let tables = ["positions", "liquidations", "whale_activities", "candles", "long_short_ratios", "sink_positions"];
    let count =
        |table: &str| place.rows(&format!("SELECT count(*) || '' FROM {table} WHERE generation = {generation}"));
    tables.map(|table| count(table)[0][0].parse::<u64>().unwrap()).iter().sum()
}

/// The event time up to which there are rows.
fn latest(web: &Web) -> i64 {
    web.get("/api/v1/liquidations?limit=1")["meta"]["watermark"].as_i64().unwrap_or_default()
}

fn listed_rows(web: &Web, list: &str) -> impl Iterator<Item = Value> {
    let (status, _, text) = web.reply(&format!("/api/v1/{list}?format=ndjson"));
    let text = if status == 200 { text } else { String::new() };
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>().into_iter()
}

/// The id of each, with its time.
fn listed(web: &Web, list: &str) -> BTreeSet<(i64, String)> {
    listed_rows(web, list).map(|row| event(&row)).collect()
}

fn event(row: &Value) -> (i64, String) {
    (row["time"].as_i64().unwrap(), row["id"].as_str().unwrap().to_owned())
}

/// Somebody who listens all the time.
struct Client {
    is_over: Arc<AtomicBool>,
    hearing: JoinHandle<Vec<Value>>,
}

impl Client {
    fn begin(address: &str) -> Self {
        let (is_over, address) = (Arc::new(AtomicBool::new(false)), address.to_owned());
        let over = Arc::clone(&is_over);
        let hearing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut socket = Socket::connect(&address).await;
                let wishes = [("liquidations", "*"), ("whale_activities", "*"), ("positions", "BTC"), ("prices", "*")];
                for (channel, key) in wishes {
                    socket.say("subscribe", &json!({ "channel": channel, "key": key })).await;
                }
                let mut heard = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    if let Ok(frame) = tokio::time::timeout(Duration::from_millis(500), socket.hear()).await {
                        heard.push(frame);
                    }
                }
                heard
            })
        });
        Self { is_over, hearing }
    }

    /// Of every generation that it was told: with what it begins and what follows, everything there is, and each once.
    fn heard_each_once(self, truth: &BTreeSet<(i64, String)>, up_to: i64) {
        self.is_over.store(true, Ordering::Relaxed);
        let heard = self.hearing.join().unwrap();
        let resyncs: Vec<&Value> = heard.iter().filter(|frame| frame["type"] == "resync_required").collect();
        assert!(resyncs.iter().all(|frame| frame["payload"]["reason"] == "generation_changed"), "{resyncs:?}");
        for channel in ["liquidations", "whale_activities"] {
            let of_it = resyncs.iter().filter(|frame| frame["payload"]["channel"] == channel).count();
            assert_eq!(of_it, 3, "{channel}: one for each turn");
        }
        assert_eq!(resyncs.len(), 6, "nobody else is to begin anew");
        let ends = heard.iter().filter(|frame| !FRAMES.contains(&frame["type"].as_str().unwrap())).collect::<Vec<_>>();
        assert!(ends.is_empty(), "{ends:?}");

        let mut seqs = std::collections::BTreeMap::new();
        for payload in heard.iter().map(|frame| &frame["payload"]).filter(|payload| payload["seq"].is_u64()) {
            let before =
                seqs.insert(payload["sub_id"].to_string(), payload["seq"].as_u64().unwrap()).unwrap_or_default();
            assert_eq!((payload["prev_seq"].as_u64(), payload["seq"].as_u64()), (Some(before), Some(before + 1)));
        }

        let (mut told, mut segments, mut ended): (BTreeSet<(i64, String)>, _, _) = (BTreeSet::new(), 0, 0);
        for frame in heard.iter().filter(|frame| frame["payload"]["channel"] == "liquidations") {
            match frame["type"].as_str().unwrap() {
                "resync_required" => {
                    Self::is_all_of(&told, truth, ended);
                    told.clear();
                    segments += 1;
                }
                "snapshot" => told.extend(frame["payload"]["data"].as_array().unwrap().iter().map(event)),
                "update" => {
                    let event = event(&frame["payload"]["data"]);
                    ended = event.0;
                    assert!(told.insert(event), "told twice: {frame}");
                }
                _ => {}
            }
        }
        Self::is_all_of(&told, truth, ended.min(up_to));
        println!(
            "{} frames heard; {} liquidations, {} generations one after the other",
            heard.len(),
            told.len(),
            segments + 1
        );
    }

    /// Up to the last one but those of its time.
    fn is_all_of(told: &BTreeSet<(i64, String)>, truth: &BTreeSet<(i64, String)>, ended: i64) {
        let before = |all: &BTreeSet<(i64, String)>| all.iter().filter(|it| it.0 < ended).cloned().collect::<Vec<_>>();
        let (told, truth) = (before(told), before(truth));
        assert_eq!(told, truth);
    }
}

const FRAMES: [&str; 6] = ["connected", "subscribed", "snapshot", "update", "resync_required", "heartbeat"];
