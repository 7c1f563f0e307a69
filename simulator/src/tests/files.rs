//! A market in a folder: stopped, killed, opened again, misused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Block, START};
use crate::{Faults, Layouts, Options, Simulator, SimulatorError};

static NEVER: AtomicBool = AtomicBool::new(false);

pub(crate) fn options(out: &Path, blocks: u64) -> Options {
    Options {
        out: out.to_path_buf(),
        seed: 21,
        rate: 200,
        wallets: 400,
        start: Some(START),
        speed: 0,
        blocks: Some(blocks),
        keep_hours: None,
        faults: Faults::default(),
        layouts: Layouts::default(),
        second_node: false,
    }
}

/// Every block in the node's files, in order.
pub(crate) fn printed(out: &Path) -> Vec<Block> {
    let text: Vec<u8> = hours(out).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    assert!(text.ends_with(b"\n"));
    text.split_inclusive(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect()
}

pub(crate) fn hours(out: &Path) -> Vec<PathBuf> {
    hours_of(out, "node_fills_by_block")
}

pub(crate) fn hours_of(out: &Path, kind: &str) -> Vec<PathBuf> {
    let mut hours: Vec<PathBuf> = fs::read_dir(out.join(kind).join("hourly"))
        .unwrap()
        .flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap())
        .map(|hour| hour.unwrap().path())
        .collect();
    let number = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap();
    hours.sort_by_key(|path| (path.parent().unwrap().to_path_buf(), number(path)));
    hours
}

pub(crate) fn run(options: Options) -> crate::Summary {
    Simulator::open(options).unwrap().run(&NEVER).unwrap()
}

