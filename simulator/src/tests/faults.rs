//! Faults, as a reader of the node's files meets them, against what the truth says about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::Block;
use super::files::{hours, options, run, same, set_back, shorten_newest, state};
use crate::{Faults, Options};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    block: u64,
    fault: String,
    from_block: u64,
    to_block: u64,
    #[serde(default)]
    torn: bool,
}

/// What a reader finds that knows nothing but how a line looks.
#[derive(Default)]
struct Read {
    blocks: BTreeMap<u64, Vec<String>>,
    unreadable: usize,
    lines: BTreeMap<u64, usize>,
}

const BLOCKS: u64 = 6_000;

pub(crate) fn faulty(out: &Path, blocks: u64, list: &str) -> Options {
    Options { faults: list.parse().unwrap(), ..options(out, blocks) }
}

pub(crate) fn rows(out: &Path) -> Vec<Row> {
    let text = fs::read_to_string(out.join("truth/faults.ndjson")).unwrap_or_default();
    text.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// Each block as it was read first; when it comes again, only its local time may be another.
fn read(out: &Path) -> Read {
    let mut read = Read::default();
    let bytes: Vec<u8> = hours(out).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Ok(block) = serde_json::from_slice::<Block>(line) else {
            read.unreadable += 1;
            continue;
        };
        let text = str::from_utf8(line).unwrap().split_once(r#","block_time""#).unwrap().1.to_owned();
        let texts = read.blocks.entry(block.block_number).or_default();
        assert!(texts.iter().all(|before| *before == text), "block {} comes in two shapes", block.block_number);
        texts.push(text);
        *read.lines.entry(block.block_number).or_default() += 1;
    }
    read
}

/// Which blocks cannot be read, by the truth alone.
pub(crate) fn lost(rows: &[Row]) -> BTreeSet<u64> {
    let mut lost = BTreeSet::new();
    for row in rows {
        let about = row.from_block..=row.to_block;
        match row.fault.as_str() {
            "missing" | "truncated" => lost.extend(about),
            "restarts" => lost.retain(|block| !about.contains(block)),
            _ => {}
        }
    }
    lost
}

#[test]
fn a_reader_lacks_what_the_truth_names_and_nothing_else() {
    for list in ["missing=100", "truncated=50", "restarts=150", "garbage=20,duplicated=20", "all=90", "all"] {
        let folder = tempfile::tempdir().unwrap();
        run(faulty(folder.path(), BLOCKS, list));
        let (rows, read) = (rows(folder.path()), read(folder.path()));
        let lost = lost(&rows);
        let found: BTreeSet<u64> = read.blocks.into_keys().collect();
        assert_eq!(found, (1..=BLOCKS).filter(|block| !lost.contains(block)).collect(), "{list}");
        let count = |fault: &str| rows.iter().filter(|row| row.fault == fault).count();
        let torn = rows.iter().filter(|row| row.torn).count();
        assert_eq!(read.unreadable, count("garbage") + count("truncated") + torn, "{list}");
        println!("{list}: {} faults, {} blocks lost", rows.len(), lost.len());
        assert_eq!(lost.is_empty(), !list.contains("missing") && !list.contains("truncated") && !list.contains("all"));
    }
}

#[test]
fn each_fault_is_about_as_frequent_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    run(faulty(folder.path(), BLOCKS, "all=60"));
    let rows = rows(folder.path());
    assert!(rows.is_sorted_by_key(|row| row.block));
    // Requests are refused, not blocks.
    for (fault, ..) in Faults::known().filter(|(fault, ..)| *fault != "refusals") {
        let of_fault: Vec<u64> = rows.iter().filter(|row| row.fault == fault).map(|row| row.block).collect();
        // A run of missing blocks is one fault.
        let count = of_fault.chunk_by(|one, next| fault == "missing" && one + 1 == *next).count();
        // A hundred of each; a line that is missing is neither cut nor doubled.
        assert!((60..=140).contains(&count), "{fault}: {count}");
    }
}

