//! Archives → results, by a process that is killed again and again; and what it says when it is done.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lz4_flex::frame::FrameEncoder;
use serde_json::Value;

use crate::compare;
use crate::kills::Dice;
use crate::place::Place;
use crate::process::{Process, ask, fathom, path, run};

#[test]
fn an_import_that_is_killed_again_and_again_equals_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    simulate(&market, "12000");
    let archive = folder.path().join("archive");
    compress(&market.join("node_fills_by_block"), &archive.join("node_fills_by_block"));
    // A part of it twice, in another place.
    let again = folder.path().join("again");
    compress(&market.join("node_fills_by_block/hourly/20260628/8"), &again.join("20260628/8"));

    let args = ["import", path(&archive), path(&again), "--data", path(&data), "--simulated", "--json"];
    let mut dice = Dice(5);
    let mut kills = 0;
    for _ in 0..12 {
        let mut import = Process::start({
            let mut command = fathom(&args);
            command.env("RUST_LOG", "fathom=trace");
            command
        });
        for _ in 0..=dice.roll(12) {
            import.wait_for("commit begins");
        }
        std::thread::park_timeout(Duration::from_micros(dice.roll(20_000)));
        import.kill();
        import.wait();
        kills += 1;
    }
    let (status, out, said) = run(&args);
    assert_eq!(status, 0, "{said}");
    let summary: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!((summary["done"].as_bool(), summary["gaps"].as_u64()), (Some(true), Some(0)), "{summary}");
    let place = Place::Data(data.clone());
    let compared = compare::with_truth(&place, &market);
    println!("{kills} kills; {compared:?} equal the truth; {summary}");
    assert!(compared.positions > 1_000, "{compared:?}");

    let again = ask(&args);
    assert_eq!((again["fills"].as_u64(), again["done"].as_bool()), (Some(0), Some(true)), "{again}");
    assert_eq!(ask(&["status", "--data", path(&data), "--json"])["block"], 12_000);
}

#[test]
fn lines_of_twelve_megabytes_take_no_more_than_300() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, data) = (folder.path().join("archive"), folder.path().join("data"));
    let mut text = String::new();
    for block in 0..20 {
        let from = text.len();
        write_block(block, FIRST_HOUR + block as i64 * 100, block * LEGS..(block + 1) * LEGS, &mut text);
        assert!(text.len() - from > 12_000_000, "{}", text.len() - from);
    }
    write_hour(&archive.join("node_fills_by_block/hourly"), FIRST_HOUR, &text);
    let (summary, peak) = import_and_watch(&archive, &data);
    println!("{peak} MB at most for {} fills in 20 lines", summary["fills"]);
    assert_eq!(summary["fills"], 20 * LEGS);
    assert!((50..=300).contains(&peak), "{peak} MB");
}

#[test]
fn a_month_of_overlapping_archives_comes_out_once_within_300_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, data) = (folder.path().join("archive"), folder.path().join("data"));
    let (mut blocks, hours) = (0, 30 * 24);
    for hour in 0..hours {
        let begins = FIRST_HOUR + hour * HOUR_MS;
        let (mut by_block, mut streamed) = (String::new(), String::new());
        for time in (0..6).map(|tenth| begins + tenth * HOUR_MS / 6) {
            let legs = blocks * 10..(blocks + 1) * 10;
            write_block(blocks, time, legs.clone(), &mut by_block);
            legs.for_each(|leg| write_block(blocks, time, leg..leg + 1, &mut streamed));
            blocks += 1;
        }
        write_hour(&archive.join("one/node_fills_by_block/hourly"), begins, &by_block);
        write_hour(&archive.join("two/node_fills_streaming/hourly"), begins, &streamed);
    }
    let (summary, peak) = import_and_watch(&archive, &data);
    println!("{peak} MB at most for {summary}");
    let of = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(
        (of("files"), of("fills"), of("duplicates"), of("gaps"), of("dead_letters")),
        (2 * hours as u64, blocks * 10, blocks * 10, 0, 0)
    );
    assert!(peak <= 300, "{peak} MB");
}