/// Every file but those that a market goes on from.
fn results(out: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![out.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.strip_prefix(out).unwrap() {
                state if state == Path::new("simulator") => {}
                _ if path.is_dir() => folders.push(path),
                result => found.push((result.to_path_buf(), fs::read(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn same(one: &Path, other: &Path) {
    let (one, other) = (results(one), results(other));
    let names = |results: &[(PathBuf, Vec<u8>)]| results.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for ((path, one), (_, other)) in one.iter().zip(&other) {
        assert!(one == other, "{} differs", path.display());
    }
}

/// What is kept to go on from, by the names of the files.
pub(crate) fn state(out: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(out.join("simulator")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// As if the market had been killed before it kept anything newer.
pub(crate) fn set_back(out: &Path, stale: &[(String, Vec<u8>)]) {
    let folder = out.join("simulator");
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    stale.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
}

#[test]
fn a_block_is_told_of_once_its_whole_line_is_there() {
    let folder = tempfile::tempdir().unwrap();
    // At a pace, so that some lines are written in two.
    let mut market = Simulator::open(Options { speed: 100, ..options(folder.path(), 130) }).unwrap();
    let (out, told) = (folder.path().to_path_buf(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&told);
    market.when_written(move |written| {
        let last = printed(&out).pop().unwrap();
        assert_eq!((written.block, written.fills), (last.block_number, last.events.len()));
        count.fetch_add(1, Ordering::Relaxed);
    });
    market.run(&NEVER).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 130);
}

#[test]
fn a_run_in_pieces_is_the_run_in_one() {
    let (whole, pieces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let summary = run(options(whole.path(), 4_500));
    assert_eq!((summary.blocks, summary.last_block), (4_500, 4_500));
    for (blocks, made) in [(1, 1), (1_999, 1_998), (2_001, 2), (2_001, 0), (4_500, 2_499)] {
        assert_eq!(run(options(pieces.path(), blocks)).blocks, made);
    }
    same(whole.path(), pieces.path());
}

/// As if a killed process had not written the last bytes of a folder's files.
pub(crate) fn shorten_newest(out: &Path, kind: &str, by: usize) {
    let newest = hours_of(out, kind).pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes.truncate(bytes.len().saturating_sub(by));
    fs::write(&newest, bytes).unwrap();
}

/// What a killed process leaves: lines behind an older snapshot, rows of a truth that is further, half a line.
#[test]
fn a_killed_run_goes_on_as_if_it_had_not_been() {
    let whole = tempfile::tempdir().unwrap();
    run(options(whole.path(), 4_500));
    for (snapshot_at, killed_at, torn) in
        [(0, 1, 1), (0, 1_700, 40), (1_200, 1_201, 0), (2_500, 4_100, 300), (2_000, 2_001, 7)]
    {
        let killed = tempfile::tempdir().unwrap();
        run(options(killed.path(), snapshot_at));
        let stale = state(killed.path());
        run(options(killed.path(), killed_at));
        set_back(killed.path(), &stale);
        fs::remove_file(killed.path().join("truth/positions.ndjson")).unwrap();
        for (kind, torn) in [("node_fills_by_block", torn), ("misc_events_by_block", 2 * torn)] {
            shorten_newest(killed.path(), kind, torn);
        }
        run(options(killed.path(), 4_500));
        same(whole.path(), killed.path());
    }
}

/// Half of the first line of a new hour is all that its file holds.
#[test]
fn a_market_killed_at_the_hour_finds_the_file_before() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut to_the_hour = options(whole.path(), 400);
    to_the_hour.start = Some(START / 3_600_000 * 3_600_000 - 20_000);
    run(to_the_hour.clone());
    assert_eq!(hours(whole.path()).len(), 2);
    let first_hour = fs::read(&hours(whole.path())[0]).unwrap();
    let before = first_hour.split(|byte| *byte == b'\n').count() as u64 - 1;
    to_the_hour.out = killed.path().to_path_buf();
    run(Options { blocks: Some(before), ..to_the_hour.clone() });
    let next_hour = killed.path().join(hours(whole.path())[1].strip_prefix(whole.path()).unwrap());
    fs::create_dir_all(next_hour.parent().unwrap()).unwrap();
    fs::write(&next_hour, b"{\"local_ti").unwrap();
    run(to_the_hour);
    same(whole.path(), killed.path());
}

#[test]
fn another_market_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    run(options(folder.path(), 10));
    type Change = fn(&mut Options);
    let changes: [(&str, Change); 3] =
        [("seed", |it| it.seed = 1), ("rate", |it| it.rate = 1), ("wallets", |it| it.wallets = 20)];
    for (what, change) in changes {
        let mut other = options(folder.path(), 20);
        change(&mut other);
        let error = Simulator::open(other).err().unwrap();
        assert!(matches!(error, SimulatorError::OtherMarket { name, .. } if name == what), "{error}");
        assert!(error.to_string().contains(what));
    }
    assert_eq!(run(Options { start: None, ..options(folder.path(), 20) }).blocks, 10, "its start is its own");
}

#[test]
fn what_cannot_be_continued_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let open = |change: fn(&mut Options)| {
        let mut asked = options(folder.path(), 20);
        change(&mut asked);
        Simulator::open(asked).err()
    };
    assert!(matches!(open(|it| it.rate = 0), Some(SimulatorError::Option { name: "rate", .. })));
    assert!(matches!(open(|it| it.wallets = 19), Some(SimulatorError::Option { name: "wallets", .. })));
    let owner = Simulator::open(options(folder.path(), 20)).unwrap();
    assert!(matches!(open(|_| ()), Some(SimulatorError::InUse { .. })));
    drop(owner);
    run(options(folder.path(), 20));
    let (hour, snapshot) = (hours(folder.path()).remove(0), folder.path().join("simulator/snapshot.json"));
    let (lines, state) = (fs::read(&hour).unwrap(), fs::read(&snapshot).unwrap());
    fs::remove_file(&snapshot).unwrap();
    assert!(matches!(open(|_| ()), Some(SimulatorError::SnapshotMissing { .. })));
    fs::write(&snapshot, &state).unwrap();
    fs::write(&hour, b"").unwrap();
    assert!(matches!(open(|_| ()), Some(SimulatorError::BlocksMissing { bytes: 0, .. })));
    fs::write(&hour, [&lines[..], b"{\"block_number\":21,\"events\":[]}\n"].concat()).unwrap();
    assert!(matches!(open(|_| ()), Some(SimulatorError::Diverged { block: 21, .. })));
}

#[test]
fn a_truth_that_lost_rows_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    run(options(folder.path(), 1_000));
    let accounts = folder.path().join("truth/accounts.ndjson");
    fs::write(&accounts, &fs::read(&accounts).unwrap()[1..]).unwrap();
    let error = Simulator::open(options(folder.path(), 1_001)).err().unwrap();
    assert!(matches!(error, SimulatorError::TruthMissing { .. }), "{error}");
}

#[test]
fn a_paced_market_keeps_time_and_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let paced = || Options { start: None, speed: 1, blocks: None, ..options(folder.path(), 0) };
    let now = || chrono::Utc::now().timestamp_millis();
    let stop = AtomicBool::new(false);
    let mut market = Simulator::open(paced()).unwrap();
    let (summary, waited) = std::thread::scope(|scope| {
        let running = scope.spawn(|| market.run(&stop).unwrap());
        std::thread::sleep(Duration::from_millis(1_500));
        stop.store(true, Ordering::Relaxed);
        let asked = Instant::now();
        (running.join().unwrap(), asked.elapsed())
    });
    assert!(waited < Duration::from_millis(500), "{waited:?}");
    assert!((10..=40).contains(&summary.blocks), "{summary:?}");
    assert!((now() - summary.last_time).abs() < 1_000);
    assert_eq!(printed(folder.path()).len() as u64, summary.blocks);

    drop(market);
    std::thread::sleep(Duration::from_millis(600));
    let mut again = Simulator::open(Options { blocks: Some(summary.last_block + 1), ..paced() }).unwrap();
    let next = again.run(&NEVER).unwrap();
    assert!(next.last_time - summary.last_time >= 600, "the market did not find back to the clock");
    drop(again);
    let mut replayed = Simulator::open(Options { speed: 0, blocks: Some(next.last_block + 1), ..paced() }).unwrap();
    assert_eq!(replayed.run(&NEVER).unwrap().blocks, 1);
}
