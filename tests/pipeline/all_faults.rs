//! A market at 2,000 fills/s of which everything goes wrong that can: what comes out is the truth except what is said to
//! be missing, and with a second node nothing is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::facts::{Fills, fills_of, fills_written, last_block};
use crate::place::Place;
use crate::process::{Process, fathom, path, wait_until, wait_until_caught_up};

#[test]
#[ignore = "takes as long as FATHOM_SECONDS says"]
fn all_faults_at_once_leave_nothing_unsaid() {
    let seconds = std::env::var("FATHOM_SECONDS").map_or(60, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let all = ["simulate", "--out", path(&market), "--rate", "2000", "--seed", "3", "--faults", "all", "--second-node"];
    let mut simulator = Process::start(fathom(&[&all[..], &["--listen", "127.0.0.1:0"]].concat()));
    let said = simulator.wait_for("POST http://");
    let exchange = said.split("POST http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let second = market.join("second-node");
    wait_until("both nodes write", || [&market, &second].iter().all(|node| node.join("node_fills_by_block").is_dir()));
    let alone = Followed::start(folder.path().join("alone"), &[&market], &exchange);
    let both = Followed::start(folder.path().join("both"), &[&market, &second], "127.0.0.1:9");

    let began = Instant::now();
    wait_until_after(began, Duration::from_secs(seconds));
    // Only the metadata tell of a listing, once a minute: then it is said what was not heard until then.
    wait_until("the market is heard that was listed meanwhile", || alone.hears(LISTED));
    simulator.end();
    let (last, lacks) = (last_block(&second), withheld(&market));
    let seen = lacks.range(..=last).count();
    both.ends_at(last);
    // The last blocks may be among those that nobody can have.
    alone.ends_at((1..=last).rev().find(|block| !lacks.contains(block)).unwrap());

    let written = fills_written(&second);
    println!("{last} blocks, {} fills, {seen} blocks withheld", written.values().sum::<usize>());
    let known: Fills =
        written.iter().filter(|((block, ..), _)| !lacks.contains(block)).map(|(k, v)| (k.clone(), *v)).collect();
    alone.has_exactly(&known);
    assert_eq!(alone.missing_blocks(), lacks, "the holes are the blocks that were withheld");
    both.has_exactly(&written);
    assert_eq!(both.missing_blocks(), BTreeSet::new(), "a second node has what the first one lacks");
    alone.covers_what_the_feed_missed(&second);
}

/// Half a minute after the beginning.
const LISTED: &str = "XPL";

/// Blocks that no reader of the faulty node can have.
fn withheld(market: &Path) -> BTreeSet<u64> {
    let mut lacks = BTreeSet::new();
    for row in fs::read_to_string(market.join("truth/faults.ndjson")).unwrap().lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let blocks = row["from_block"].as_u64().unwrap()..=row["to_block"].as_u64().unwrap();
        match row["fault"].as_str().unwrap() {
            "missing" | "truncated" => lacks.extend(blocks),
            "restarts" => lacks.retain(|block| !blocks.contains(block)),
            _ => {}
        }
    }
    lacks
}

struct Followed {
    data: PathBuf,
    /// Ended with this.
    _up: Process,
}

impl Followed {
    fn start(data: PathBuf, nodes: &[&Path], exchange: &str) -> Self {
        let (info, feed) = (format!("http://{exchange}/info"), format!("ws://{exchange}/ws"));
        let mut command = fathom(&["up", "--simulated", "--data", path(&data), "--http", "127.0.0.1:0"]);
        command.args(["--info", &info, "--feed", &feed]);
        for node in nodes {
            command.args(["--node", path(node)]);
        }
        let mut up = Process::start(command);
        up.wait_for("Ready after");
        Self { data, _up: up }
    }

    fn ends_at(&self, block: u64) {
        wait_until_caught_up(&self.data, block);
    }

    fn has_exactly(&self, expected: &Fills) {
        let found = fills_of(&Place::Data(self.data.clone()), &["fills", "fills-history"]);
        let differ = expected.iter().filter(|(key, times)| found.get(*key) != Some(*times)).count();
        let more = found.keys().filter(|key| !expected.contains_key(*key)).count();
        assert_eq!((differ, more), (0, 0), "of {} fills", expected.len());
    }

    fn hears(&self, coin: &str) -> bool {
        let mut hears = false;
        Place::Data(self.data.clone()).each("trades", |trade| hears |= trade["coin"] == coin);
        hears
    }

    /// By the holes that were said, and not healed since.
    fn missing_blocks(&self) -> BTreeSet<u64> {
        let mut missing = BTreeSet::new();
        for status in self.statuses("node-fills") {
            let (Some(from), Some(to)) = (status["from_block"].as_u64(), status["to_block"].as_u64()) else { continue };
            match status["status"].as_str().unwrap() {
                "gap" => missing.extend(from..=to),
                "gap-healed" => missing.retain(|block| !(from..=to).contains(block)),
                _ => {}
            }
        }
        missing
    }

    /// Stretches of time that are said to lack trades: all that lack some, and little more.
    fn covers_what_the_feed_missed(&self, complete: &Path) {
        let mut trades = BTreeSet::new();
        Place::Data(self.data.clone()).each("trades", |trade| {
            if let (Some(coin), Some(time)) = (trade["coin"].as_str(), trade["time"].as_i64()) {
                trades.insert((time, coin.to_owned(), trade["tid"].as_u64().unwrap()));
            }
        });
        let statuses = self.statuses("public-feed");
        // Before it was heard first, it was not followed; a few trades of that time come as a backlog.
        let first = statuses.iter().find(|it| it["status"] == "connected").unwrap()["time"].as_i64().unwrap();
        let last = trades.last().unwrap().0;
        let said: Vec<&Value> = statuses.iter().filter(|status| status["status"] == "gap").collect();
        let stretch = |gap: &&Value| (gap["from_time"].as_i64().unwrap(), gap["to_time"].as_i64().unwrap());
        let gaps: Vec<(i64, i64)> = said.iter().map(stretch).collect();
        let happened = crate::facts::trades_written(complete);
        let missing: Vec<_> =
            happened.iter().filter(|it| (first..=last).contains(&it.0) && !trades.contains(it)).collect();
        let unsaid: Vec<_> =
            missing.iter().filter(|it| !gaps.iter().any(|(from, to)| (*from..=*to).contains(&it.0))).collect();
        // When the market was listed nobody says: something may be missing since the metadata that had not told of it.
        let is_of_the_listing = |gap: &&Value| gap["part"] == LISTED;
        let others = said.iter().filter(|gap| !is_of_the_listing(gap)).map(stretch);
        let seconds: BTreeSet<i64> = others.flat_map(|(from, to)| from / 1000..=to / 1000).collect();
        let lacking: BTreeSet<i64> = missing.iter().map(|it| it.0 / 1000).collect();
        println!(
            "{} trades heard, {} missed in {} s, {} stretches of {} s say so",
            trades.len(),
            missing.len(),
            lacking.len(),
            gaps.len(),
            seconds.len()
        );
        assert!(unsaid.is_empty(), "{} trades are missing and nobody says so: {:?}", unsaid.len(), unsaid.first());
        assert!(
            !missing.is_empty() && seconds.len() <= lacking.len() + 4 * gaps.len(),
            "little more than what is missing"
        );
    }

    fn statuses(&self, source: &str) -> Vec<Value> {
        let statuses = Place::Data(self.data.clone()).values("feed-status").into_iter();
        statuses.filter(|status| status["source"] == source).collect()
    }
}

fn wait_until_after(began: Instant, time: Duration) {
    let mut said = BTreeMap::new();
    while began.elapsed() < time {
        let minute = began.elapsed().as_secs() / 60;
        said.entry(minute).or_insert_with(|| println!("{minute} minutes of faults"));
        std::thread::park_timeout(Duration::from_millis(500));
    }
}
