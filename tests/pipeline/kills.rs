//! `kill -9` of the pipeline again and again, while a simulator in another process writes node files; then everything
//! is compared with a clean run over the same files, and with the truth.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::place::Place;
use crate::process::{Process, ask, fathom, path, wait_until_caught_up};
use crate::{compare, once_more};

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    kills(20);
}

/// The longer run: `FATHOM_KILLS=200 cargo test --test pipeline -- --ignored --nocapture many_kills`.
#[test]
#[ignore = "takes minutes; FATHOM_KILLS says how many"]
fn many_kills_lose_nothing_and_double_nothing() {
    kills(std::env::var("FATHOM_KILLS").map_or(200, |kills| kills.parse().unwrap()));
}

fn kills(wanted: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (market, killed, clean) =
        (folder.path().join("market"), folder.path().join("killed"), folder.path().join("clean"));
    let seed = std::env::var("FATHOM_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut dice = Dice(seed);
    // As many blocks as the kills take time: a pipeline lives for about a second.
    let blocks = (wanted * 400).to_string();
    let simulate = [
        "simulate",
        "--out",
        path(&market),
        "--seed",
        "3",
        "--rate",
        "300",
        "--wallets",
        "1000",
        "--speed",
        "20",
        "--start",
        "1782633557000",
        "--blocks",
        &blocks,
    ];
    let mut simulator = Process::start(fathom(&simulate));
    simulator.wait_for("a market in");

    let (mut inside, mut blocks_seen) = (0, Vec::new());
    for kill in 0..wanted {
        let mut pipeline = start(&market, &killed, "fathom=trace,warn");
        // Three of four kills wait for a commit to begin; the others fall where they fall.
        pipeline.wait_for("commit begins");
        let alive = Instant::now();
        let life = Duration::from_millis(100 + dice.roll(900));
        while alive.elapsed() < life {
            pipeline.wait_for("commit begins");
        }
        if kill % 4 == 3 {
            std::thread::park_timeout(Duration::from_micros(dice.roll(40_000)));
        } else if dice.roll(2) == 0 {
            pipeline.wait_for("task=\"coin.");
            pipeline.wait_for("commit begins");
        }
        pipeline.kill();
        pipeline.wait();
        pipeline.rest();
        inside += u64::from(in_a_commit(&pipeline));
        blocks_seen.push(pipeline.seen.len());
    }
    println!("{wanted} kills, {inside} of them between the begin and the end of a commit (seed {seed})");
    assert!(inside * 2 >= wanted, "only {inside} of {wanted} kills fell into a commit");

    assert!(simulator.wait().success(), "the simulator ends by itself");
    let last: u64 = blocks.parse().unwrap();
    for data in [&killed, &clean] {
        let mut pipeline = start(&market, data, "fathom=info,warn");
        wait_until_caught_up_from(&mut pipeline, data, last);
        pipeline.end();
    }
    let (clean_place, killed_place) = (Place::Data(clean.clone()), Place::Data(killed.clone()));
    let records = compare::with_another(&clean_place, &killed_place);
    compare::with_the_offsets_of(&clean_place, &killed_place);
    println!("{records} rows and records are the same as those of a clean run");
    for place in [&clean_place, &killed_place] {
        let compared = compare::with_truth(place, &market);
        println!("{compared:?} equal the truth");
        assert!(
            compared.positions > 1_000
                && compared.transactions > 10_000
                && compared.minutes > 50
                && compared.orders > 20
                && compared.whales > 0
                && compared.settled > 20,
            "{compared:?}"
        );
    }
    once_more::is_what_was_said(&killed_place);
    let status = ask(&["status", "--data", path(&killed), "--json"]);
    assert_eq!((status["blocks_missed"].as_u64(), status["dead_letters"].as_u64()), (Some(0), Some(0)), "{status}");
}

fn start(market: &Path, data: &Path, log: &str) -> Process {
    let info = "http://127.0.0.1:9/info";
    let mut command = fathom(&[
        "up",
        "--simulated",
        "--node",
        path(market),
        "--data",
        path(data),
        "--http",
        "127.0.0.1:0",
        "--info",
        info,
        "--feed",
        "ws://127.0.0.1:9/ws",
    ]);
    command.env("RUST_LOG", log);
    Process::start(command)
}

fn wait_until_caught_up_from(pipeline: &mut Process, data: &Path, block: u64) {
    pipeline.wait_for("Ready after");
    wait_until_caught_up(data, block);
}

/// Some task had said that its commit begins and not yet that it ends.
pub fn in_a_commit(pipeline: &Process) -> bool {
    let mut open = std::collections::BTreeSet::new();
    for (_, line) in &pipeline.seen {
        let Some((_, task)) = line.split_once("task=") else { continue };
        if line.contains("commit begins") {
            open.insert(task.to_owned());
        } else if line.contains("commit ends") {
            open.remove(task);
        }
    }
    !open.is_empty()
}

/// A seeded sequence: the same kills for the same seed, as far as the machine allows.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
