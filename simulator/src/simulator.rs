//! The market in a folder: the engine's blocks go into a node's files at the pace of the clock, the truth beside them,
//! and a snapshot now and then from which a restart goes on.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::crowd::{FEWEST_WALLETS, MOST_WALLETS};
use crate::dice::{Stream, named};
use crate::engine::{HIGHEST_RATE, LOWEST_RATE, MILLISECOND};
use crate::node_files::{LastLine, NodeFiles};
use crate::snapshot::Snapshot;
use crate::truth::Truth;
use crate::{Engine, SimulatorError};

#[derive(Debug, Clone)]
pub struct Options {
    pub out: PathBuf,
    pub seed: u64,
    /// Fills, that is legs of trades, per second of event time.
    pub rate: u32,
    pub wallets: u32,
    /// Event time of block 1 in milliseconds UTC; `None` is now, and lets a restarted market find back to the clock.
    /// A market that exists keeps its own.
    pub start: Option<i64>,
    /// Event seconds per second of the clock; 0 is as fast as possible.
    pub speed: u32,
    /// The block after which to stop.
    pub blocks: Option<u64>,
    /// Hour files that stay; all of them, when absent.
    pub keep_hours: Option<usize>,
}

/// What one run has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub blocks: u64,
    pub fills: u64,
    pub last_block: u64,
    /// In milliseconds UTC.
    pub last_time: i64,
}

pub struct Simulator {
    options: Options,
    engine: Engine,
    files: NodeFiles,
    truth: Truth,
    line: Vec<u8>,
    /// Held as long as this lives; the system lets go of it even when the process is killed.
    _lock: File,
}

const BLOCKS_PER_SNAPSHOT: u64 = 2_000;
const BLOCKS_PER_TORN_LINE: u64 = 64;
/// How long a stop may go unseen.
const NAP: Duration = Duration::from_millis(20);

impl Simulator {
    /// Opens the market in a folder, or starts one there. Blocks that were written after the last snapshot are made
    /// again, so that the accounts are those behind the last complete line.
    pub fn open(options: Options) -> Result<Self, SimulatorError> {
        check(&options)?;
        let state = options.out.join("simulator");
        fs::create_dir_all(&state).map_err(SimulatorError::file("create", &state))?;
        let lock = lock(&options)?;
        let snapshot = Snapshot::load(&snapshot_path(&options))?;
        let files = NodeFiles::new(&options.out, options.keep_hours);
        let last = files.recover()?;
        let (engine, truth_bytes) = match (snapshot, &last) {
            (Some(snapshot), _) => {
                snapshot.check(&options)?;
                let bytes = snapshot.truth_bytes;
                (snapshot.restore(), bytes)
            }
            (None, None) => (begun(&options), 0),
            (None, Some(_)) => return Err(SimulatorError::SnapshotMissing { folder: options.out }),
        };
        let truth = Truth::open(&options.out, truth_bytes)?;
        let mut simulator = Self { options, engine, files, truth, line: Vec::new(), _lock: lock };
        simulator.catch_up(last)?;
        if simulator.follows_the_clock() {
            simulator.engine.not_before = Utc::now().timestamp_millis() * MILLISECOND;
        }
        simulator.save()?;
        Ok(simulator)
    }

