//! The truth, from the accounts and from nothing that was printed: how many accounts stood on each side when a
//! minute ended, and who holds what at the end.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::SimulatorError;
use crate::accounts::Sides;
use crate::engine::{Engine, MILLISECOND};
use crate::markets::MARKETS;
use crate::print;
use crate::replace::replace;

pub(crate) struct Truth {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// After the last block of a minute.
#[derive(Serialize)]
struct AccountsRow {
    coin: &'static str,
    time: i64,
    long: u32,
    short: u32,
    block: u64,
}

#[derive(Serialize)]
struct PositionRow<'a> {
    coin: &'a str,
    wallet: &'a str,
    size: String,
    block: u64,
}

const MINUTE: i64 = 60_000;

impl Truth {
    /// Rows behind `bytes` belong to blocks that are made again: they are cut off.
    pub(crate) fn open(out: &Path, bytes: u64) -> Result<Self, SimulatorError> {
        let folder = out.join("truth");
        fs::create_dir_all(&folder).map_err(SimulatorError::file("create", &folder))?;
        let path = folder.join("accounts.ndjson");
        let file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(SimulatorError::file("open", &path))?;
        let found = file.metadata().map_err(SimulatorError::file("read", &path))?.len();
        if found < bytes {
            return Err(SimulatorError::TruthMissing { path, bytes: found, snapshot: bytes });
        }
        file.set_len(bytes).map_err(SimulatorError::file("shorten", &path))?;
        Ok(Self { folder, path, file, bytes })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Before the next block is made: the minutes that it ends.
    pub(crate) fn close_minutes(&mut self, engine: &Engine) -> Result<(), SimulatorError> {
        let minute = |time: i64| time.div_euclid(MINUTE * MILLISECOND);
        let ended = minute(engine.time)..minute(engine.next_moments().block);
        if ended.is_empty() || engine.block == 0 {
            return Ok(());
        }
        let sides = sides(engine);
        for time in ended.map(|minute| minute * MINUTE) {
            self.write(&rows(&sides, time, engine.block))?;
        }
        Ok(())
    }

    /// Who holds what now.
    pub(crate) fn positions(&self, engine: &Engine) -> Result<(), SimulatorError> {
        let path = self.folder.join("positions.ndjson");
        replace(&path, &positions(engine))
    }

    fn write(&mut self, rows: &[u8]) -> Result<(), SimulatorError> {
        self.file.write_all(rows).map_err(SimulatorError::file("write", &self.path))?;
        self.bytes += rows.len() as u64;
        Ok(())
    }
}

/// Of every perp that has ever traded.
pub(crate) fn sides(engine: &Engine) -> Vec<(&'static str, Sides)> {
    (0..MARKETS.len())
        .filter(|market| !MARKETS[*market].is_spot() && engine.accounts.has_traded(*market))
        .map(|market| (MARKETS[market].coin, engine.accounts.sides(market)))
        .collect()
}

fn rows(sides: &[(&'static str, Sides)], time: i64, block: u64) -> Vec<u8> {
    let mut rows = Vec::new();
    for (coin, Sides { long, short }) in sides {
        push(&mut rows, &AccountsRow { coin, time, long: *long, short: *short, block });
    }
    rows
}

fn positions(engine: &Engine) -> Vec<u8> {
    let mut held = Vec::new();
    for (market, terms) in MARKETS.iter().enumerate().filter(|(_, terms)| !terms.is_spot()) {
        for (wallet, holding) in (0_u32..).zip(engine.accounts.of_market(market)) {
            if holding.amount != 0 {
                held.push((terms.coin, engine.crowd.address(wallet), holding.amount, terms.amount_decimals()));
            }
        }
    }
    held.sort_unstable();
    let mut rows = Vec::new();
    for (coin, wallet, amount, decimals) in held {
        let mut size = Vec::new();
        print::decimal(&mut size, amount, decimals);
        let wallet = str::from_utf8(wallet).unwrap_or_default();
        let size = String::from_utf8_lossy(&size).into_owned();
        push(&mut rows, &PositionRow { coin, wallet, size, block: engine.block });
    }
    rows
}

fn push(rows: &mut Vec<u8>, row: &impl Serialize) {
    // A row of numbers and plain texts always has a JSON form.
    rows.extend_from_slice(&serde_json::to_vec(row).unwrap_or_default());
    rows.push(b'\n');
}