/// Its summary, and the most memory that it held.
fn import_and_watch(archive: &Path, data: &Path) -> (Value, u64) {
    let mut import = Process::start(fathom(&["import", path(archive), "--data", path(data), "--json"]));
    let mut peak = 0;
    while let Some(most) = import.peak_memory_mb() {
        peak = peak.max(most);
        std::thread::park_timeout(Duration::from_millis(5));
    }
    assert!(import.wait().success());
    (serde_json::from_str(&import.rest().last().unwrap().1).unwrap(), peak)
}

/// Of the longest line of a node that was ever seen.
const LEGS: u64 = 36_000;
/// 2026-06-28, 13 o'clock.
const FIRST_HOUR: i64 = 1_782_651_600_000;
const HOUR_MS: i64 = 3_600_000;

fn write_hour(hourly: &Path, begins: i64, text: &str) {
    let begins = chrono::DateTime::from_timestamp_millis(begins).unwrap();
    let file = hourly.join(begins.format("%Y%m%d/%-H").to_string());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
}

fn write_block(block: u64, time: i64, legs: Range<u64>, text: &mut String) {
    let moment = chrono::DateTime::from_timestamp_millis(time).unwrap().format("%Y-%m-%dT%H:%M:%S%.3f");
    let number = 1_000 + block;
    text.push_str(&format!(r#"{{"local_time":"{moment}","block_time":"{moment}","block_number":{number},"events":["#));
    for leg in legs.clone() {
        let comma = if leg == legs.start { "" } else { "," };
        let (trade, user) = (leg / 2, leg % 5_000 + 1);
        let (side, crossed) = if leg % 2 == 0 { ("A", false) } else { ("B", true) };
        text.push_str(&format!(
            r#"{comma}["0x{user:040x}",{{"coin":"BTC","px":"66653.0","sz":"0.001","side":"{side}","time":{time},"startPosition":"0.0","dir":"Open Long","closedPnl":"0.0","hash":"0x{trade:064x}","oid":{leg},"crossed":{crossed},"fee":"0.01","tid":{trade},"feeToken":"USDC","twapId":null}}]"#,
        ));
    }
    text.push_str("]}\n");
}

#[test]
fn paths_that_name_nothing_are_refused_and_files_of_nothing_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (data, notes) = (folder.path().join("data"), folder.path().join("notes.txt"));
    fs::write(&notes, "nothing of a node\n").unwrap();
    let import = |what: &str| run(&["import", what, "--data", path(&data)]);
    for nothing in ["/nowhere/at/all", "/nowhere/*/at/all", path(&folder.path().join("empty"))] {
        fs::create_dir_all(folder.path().join("empty")).unwrap();
        let (status, _, said) = import(nothing);
        assert_eq!((status, said.contains("there is no file at")), (2, true), "{said}");
    }
    let (status, out, said) = import(path(&notes));
    assert_eq!((status, said.contains("notes.txt holds neither fills nor other events")), (0, true), "{said}");
    assert!(out.starts_with("done: 0 fills"), "{out}");
}

fn simulate(market: &Path, blocks: &str) {
    let simulate =
        ["simulate", "--speed", "0", "--rate", "400", "--start", "1782633557000", "--blocks", blocks, "--out"];
    assert_eq!(run(&[&simulate[..], &[path(market)]].concat()).0, 0);
}

/// Files as archives have them: the same tree, each with `.lz4` behind its name.
pub fn compress(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            compress(&entry.path(), &to.join(entry.file_name()));
        }
        return;
    }
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let name = PathBuf::from(format!("{}.lz4", to.display()));
    let mut file = FrameEncoder::new(fs::File::create(name).unwrap());
    std::io::copy(&mut fs::File::open(from).unwrap(), &mut file).unwrap();
    file.finish().unwrap();
}
