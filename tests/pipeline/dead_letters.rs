//! Lines that are no blocks → letters that are listed, shown byte for byte, and redriven: what is understood by then
//! comes out once, whatever is killed, and what never will be is tried five times and no more.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kills::Dice;
use crate::place::Place;
use crate::process::{Process, fathom, path, run, wait_until, wait_until_caught_up};
use crate::services::Services;

const BLOCKS: u64 = 2_000;
const HOUR: &str = "node_fills_by_block/hourly/20260628";

#[test]
fn letters_are_shown_exactly_and_redriven_once_whatever_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    simulate(&market);
    let garbage = garbage_in(&market);
    assert!(garbage.len() > 5, "{}", garbage.len());
    let late = leave_without_its_end(&market.join(HOUR).join("7"));
    follow(&market, &data);
    let place = Place::Data(data.clone());
    are_shown_exactly(&place, &garbage, &late);

    let before = extents(&place);
    let count = garbage.len() as u64;
    let tried = redrive(&place, &["--dry-run"]);
    assert_eq!(counts_of(&tried), [1, late.fills, 0, count, 0], "{tried}");
    assert_eq!(extents(&place), before, "a dry run writes nothing");

    kill_redrives(&data, &folder.path().join("killed"), &late);
    let first = redrive(&place, &[]);
    assert_eq!(counts_of(&first), [1, late.fills, 0, count, 0], "{first}");
    are_tried_five_times(&place, count, &late);

    // Asked of the process that owns the directory it is the same.
    let mut pipeline = start(&market, &data);
    pipeline.wait_for("coin works on the partitions");
    let again = redrive(&place, &[]);
    assert_eq!(counts_of(&again), [0, 0, 0, 0, count], "{again}");
    assert_eq!(listed(&place).len() as u64, 5 * count + 1);
    pipeline.end();
}

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn letters_are_redriven_once_on_services_whatever_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    simulate(&market);
    let garbage = garbage_in(&market);
    let late = leave_without_its_end(&market.join(HOUR).join("7"));
    let services = Services::planned();
    services.start_broker();
    let place = services.place();
    let away = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws"];
    let parser = place.fathom(&[&["parser", "--simulated", "--node", path(&market)][..], &away].concat());
    // It goes on beside what follows.
    let mut parser = Process::start(parser);
    parser.wait_for("the parser runs on Kafka");
    let count = garbage.len() as u64;
    wait_until("every letter is there", || listed(&place).len() as u64 == count + 1);
    are_shown_exactly(&place, &garbage, &late);

    // In the middle of the commit, a little later each time, until it was whole.
    let mut kills = 0;
    while listed(&place).len() as u64 == count + 1 {
        let mut redrive = place.fathom(&["dead-letters", "redrive"]);
        redrive.env("RUST_LOG", "fathom=trace");
        let mut killed = Process::start(redrive);
        killed.wait_for("commit begins");
        std::thread::park_timeout(Duration::from_millis(3 * kills));
        killed.kill();
        killed.wait();
        kills += 1;
        let history = history_of(&place, late.block);
        assert!(history.is_empty() || history == (0..late.fills).collect::<Vec<_>>(), "{history:?}");
    }
    println!("{kills} kills, the last of them after the commit was whole");
    assert!(kills > 2, "{kills}");
    are_tried_five_times(&place, count, &late);
    parser.end();
}

fn are_shown_exactly(place: &Place, garbage: &[Vec<u8>], late: &Late) {
    let letters = listed(place);
    let mut shown: Vec<Vec<u8>> = letters.iter().map(|letter| raw(place, letter["id"].as_u64().unwrap())).collect();
    shown.sort();
    let mut expected: Vec<Vec<u8>> = garbage.iter().chain([&late.bytes]).cloned().collect();
    expected.sort();
    assert_eq!(shown, expected);
    assert!(letters.iter().all(|letter| letter["became"].is_null() && letter["letter"]["attempt"] == 1), "{letters:?}");
    explains(place, &letters, late);
}