    /// Makes blocks until `stop` is set or the last one asked for is made.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<Summary, SimulatorError> {
        let before = self.engine.block;
        let mut fills = 0;
        let pace = Pace::new(self.options.speed, self.engine.next_moments().block);
        while !self.is_done() && pace.wait(self.engine.next_moments().local, stop) {
            fills += self.make_block()?;
        }
        self.save()?;
        self.truth.positions(&self.engine)?;
        tracing::info!(block = self.engine.block, fills, "the market stopped");
        Ok(Summary {
            blocks: self.engine.block - before,
            fills,
            last_block: self.engine.block,
            last_time: self.engine.time / MILLISECOND,
        })
    }

    pub fn last_block(&self) -> u64 {
        self.engine.block
    }

    fn is_done(&self) -> bool {
        self.options.blocks.is_some_and(|last| self.engine.block >= last)
    }

    fn make_block(&mut self) -> Result<u64, SimulatorError> {
        self.truth.close_minutes(&self.engine)?;
        let fills = self.engine.next_block(&mut self.line);
        let block = self.engine.block;
        let torn = self.options.speed != 0
            && named(self.engine.seed, Stream::TornLine, block).is_multiple_of(BLOCKS_PER_TORN_LINE);
        self.files.append(self.engine.time, &mut self.line, torn)?;
        if block.is_multiple_of(BLOCKS_PER_SNAPSHOT) {
            self.save()?;
        }
        Ok(fills as u64)
    }

    /// Makes the blocks between the snapshot and the last complete line again, without writing them.
    fn catch_up(&mut self, last: Option<LastLine>) -> Result<(), SimulatorError> {
        let last_line = last.as_ref().map_or(0, |last| last.block);
        if last_line < self.engine.block {
            let (folder, snapshot) = (self.options.out.clone(), self.engine.block);
            return Err(SimulatorError::BlocksMissing { folder, last_line, snapshot });
        }
        while self.engine.block < last_line {
            self.truth.close_minutes(&self.engine)?;
            self.engine.next_block(&mut self.line);
        }
        match last {
            Some(LastLine { path, block, text }) if !self.line.is_empty() && self.line != text => {
                Err(SimulatorError::Diverged { path, block })
            }
            _ => Ok(()),
        }
    }

    /// A market that was stopped for an hour does not live an hour in the past; one with a time of its own does.
    fn follows_the_clock(&self) -> bool {
        self.options.speed == 1 && self.options.start.is_none() && self.engine.block > 0
    }

    fn save(&self) -> Result<(), SimulatorError> {
        Snapshot::take(&self.engine, self.truth.bytes()).save(&snapshot_path(&self.options))
    }
}

/// Event time against the clock.
struct Pace {
    speed: u32,
    begun: Instant,
    first: i64,
}

impl Pace {
    fn new(speed: u32, first: i64) -> Self {
        Self { speed, begun: Instant::now(), first }
    }

    /// Waits for an event time, given in nanoseconds; false when told to stop.
    fn wait(&self, time: i64, stop: &AtomicBool) -> bool {
        let due = u64::try_from(time - self.first).unwrap_or(0).checked_div(u64::from(self.speed));
        while !stop.load(Ordering::Relaxed) {
            let left = due.map_or(Duration::ZERO, Duration::from_nanos).saturating_sub(self.begun.elapsed());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(NAP));
        }
        false
    }
}

fn begun(options: &Options) -> Engine {
    let start = options.start.unwrap_or_else(|| Utc::now().timestamp_millis());
    Engine::new(options.seed, options.wallets, options.rate, start)
}

fn check(options: &Options) -> Result<(), SimulatorError> {
    let limits =
        [("rate", options.rate, LOWEST_RATE, HIGHEST_RATE), ("wallets", options.wallets, FEWEST_WALLETS, MOST_WALLETS)];
    match limits.into_iter().find(|(_, asked, least, most)| !(least..=most).contains(&asked)) {
        Some((name, asked, least, most)) => {
            Err(SimulatorError::Option { name, asked: asked.into(), least: least.into(), most: most.into() })
        }
        None => Ok(()),
    }
}

fn lock(options: &Options) -> Result<File, SimulatorError> {
    let path = options.out.join("simulator").join("lock");
    let file = File::create(&path).map_err(SimulatorError::file("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SimulatorError::InUse { folder: options.out.clone() }),
        Err(TryLockError::Error(source)) => Err(SimulatorError::file("lock", &path)(source)),
    }
}

fn snapshot_path(options: &Options) -> PathBuf {
    options.out.join("simulator").join("snapshot.json")
}
