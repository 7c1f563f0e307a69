//! Further layouts and the second node, read back and compared with the files by block.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Block;
use super::faults::{faulty, lost, rows};
use super::files::{hours_of, options, printed, run, same, set_back, shorten_newest, state};
use crate::{Layouts, Options};

const LAYOUTS: [&str; 4] = ["node_fills", "node_fills_streaming", "node_trades", "misc_events"];
const SECOND_NODE: &str = "second-node/node_fills_by_block";

fn everything(out: &Path, blocks: u64, faults: &str) -> Options {
    Options { layouts: Layouts::all(), second_node: true, ..faulty(out, blocks, faults) }
}

fn text_of(out: &Path, kind: &str) -> String {
    let bytes: Vec<u8> = hours_of(out, kind).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lines_of(out: &Path, kind: &str) -> Vec<Value> {
    text_of(out, kind).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Each event, with the rest of the line that it stands in.
fn events_of(out: &Path, kind: &str) -> Vec<(Value, Value)> {
    let mut events = Vec::new();
    for mut line in lines_of(out, kind) {
        let of_line = line["events"].take();
        events.extend(of_line.as_array().unwrap().iter().map(|event| (line.clone(), event.clone())));
    }
    events
}

#[test]
fn a_layout_has_what_the_files_by_block_have() {
    let folder = tempfile::tempdir().unwrap();
    run(everything(folder.path(), 5_100, "none"));
    let fills = events_of(folder.path(), "node_fills_by_block");
    let only = |events: &[(Value, Value)]| events.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>();
    assert_eq!(lines_of(folder.path(), "node_fills"), only(&fills));
    let misc = events_of(folder.path(), "misc_events_by_block");
    assert_eq!(lines_of(folder.path(), "misc_events"), only(&misc));
    let streamed = lines_of(folder.path(), "node_fills_streaming");
    assert_eq!(streamed.len(), fills.len());
    for (line, (by_block, fill)) in streamed.iter().zip(&fills) {
        assert_eq!(line["events"].as_array().unwrap(), std::slice::from_ref(fill));
        for key in ["local_time", "block_time", "block_number"] {
            assert_eq!(line[key], by_block[key]);
        }
    }
}

#[test]
fn a_trade_has_its_buyer_first_and_dust_has_none() {
    let folder = tempfile::tempdir().unwrap();
    run(everything(folder.path(), 5_100, "none"));
    let (mut alone, mut expected) = (BTreeMap::new(), Vec::new());
    for (line, fill) in events_of(folder.path(), "node_fills_by_block") {
        let trade = (fill[1]["coin"].to_string(), fill[1]["tid"].as_u64().unwrap());
        match alone.remove(&trade) {
            Some(first) if trade.1 != 0 => expected.push(node_trade(&line["block_time"], [&first, &fill])),
            _ => drop(alone.insert(trade, fill)),
        }
    }
    assert!(alone.keys().any(|(_, tid)| *tid == 0) && alone.keys().all(|(_, tid)| *tid == 0));
    assert_eq!(lines_of(folder.path(), "node_trades"), expected);
}

fn node_trade(time: &Value, legs: [&Value; 2]) -> Value {
    let of_side = |side: &str| legs.into_iter().find(|leg| leg[1]["side"] == side).unwrap();
    let info = |leg: &Value| {
        let fill = &leg[1];
        json!({ "user": leg[0], "start_pos": fill["startPosition"], "oid": fill["oid"], "twap_id": fill["twapId"],
            "cloid": fill["cloid"] })
    };
    let taker = &legs.into_iter().find(|leg| leg[1]["crossed"] == true).unwrap()[1];
    let direction = if taker["dir"] == "Settlement" { "Settlement" } else { "Na" };
    json!({ "coin": taker["coin"], "side": taker["side"], "time": time, "px": taker["px"], "sz": taker["sz"],
        "hash": taker["hash"], "trade_dir_override": direction, "side_info": [info(of_side("B")), info(of_side("A"))] })
}

#[test]
fn the_second_node_has_every_block_a_little_later_whatever_the_first_lacks() {
    let (clean, faulted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(options(clean.path(), 1_500));
    run(everything(faulted.path(), 1_500, "all=30"));
    let of_first = text_of(clean.path(), "node_fills_by_block");
    let of_second = text_of(faulted.path(), SECOND_NODE);
    assert_eq!(of_first.lines().count(), of_second.lines().count());
    let time = |block: &Block| block.local_time.parse::<chrono::NaiveDateTime>().unwrap();
    for (first, second) in of_first.lines().zip(of_second.lines()) {
        let rest = |line: &str| line.split_once("block_time").unwrap().1.to_owned();
        assert_eq!(rest(first), rest(second));
        let parsed = |line| serde_json::from_str::<Block>(line).unwrap();
        let later = (time(&parsed(second)) - time(&parsed(first))).num_milliseconds();
        assert!((1..=41).contains(&later), "{later} ms");
    }
}

/// Of a block that is not lost every fill can be read in every layout; what can be read was there.
#[test]
fn a_reader_of_a_layout_lacks_no_more_than_the_truth_names() {
    let (clean, faulted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(everything(clean.path(), 3_000, "none"));
    run(everything(faulted.path(), 3_000, "all=40"));
    let lost = lost(&rows(faulted.path()));
    let blocks = printed(clean.path());
    let kept: BTreeSet<u64> = blocks.iter().map(|block| block.block_number).filter(|it| !lost.contains(it)).collect();
    let times: BTreeMap<&str, u64> = blocks.iter().map(|it| (it.block_time.as_str(), it.block_number)).collect();
    for kind in ["node_fills", "node_fills_streaming", "node_trades"] {
        let without_local_time =
            |line: &str| line.split_once(",\"block_time").map_or(line, |(_, rest)| rest).to_owned();
        let all: BTreeSet<String> = text_of(clean.path(), kind).lines().map(without_local_time).collect();
        let read: BTreeSet<String> = text_of(faulted.path(), kind).lines().map(without_local_time).collect();
        let missing: Vec<&String> = all.difference(&read).collect();
        assert!(!missing.is_empty() && read.difference(&all).count() > 100, "{kind}: no fault shows");
        for line in missing {
            assert!(!kept.contains(&block_of(line, &times)), "{kind}: {line}");
        }
    }
}

/// By whatever a line says of the time of its block.
fn block_of(line: &str, times: &BTreeMap<&str, u64>) -> u64 {
    let milliseconds = |time: &str| time.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp_millis();
    let exact = times.iter().find(|(time, _)| line.contains(&format!("\"{time}\"")));
    let cut = || times.iter().find(|(time, _)| line.contains(&format!("\"time\":{}", milliseconds(time))));
    *exact.or_else(cut).unwrap().1
}

#[test]
fn a_killed_run_goes_on_in_every_folder_as_if_it_had_not_been() {
    let whole = tempfile::tempdir().unwrap();
    run(everything(whole.path(), 2_200, "all=25"));
    for (snapshot_at, killed_at, torn) in (0..6).map(|kill| (kill * 97 % 300, 300 + kill * 131, kill as usize * 433)) {
        let killed = tempfile::tempdir().unwrap();
        run(everything(killed.path(), snapshot_at, "all=25"));
        let stale = state(killed.path());
        run(everything(killed.path(), killed_at, "all=25"));
        set_back(killed.path(), &stale);
        for (place, kind) in LAYOUTS.into_iter().chain([SECOND_NODE]).enumerate() {
            shorten_newest(killed.path(), kind, torn * place);
        }
        run(everything(killed.path(), 2_200, "all=25"));
        same(whole.path(), killed.path());
    }
}

#[test]
fn a_market_may_go_on_with_other_layouts() {
    let folder = tempfile::tempdir().unwrap();
    run(everything(folder.path(), 300, "none"));
    let (before, stale) = (text_of(folder.path(), "node_fills_streaming"), state(folder.path()));
    run(everything(folder.path(), 400, "none"));
    set_back(folder.path(), &stale);
    shorten_newest(folder.path(), "node_fills_streaming", 100);
    run(options(folder.path(), 600));
    run(everything(folder.path(), 800, "none"));
    let numbers: Vec<u64> =
        lines_of(folder.path(), "node_fills_streaming").iter().map(|it| it["block_number"].as_u64().unwrap()).collect();
    assert!(text_of(folder.path(), "node_fills_streaming").starts_with(&before));
    assert!(numbers.is_sorted() && numbers.iter().any(|block| *block > 600));
    assert!(numbers.iter().all(|block| *block <= 400 || *block > 600), "blocks of the time without");
}