#[test]
fn what_comes_again_is_what_the_truth_says() {
    let folder = tempfile::tempdir().unwrap();
    run(faulty(folder.path(), BLOCKS, "duplicated=100,restarts=400"));
    let (rows, read) = (rows(folder.path()), read(folder.path()));
    let torn: BTreeSet<u64> = rows.iter().filter(|row| row.torn).map(|row| row.block).collect();
    assert!(!torn.is_empty());
    let mut expected: BTreeMap<u64, usize> =
        (1..=BLOCKS).map(|block| (block, usize::from(!torn.contains(&block)))).collect();
    for row in &rows {
        (row.from_block..=row.to_block).for_each(|block| *expected.get_mut(&block).unwrap() += 1);
    }
    assert_eq!(read.lines, expected);
}

/// A restart in the first minutes of an hour repeats blocks of the hour before.
#[test]
fn a_restart_writes_into_the_current_hour() {
    const HOUR: i64 = 3_600_000;
    let folder = tempfile::tempdir().unwrap();
    let start = Some(super::START / HOUR * HOUR - 5_000);
    run(Options { start, ..faulty(folder.path(), 400, "restarts=10") });
    let hours = hours(folder.path());
    assert_eq!(hours.len(), 2);
    let later = fs::read_to_string(&hours[1]).unwrap();
    let blocks: Vec<Block> = later.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let old: Vec<&Block> = blocks.iter().filter(|block| block.block_time.contains("T07:59")).collect();
    assert!(!old.is_empty());
    assert!(old.iter().all(|block| block.local_time.contains("T08:00")));
}

#[test]
fn faults_change_nothing_but_what_is_written() {
    let (clean, faulted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(options(clean.path(), 2_500));
    run(faulty(faulted.path(), 2_500, "all=50"));
    for name in ["truth/accounts.ndjson", "truth/positions.ndjson"] {
        assert_eq!(fs::read(clean.path().join(name)).unwrap(), fs::read(faulted.path().join(name)).unwrap());
    }
    let clean = read(clean.path()).blocks;
    for (block, texts) in read(faulted.path()).blocks {
        assert_eq!(texts[0], clean[&block][0]);
    }
}

#[test]
fn a_faulty_run_in_pieces_is_the_run_in_one() {
    let (whole, pieces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(faulty(whole.path(), 2_600, "all=40"));
    for blocks in [1, 37, 38, 700, 1_999, 2_001, 2_600] {
        run(faulty(pieces.path(), blocks, "all=40"));
    }
    same(whole.path(), pieces.path());
}

/// Killed after any byte: the files, the truth and the snapshot are each as far as they happened to be.
#[test]
fn a_killed_faulty_run_goes_on_as_if_it_had_not_been() {
    let whole = tempfile::tempdir().unwrap();
    run(faulty(whole.path(), 2_600, "all=25"));
    for (snapshot_at, killed_at, torn) in (0..24).map(|kill| (kill * 97 % 300, 300 + kill * 31, kill as usize * 433)) {
        let killed = tempfile::tempdir().unwrap();
        run(faulty(killed.path(), snapshot_at, "all=25"));
        let stale = state(killed.path());
        run(faulty(killed.path(), killed_at, "all=25"));
        set_back(killed.path(), &stale);
        shorten_newest(killed.path(), "node_fills_by_block", torn);
        run(faulty(killed.path(), 2_600, "all=25"));
        same(whole.path(), killed.path());
    }
}

#[test]
fn a_market_may_go_on_with_other_faults() {
    let folder = tempfile::tempdir().unwrap();
    run(faulty(folder.path(), 100, "all=20"));
    let stale = state(folder.path());
    run(faulty(folder.path(), 400, "all=20"));
    set_back(folder.path(), &stale);
    run(faulty(folder.path(), 800, "none"));
    assert!(rows(folder.path()).iter().all(|row| row.block <= 400));
    run(faulty(folder.path(), 1_200, "restarts=20"));
    let rows = rows(folder.path());
    assert!(rows.iter().filter(|row| row.block > 800).all(|row| row.fault == "restarts" && row.from_block > 800));
    let lost = lost(&rows);
    let found: Vec<u64> = read(folder.path()).blocks.into_keys().collect();
    assert_eq!(found, (1..=1_200).filter(|block| !lost.contains(block)).collect::<Vec<_>>());
}
