//! Hours of event time, computed by processes that are killed again and again: computed once more, from the first record and
//! from snapshots, they are what was said.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::kills::Dice;
use crate::place::Place;
use crate::process::{Process, fathom, path, run};
use crate::services::Services;

const HOUR_MS: u64 = 3_600_000;
const BLOCK_MS: u64 = 70;

/// `FATHOM_HOURS=24 FATHOM_RATE=60` is a day of the exchange, some five million fills: it takes half an hour.
#[test]
#[ignore = "takes minutes: .ci/run"]
fn hours_that_are_replayed_are_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    let hours = simulate(&market);
    let args = ["import", path(&market), "--data", path(&data), "--simulated", "--json"];
    let mut dice = Dice(13);
    for _ in 0..4 {
        let mut command = fathom(&args);
        command.env("RUST_LOG", "fathom=trace");
        let mut import = Process::start(command);
        (0..10 + dice.roll(40)).for_each(|_| drop(import.wait_for("commit begins")));
        import.kill();
        import.wait();
    }
    let (status, _, said) = run(&args);
    assert_eq!(status, 0, "{said}");
    they_are_what_was_said(&Place::Data(data), hours);
}

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn hours_that_are_replayed_are_what_was_said_on_services() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let hours = simulate(&market);
    let services = Services::planned();
    services.start_broker();
    let place = services.place();
    let import = place.fathom(&["import", path(&market), "--simulated"]).output().unwrap();
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    let (mut dice, mut kills) = (Dice(17), 0);
    while kills < 8 {
        let mut computer = computer(&place);
        (0..5 + dice.roll(20)).for_each(|_| drop(computer.wait_for("commit begins")));
        std::thread::park_timeout(Duration::from_micros(dice.roll(20_000)));
        computer.kill();
        computer.wait();
        kills += 1;
    }
    let mut computer = computer(&place);
    let began = std::time::Instant::now();
    while unread(&place) > 0 {
        computer.wait_for("commit ends");
        assert!(began.elapsed() < Duration::from_secs(1_200), "{} records are still to be computed", unread(&place));
    }
    computer.end();
    they_are_what_was_said(&place, hours);
}

/// All of it, by a place where nobody works any more.
pub fn is_what_was_said(place: &Place) {
    let lines = place.lines(&["replay", "--check", "--json"]);
    let summary = &lines.last().unwrap()["summary"];
    let compared = sum(&summary["check"]["compared"]);
    println!("computed once more: {compared} results are what was said");
    assert_eq!(summary["check"]["differences"], 0, "{summary}");
    assert!(compared > 10_000, "{summary}");
}

fn simulate(market: &Path) -> u64 {
    let given = |name: &str, otherwise: u64| std::env::var(name).map_or(otherwise, |given| given.parse().unwrap());
    let (hours, rate) = (given("FATHOM_HOURS", 1), given("FATHOM_RATE", 10).to_string());
    let blocks = (hours * HOUR_MS / BLOCK_MS + 100).to_string();
    // In the first quarter of an hour there is an hour's border, and with it a snapshot.
    let start = ["--start", "1782632880000"];
    let args = [
        "simulate",
        "--speed",
        "0",
        "--rate",
        &rate,
        "--wallets",
        "3000",
        "--blocks",
        &blocks,
        start[0],
        start[1],
        "--out",
    ];
    let (status, _, said) = run(&[&args[..], &[path(market)]].concat());
    assert_eq!(status, 0, "{said}");
    hours
}

fn computer(place: &Place) -> Process {
    let mut command = place.fathom(&["computer"]);
    command.env("RUST_LOG", "fathom=trace,warn");
    Process::start(command)
}

/// What the tasks have not computed, but for what waits for a clock that has not come.
fn unread(place: &Place) -> u64 {
    let lag = place.ask("lag");
    let readers = lag["readers"].as_array().unwrap().iter();
    let tasks = readers.filter(|it| it["reader"].as_str().unwrap().contains('/') && it["waits_for_the_clock"] == false);
    tasks.filter_map(|reader| reader["records"].as_u64()).sum()
}

/// From the first record on, and from where there are snapshots.
fn they_are_what_was_said(place: &Place, all: u64) {
    let most = format!("-{}m", all * 45);
    for from in [None, Some(most.as_str()), Some("-20m")] {
        let from = from.map(|from| ["--from", from]);
        let plan =
            place.lines(&[&["replay", "--dry-run", "--json"][..], from.as_ref().map_or(&[], |it| &it[..])].concat());
        let plan = &plan.last().unwrap()["plan"];
        let hours = (plan["to"].as_i64().unwrap() - plan["from"].as_i64().unwrap()) as f64 / 3_600_000.0;
        let snapshots = plan["tasks"].as_array().unwrap().iter().filter(|task| !task["snapshot"].is_null()).count();
        assert_eq!(snapshots > 0, from.is_some(), "{plan}");
        let check = [&["replay", "--check", "--json"][..], from.as_ref().map_or(&[], |it| &it[..])].concat();
        let lines = place.lines(&check);
        let summary = &lines.last().unwrap()["summary"];
        let compared: u64 = sum(&summary["check"]["compared"]);
        println!(
            "{hours:.1} hours from {snapshots} snapshots: {compared} results are what was said; {} records in {:.1} s",
            summary["records_read"],
            summary["seconds"].as_f64().unwrap(),
        );
        assert_eq!(summary["check"]["differences"], 0, "{summary}");
        assert!(compared > 10_000, "{summary}");
        assert!(from.is_some() || hours > all as f64 - 0.5, "only {hours} hours");
    }
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().filter_map(Value::as_u64).sum()
}