/// Of those that were tried twice.
fn are_tried_five_times(place: &Place, count: u64, late: &Late) {
    for attempt in 3..=5 {
        let again = redrive(place, &[]);
        assert_eq!(counts_of(&again), [0, 0, 0, count, 0], "attempt {attempt}: {again}");
    }
    let last = redrive(place, &[]);
    assert_eq!(counts_of(&last), [0, 0, 0, 0, count], "{last}");
    assert_eq!(listed(place).len() as u64, 5 * count + 1, "each was tried five times, and no more");
    assert_eq!(history_of(place, late.block), (0..late.fills).collect::<Vec<_>>());
    let is_of_it = |record: &Value| record["value"]["block"] == late.block;
    assert!(!records(place, "fills").iter().any(is_of_it), "the tape went on without it");
}

#[test]
fn a_letter_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    simulate(&market);
    let hours = market.join(HOUR);
    let imported = ["import", path(&hours), "--data", path(&data), "--simulated"];
    assert_eq!(run(&imported).0, 0);
    let (status, _, error) = run(&["dead-letters", "show", "4711", "--data", path(&data)]);
    assert_eq!(status, 1);
    assert!(error.contains("there is no letter 4711") && error.contains("dead-letters ls"), "{error}");
}

fn simulate(market: &Path) {
    let blocks = BLOCKS.to_string();
    let simulate = ["simulate", "--speed", "0", "--rate", "100", "--start", "1782633557000", "--faults", "garbage=200"];
    assert_eq!(run(&[&simulate[..], &["--blocks", &blocks, "--out", path(market)]].concat()).0, 0);
}

/// Lines that are no JSON.
fn garbage_in(market: &Path) -> Vec<Vec<u8>> {
    let hours = ["7", "8"].map(|hour| fs::read(market.join(HOUR).join(hour)).unwrap());
    let lines = hours.iter().flat_map(|bytes| bytes.split(|byte| *byte == b'\n'));
    let is_garbage = |line: &&[u8]| !line.is_empty() && serde_json::from_slice::<Value>(line).is_err();
    lines.filter(is_garbage).map(<[u8]>::to_vec).collect()
}

/// A block whose line has no end: nobody knows whether more was to follow.
struct Late {
    bytes: Vec<u8>,
    block: u64,
    fills: u64,
}

fn leave_without_its_end(hour: &Path) -> Late {
    let mut bytes = fs::read(hour).unwrap();
    // The last block that has fills becomes the last of its hour.
    loop {
        bytes.pop();
        let start = bytes.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        let line = &bytes[start..];
        let block: Value = serde_json::from_slice(line).unwrap_or_default();
        let fills = block["events"].as_array().map_or(0, Vec::len) as u64;
        if fills > 0 {
            let late = Late { bytes: line.to_vec(), block: block["block_number"].as_u64().unwrap(), fills };
            fs::write(hour, &bytes).unwrap();
            return late;
        }
        bytes.truncate(start);
    }
}

fn start(market: &Path, data: &Path) -> Process {
    let nowhere = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws", "--http", "127.0.0.1:0"];
    let up = ["up", "--simulated", "--node", path(market), "--data", path(data)];
    Process::start(fathom(&[&up[..], &nowhere].concat()))
}

fn follow(market: &Path, data: &Path) {
    let mut pipeline = start(market, data);
    pipeline.wait_for("Ready after");
    wait_until_caught_up(data, BLOCKS);
    pipeline.end();
}

fn listed(place: &Place) -> Vec<Value> {
    let mut lines = place.lines(&["dead-letters", "ls", "--json"]);
    let summary = lines.pop().unwrap();
    assert_eq!(summary["letters"].as_u64(), Some(lines.len() as u64), "{summary}");
    lines
}

fn raw(place: &Place, id: u64) -> Vec<u8> {
    place.fathom(&["dead-letters", "show", &id.to_string(), "--raw"]).output().unwrap().stdout
}

