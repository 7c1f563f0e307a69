//! Archives of events beside the fills → `ledger-updates`, by a process that is killed again and again, and beside one that
//! follows the node.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::import::compress;
use crate::kills::{Dice, in_a_commit};
use crate::place::Place;
use crate::process::{Process, ask, fathom, path, run, wait_until_caught_up};

const BLOCKS: u64 = 240_000;

#[test]
fn events_of_an_import_that_is_killed_are_those_that_following_the_node_gives() {
    let folder = tempfile::tempdir().unwrap();
    let [market, archive, again, imported, followed] =
        ["market", "archive", "again", "imported", "followed"].map(|name| folder.path().join(name));
    let blocks = BLOCKS.to_string();
    let simulate = ["simulate", "--speed", "0", "--rate", "5", "--start", "1782633557000", "--layouts", "misc-events"];
    assert_eq!(run(&[&simulate[..], &["--blocks", &blocks, "--out", path(&market)]].concat()).0, 0);
    for kind in ["node_fills_by_block", "misc_events_by_block"] {
        compress(&market.join(kind), &archive.join(kind));
    }
    // The other layout of the same hours, in folders that do not say what they are.
    compress(&market.join("misc_events/hourly"), &again);

    let args = |data: &Path| {
        let args = ["import", path(&archive), path(&again), "--data", path(data), "--simulated", "--json"];
        args.map(str::to_owned)
    };
    let import = args(&imported);
    let import: Vec<&str> = import.iter().map(String::as_str).collect();
    let (mut dice, mut inside) = (Dice(11), 0);
    for kill in 0..12 {
        let mut process = Process::start({
            let mut command = fathom(&import);
            command.env("RUST_LOG", "fathom=trace");
            command
        });
        // First the fills come, then the other events.
        process.wait_for(if kill < 4 {
            "commit begins task=\"parser.node-fills"
        } else {
            "commit begins task=\"parser.misc-events"
        });
        std::thread::park_timeout(Duration::from_micros(dice.roll(10_000)));
        process.kill();
        process.wait();
        process.rest();
        inside += u64::from(in_a_commit(&process));
    }
    let summary = ask(&import);
    let counts = ["done", "gaps", "skipped", "dead_letters"].map(|name| summary[name].to_string());
    assert_eq!(counts, ["true", "0", "0", "0"], "{summary}");
    let updates = updates(&Place::Data(imported.clone()));
    println!("12 kills, {inside} of them in a commit; {} updates; {summary}", updates.len());
    assert!(updates.len() > 1_000 && updates.values().all(|count| *count == 1));

    follow(&market, &followed);
    assert_eq!(self::updates(&Place::Data(followed.clone())), updates, "what following the node gives");
    // And the one after the other, both ways.
    follow(&market, &imported);
    let import = args(&followed);
    let summary = ask(&import.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((&summary["done"], &summary["updates"]), (&true.into(), &0.into()), "{summary}");
    for place in [imported, followed] {
        assert_eq!(self::updates(&Place::Data(place)), updates);
    }
}

/// How often each update is there.
fn updates(place: &Place) -> BTreeMap<String, usize> {
    let mut updates = BTreeMap::new();
    place.each("ledger-updates", |update| {
        *updates.entry(update["id"].as_str().unwrap().to_owned()).or_default() += 1;
    });
    updates
}

/// Reads all that the node has written.
fn follow(market: &Path, data: &Path) {
    let is_read = |run: &serde_json::Value| run["source"] == "misc-events" && run["last_block"] == BLOCKS;
    let nowhere = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws", "--http", "127.0.0.1:0"];
    let up = ["up", "--simulated", "--node", path(market), "--data", path(data)];
    loop {
        let mut pipeline = Process::start(fathom(&[&up[..], &nowhere[..]].concat()));
        pipeline.wait_for("Ready after");
        wait_until_caught_up(data, BLOCKS);
        pipeline.end();
        if Place::Data(data.to_owned()).values("source-runs").iter().any(is_read) {
            break;
        }
    }
}
