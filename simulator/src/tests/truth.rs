//! The truth against a naive recount of what was printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use schemas::Amount;
use serde::Deserialize;

use super::files::{options, printed};
use super::{Recount, START};
use crate::{Engine, Simulator};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountsRow {
    coin: String,
    time: i64,
    long: u32,
    short: u32,
    block: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionRow {
    coin: String,
    wallet: String,
    size: Amount,
    block: u64,
}

#[test]
fn every_minute_counts_what_the_fills_add_up_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), 5_000);
    options.rate = 30;
    Simulator::open(options).unwrap().run(&AtomicBool::new(false)).unwrap();
    let told = accounts(folder.path());
    assert!(told.len() > 100);
    assert_eq!(told, recounted(folder.path()));
}

#[test]
fn the_last_positions_are_those_the_fills_add_up_to() {
    let folder = tempfile::tempdir().unwrap();
    Simulator::open(options(folder.path(), 1_500)).unwrap().run(&AtomicBool::new(false)).unwrap();
    let mut recount = Recount::default();
    printed(folder.path()).iter().for_each(|block| recount.add(block));
    let text = fs::read_to_string(folder.path().join("truth/positions.ndjson")).unwrap();
    let rows: Vec<PositionRow> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.is_sorted_by_key(|row| (row.coin.clone(), row.wallet.clone())));
    assert!(rows.iter().all(|row| row.block == 1_500));
    let told: BTreeMap<_, _> = rows.into_iter().map(|row| ((row.coin, row.wallet), row.size)).collect();
    assert!(told.len() > 500);
    assert_eq!(told, recount.held());
}

/// One account is booked wrongly behind the printer's back: the truth must follow the accounts, not the print.
#[test]
fn a_booking_that_was_not_printed_shows() {
    let mut engine = Engine::new(5, 300, 500, START);
    let mut recount = Recount::default();
    super::blocks(&mut engine, 300).iter().for_each(|block| recount.add(block));
    let told = |engine: &Engine| -> BTreeMap<String, (u32, u32)> {
        crate::truth::sides(engine)
            .into_iter()
            .map(|(coin, sides)| (coin.to_owned(), (sides.long, sides.short)))
            .collect()
    };
    assert_eq!(told(&engine), recount.sides());
    let flat = (0..300).find(|wallet| engine.accounts.amount(0, *wallet) == 0).unwrap();
    engine.accounts.book(0, flat, 1, 660_000);
    assert_ne!(told(&engine), recount.sides());
}

/// Event time jumps over minutes when a market was stopped: none of them is left out.
#[test]
fn a_jump_has_a_row_for_every_minute() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(5, 300, 500, START);
    let mut truth = crate::truth::Truth::open(folder.path(), crate::truth::Lengths::default()).unwrap();
    let mut line = Vec::new();
    for _ in 0..100 {
        truth.close_minutes(&engine).unwrap();
        engine.next_block(&mut line);
    }
    engine.not_before = engine.time + 3 * 60_000_000_000;
    truth.close_minutes(&engine).unwrap();
    let rows = accounts(folder.path());
    let minutes: Vec<i64> =
        rows.iter().filter(|row| row.coin == "BTC").map(|row| row.time - START / 60_000 * 60_000).collect();
    assert_eq!(minutes, [0, 60_000, 120_000]);
    assert!(rows.iter().all(|row| row.block == 100));
}

fn accounts(out: &Path) -> Vec<AccountsRow> {
    let text = fs::read_to_string(out.join("truth/accounts.ndjson")).unwrap();
    let mut rows: Vec<AccountsRow> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| (row.time, row.coin.clone()));
    rows
}

fn recounted(out: &Path) -> Vec<AccountsRow> {
    let mut recount = Recount::default();
    let mut rows = Vec::new();
    let mut open: Option<(i64, u64)> = None;
    for block in printed(out) {
        let time = block.block_time.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp_millis();
        let minute = time - time % 60_000;
        if let Some((ended, last)) = open.filter(|(ended, _)| *ended < minute) {
            assert_eq!(ended + 60_000, minute);
            let row = |(coin, (long, short))| AccountsRow { coin, time: ended, long, short, block: last };
            rows.extend(recount.sides().into_iter().map(row));
        }
        recount.add(&block);
        open = Some((minute, block.block_number));
    }
    rows
}