/// The table, its filters, and one letter in words.
fn explains(place: &Place, letters: &[Value], late: &Late) {
    let said = |args: &[&str]| String::from_utf8(place.fathom(args).output().unwrap().stdout).unwrap();
    let ls = |filter: &[&str]| said(&[&["dead-letters", "ls"], filter].concat());
    let table = ls(&[]);
    assert!(table.contains(&format!("{} letters\n", letters.len())), "{table}");
    assert!(table.contains("1  the file ends in the middle of a line\n") && table.contains("not a block\n"), "{table}");
    assert!(ls(&["--reason", "middle of a line"]).contains("\n1 letters\n"));
    assert!(ls(&["--source", "public-feed"]).contains("\n0 letters\n"));
    assert!(ls(&["--since", "99999999999999"]).contains("\n0 letters\n"));
    let unterminated = letters.iter().find(|letter| letter["letter"]["reason"].as_str().unwrap().contains("middle"));
    let id = unterminated.unwrap()["id"].to_string();
    let words = said(&["dead-letters", "show", &id]);
    assert!(words.contains("source      node-fills\n") && words.contains("attempt     1\n"), "{words}");
    assert!(words.ends_with(&format!("\n\n{}\n", String::from_utf8_lossy(&late.bytes))), "{words}");
}

fn redrive(place: &Place, how: &[&str]) -> Value {
    place.lines(&[&["dead-letters", "redrive", "--json"], how].concat()).pop().unwrap()
}

fn counts_of(summary: &Value) -> [u64; 5] {
    ["redriven", "facts", "known", "filed_again", "left"].map(|name| summary[name].as_u64().unwrap())
}

/// How far each partition of each topic reaches.
fn extents(place: &Place) -> Vec<(String, Vec<u64>)> {
    let answer = place.ask("topics");
    let next = |topic: &Value| {
        topic["partitions"].as_array().unwrap().iter().map(|partition| partition["next"].as_u64().unwrap()).collect()
    };
    let topics = answer["topics"].as_array().unwrap().iter();
    topics.map(|topic| (topic["topic"].as_str().unwrap().to_owned(), next(topic))).collect()
}

/// Kills the first redrive of a copy of the directory, and lets another one end, again and again: a little later when the
/// last kill came before the commit was whole, a little earlier when it came after.
fn kill_redrives(data: &Path, copy: &Path, late: &Late) {
    let mut dice = Dice(11);
    let mut life = Duration::from_millis(28);
    let (mut before, mut after) = (0, 0);
    for _ in 0..40 {
        let copied = Command::new("cp").args(["-r", path(data), path(copy)]).status().unwrap();
        assert!(copied.success());
        let began = Instant::now();
        let mut killed = Process::start(fathom(&["dead-letters", "redrive", "--data", path(copy)]));
        std::thread::park_timeout(life.saturating_sub(began.elapsed()));
        killed.kill();
        killed.wait();
        let step = Duration::from_micros(200 + dice.roll(1_000));
        let place = Place::Data(copy.to_owned());
        if counts_of(&redrive(&place, &[]))[0] == 1 {
            before += 1;
            life += step;
        } else {
            after += 1;
            life = life.saturating_sub(step);
        }
        assert_eq!(history_of(&place, late.block), (0..late.fills).collect::<Vec<_>>());
        fs::remove_dir_all(copy).unwrap();
    }
    println!("{before} kills before the commit was whole, {after} after");
}

fn records(place: &Place, topic: &str) -> Vec<Value> {
    place.lines(&["topics", topic])
}

/// The places of the fills of a block that are beside the tape.
fn history_of(place: &Place, block: u64) -> Vec<u64> {
    let is_of_it = |record: &&Value| record["headers"]["kind"] == "fill" && record["value"]["block"] == block;
    let records = records(place, "fills-history");
    let mut places: Vec<u64> =
        records.iter().filter(is_of_it).map(|record| record["value"]["index"].as_u64().unwrap()).collect();
    places.sort_unstable();
    places
}
