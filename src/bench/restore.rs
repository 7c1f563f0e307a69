//! What it takes to go on with so many open positions: a log on which they have been computed is opened by a process of
//! its own, as after a kill, and all tasks are made again from what was saved. Then the marks of all coins move every
//! second, and what is written of that is counted.

mod facts;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::computer::{Description, Stage};
use schemas::{GENERATION, Topic};
use serde_json::json;

use crate::args::BenchRestore;
use crate::failure::Failure;
use crate::log::Log;
use crate::log::embedded::Embedded;
use crate::run::roles::Roles;
use crate::run::{Shared, computer};
use crate::stop::{Stop, Upstream};
use facts::Positions;

/// So many seconds of event time the marks move: accounts are looked at once in them.
const MARKED_SECONDS: u64 = 60;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

pub fn restore(args: &BenchRestore) -> Result<(), Failure> {
    match &args.from {
        Some(folder) => measure(args, folder),
        None => {
            let folder = super::folder()?;
            compute(args, folder.path())?;
            in_a_process_of_its_own(args, folder.path())
        }
    }
}

/// Opens the positions, and leaves what the stages make of them in the folder.
fn compute(args: &BenchRestore, folder: &Path) -> Result<(), Failure> {
    let shared = open(folder)?;
    let roles = start(&shared);
    let began = Instant::now();
    Positions::of(args.positions).open(&shared)?;
    finish(&shared, roles)?;
    println!("{} positions were opened and computed in {:.0} s", args.positions, began.elapsed().as_secs_f64());
    Ok(())
}

fn open(folder: &Path) -> Result<Shared, Failure> {
    let log = Arc::new(Embedded::open(&folder.join("log"), GENERATION)?);
    Ok(Shared::new(log, Stop::new(), true))
}

fn start(shared: &Shared) -> Roles {
    let mut roles = Roles::new(shared);
    computer::start(&mut roles, &Upstream::default());
    roles
}

fn finish(shared: &Shared, roles: Roles) -> Result<(), Failure> {
    shared.stop.finish();
    shared.log.wake();
    roles.wait()
}

fn in_a_process_of_its_own(args: &BenchRestore, folder: &Path) -> Result<(), Failure> {
    let failed = |cause| Failure::because("could not start a process that restores", cause);
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["bench", "restore", "--positions", &args.positions.to_string(), "--from"]).arg(folder);
    if args.json {
        command.arg("--json");
    }
    if command.status().map_err(failed)?.success() {
        return Ok(());
    }
    Err(Failure::stop("the process that restores has failed"))
}

fn measure(args: &BenchRestore, folder: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    let shared = open(folder)?;
    let opening = began.elapsed();
    let tasks = restore_all(&shared)?;
    let (restoring, memory) = (began.elapsed(), super::most_memory());
    let entries: usize = tasks.iter().map(Stage::entries).sum();
    println!(
        "{entries} entries restored in {:.1} s, of which {:.1} s to open the log; at most {} MB of memory",
        restoring.as_secs_f64(),
        opening.as_secs_f64(),
        memory / 1_000_000,
    );
    for task in tasks.iter().filter(|task| task.lanes().any(|(.., next)| next.is_some())) {
        tracing::debug!("{}: {} entries", task.name(), task.entries());
    }
    drop(tasks);
    let (written, took) = move_marks(args, &shared)?;
    let per_second = |count: u64| count as f64 / MARKED_SECONDS as f64;
    println!("a second of event time in which the marks of all {} coins move:", facts::COINS);
    for (topic, count) in &written {
        println!("  {topic:<24} {:>10.1} records", per_second(*count));
    }
    let all = per_second(written.values().sum());
    println!("  {:<24} {all:>10.1} records, computed in {:.3} s", "all", took.as_secs_f64() / MARKED_SECONDS as f64);
    if args.json {
        let by_topic: BTreeMap<&str, f64> = written.iter().map(|(topic, count)| (*topic, per_second(*count))).collect();
        let object = json!({
            "bench": "restore", "positions": args.positions, "entries": entries, "seconds": restoring.as_secs_f64(),
            "open_seconds": opening.as_secs_f64(), "most_memory_bytes": memory, "records_per_second_of_marks": all,
            "by_topic": by_topic, "seconds_per_second_of_marks": took.as_secs_f64() / MARKED_SECONDS as f64,
        });
        println!("{object}");
    }
    Ok(())
}

/// All at the same time, as the roles do it.
fn restore_all(shared: &Shared) -> Result<Vec<Stage>, Failure> {
    std::thread::scope(|scope| {
        let shares = computer::stages().into_iter().flat_map(|stage| {
            let shares = shared.log.partitions(stage.state);
            shares.map(move |share| (stage, share))
        });
        let restoring: Vec<_> =
            shares.map(|(stage, share)| scope.spawn(move || computer::restore(shared, stage, share))).collect();
        let restored = restoring
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(Failure::stop("a task panicked: this is a bug"))));
        restored.collect()
    })
}

/// How many records of each result topic that makes, and how long it takes.
fn move_marks(args: &BenchRestore, shared: &Shared) -> Result<(BTreeMap<&'static str, u64>, Duration), Failure> {
    let before = lengths(shared.log.as_ref())?;
    let roles = start(shared);
    wait_until_restored(shared)?;
    let began = Instant::now();
    Positions::of(args.positions).move_marks(shared, MARKED_SECONDS)?;
    finish(shared, roles)?;
    let took = began.elapsed();
    let mut written = lengths(shared.log.as_ref())?;
    written.iter_mut().for_each(|(topic, next)| *next -= before[topic]);
    Ok((written, took))
}

/// Every task says how far it is when its state is back.
fn wait_until_restored(shared: &Shared) -> Result<(), Failure> {
    for stage in computer::stages() {
        for share in shared.log.partitions(stage.state) {
            for (input, partition) in stage.lanes(GENERATION, share) {
                while shared.log.progress(stage.name, input.topic, partition)?.is_none() && !shared.stop.asked() {
                    std::thread::park_timeout(LOOK_AGAIN);
                }
            }
        }
    }
    Ok(())
}

/// How many records each result topic has had.
fn lengths(log: &dyn Log) -> Result<BTreeMap<&'static str, u64>, Failure> {
    let written = computer::stages().into_iter().flat_map(|stage| stage.describe());
    let topics: Vec<&'static Topic> = written.flat_map(|Description { writes, .. }| writes).collect();
    let mut lengths = BTreeMap::new();
    for topic in topics {
        let extents = log.partitions(topic).map(|partition| log.extent(topic, partition));
        let nexts: Vec<u64> = extents.map(|extent| Ok(extent?.next)).collect::<Result<_, Failure>>()?;
        lengths.insert(topic.name, nexts.iter().sum());
    }
    Ok(lengths)
}
