//! The market in a folder: the engine's blocks go into a node's files at the pace of the clock, the truth beside them,
//! and a snapshot now and then from which a restart goes on.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use chrono::Utc;

use crate::beside::{Beside, Block};
use crate::dice::{Stream, named};
use crate::engine::MILLISECOND;
use crate::faults_pen::{Made, Pen};
use crate::faults_truth::FaultsTruth;
use crate::feed::Feed;
use crate::node_files::{End, NodeFiles};
use crate::pace::Pace;
use crate::snapshot::Snapshot;
use crate::truth::{Lengths, Truth};
use crate::written::{self, Written};
use crate::{Engine, Options, SimulatorError};

/// What one run has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub blocks: u64,
    pub fills: u64,
    pub last_block: u64,
    /// In milliseconds UTC.
    pub last_time: i64,
}

/// A block whose whole line stands in the node's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenBlock {
    pub block: u64,
    pub fills: usize,
    /// When the line says that it was written, in nanoseconds UTC.
    pub local_time: i64,
}

type TellWritten = Box<dyn FnMut(WrittenBlock) + Send>;

pub struct Simulator {
    options: Options,
    engine: Engine,
    files: NodeFiles,
    misc: NodeFiles,
    beside: Beside,
    truth: Truth,
    pen: Pen,
    faults_truth: FaultsTruth,
    line: Vec<u8>,
    /// What the node's files get for the line.
    bytes: Vec<u8>,
    misc_line: Vec<u8>,
    /// Nothing is published before somebody asked for it.
    feed: Option<Feed>,
    /// Told of each block right after it was written.
    tell_written: TellWritten,
    /// Held as long as this lives; the system lets go of it even when the process is killed.
    _lock: File,
}

const FILLS: &str = "node_fills_by_block";
const MISC_EVENTS: &str = "misc_events_by_block";
const BLOCKS_PER_SNAPSHOT: u64 = 2_000;
const BLOCKS_PER_TORN_LINE: u64 = 64;

impl Simulator {
    /// Opens the market in a folder, or starts one there. Blocks that were written after the last snapshot are made
    /// again, so that the accounts are those behind the last line.
    pub fn open(options: Options) -> Result<Self, SimulatorError> {
        options.check()?;
        let state = options.out.join("simulator");
        fs::create_dir_all(&state).map_err(SimulatorError::file("create", &state))?;
        let lock = lock(&options)?;
        let snapshot = Snapshot::load(&snapshot_path(&options))?;
        let written = match &snapshot {
            Some(snapshot) => written::load(&state, snapshot.block)?,
            None => Some(Written::default()),
        };
        let missing = || SimulatorError::SnapshotMissing { folder: options.out.clone() };
        let written = written.ok_or_else(missing)?;
        let files = NodeFiles::open(&options.out, FILLS, options.keep_hours, written.end)?;
        let misc_end = snapshot.as_ref().map_or_else(End::default, |snapshot| snapshot.misc_end);
        let misc = NodeFiles::open(&options.out, MISC_EVENTS, options.keep_hours, misc_end)?;
        let beside = Beside::open(&options, &written.beside)?;
        let (engine, lengths) = match snapshot {
            Some(snapshot) => {
                snapshot.check(&options)?;
                let truth = snapshot.truth;
                (snapshot.restore(), truth)
            }
            None if files.have_more()? => return Err(missing()),
            None => (begun(&options), Lengths::default()),
        };
        let truth = Truth::open(&options.out, lengths)?;
        let faults_truth = FaultsTruth::open(&options.out, engine.block)?;
        let pen = Pen::new(engine.seed, written.faults, written.recent);
        let (line, bytes, misc_line) = (Vec::new(), Vec::new(), Vec::new());
        let mut simulator = Self {
            options,
            engine,
            files,
            misc,
            beside,
            truth,
            pen,
            faults_truth,
            line,
            bytes,
            misc_line,
            feed: None,
            tell_written: Box::new(|_| {}),
            _lock: lock,
        };
        simulator.catch_up()?;
        simulator.pen.change(simulator.options.faults);
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
        self.truth.close(&self.engine)?;
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

    /// What `serve` answers from. What happens is told and remembered from the first call on.
    pub fn feed(&mut self) -> Feed {
        self.feed.get_or_insert_with(|| Feed::new(&self.engine, self.options.faults)).clone()
    }

    /// Calls this for each block, right after the last byte of its line was written: for whoever measures what follows.
    pub fn when_written(&mut self, tell: impl FnMut(WrittenBlock) + Send + 'static) {
        self.tell_written = Box::new(tell);
    }

    fn is_done(&self) -> bool {
        self.options.blocks.is_some_and(|last| self.engine.block >= last)
    }

    fn make_block(&mut self) -> Result<u64, SimulatorError> {
        let fills = self.next_block()?;
        let block = self.engine.block;
        let torn = self.options.speed != 0
            && named(self.engine.seed, Stream::TornLine, block).is_multiple_of(BLOCKS_PER_TORN_LINE);
        self.files.append(self.engine.time, &self.bytes, torn)?;
        (self.tell_written)(WrittenBlock { block, fills, local_time: self.engine.local_time });
        self.misc.append(self.engine.time, &self.misc_line, false)?;
        self.beside.append(self.engine.time)?;
        if let Some(feed) = &self.feed {
            feed.publish(&self.engine, &self.line);
        }
        if block.is_multiple_of(BLOCKS_PER_SNAPSHOT) {
            self.save()?;
        }
        Ok(fills as u64)
    }

    /// The next block and what is to be written for it.
    fn next_block(&mut self) -> Result<usize, SimulatorError> {
        self.truth.close_minutes(&self.engine)?;
        let fills = self.engine.next_block(&mut self.line);
        self.engine.misc_line(&mut self.misc_line);
        self.truth.close_block(&self.engine)?;
        let made = Made { block: self.engine.block, local: self.engine.local_time };
        let (pieces, rows) = self.pen.write(made, &self.line);
        self.bytes.clear();
        pieces.iter().for_each(|piece| piece.write(&mut self.bytes));
        self.beside.take(&Block { made, line: &self.line, misc_line: &self.misc_line, pieces: &pieces });
        self.misc_line.push(b'\n');
        self.faults_truth.write(&rows)?;
        Ok(fills)
    }

    /// Makes the blocks that were written after the snapshot again. The last of them may be there in part; it is
    /// completed.
    fn catch_up(&mut self) -> Result<(), SimulatorError> {
        while self.files.have_more()? || self.misc.have_more()? || self.beside.have_more()? {
            self.next_block()?;
            let (time, block) = (self.engine.time, self.engine.block);
            self.files.append_missing(time, block, &self.bytes)?;
            self.misc.append_missing(time, block, &self.misc_line)?;
            self.beside.append_missing(time, block)?;
        }
        Ok(())
    }

    /// A market that was stopped for an hour does not live an hour in the past; one with a time of its own does.
    fn follows_the_clock(&self) -> bool {
        self.options.speed == 1 && self.options.start.is_none() && self.engine.block > 0
    }

    fn save(&self) -> Result<(), SimulatorError> {
        let state = self.options.out.join("simulator");
        written::save(&state, self.engine.block, self.files.end(), self.beside.ends(), &self.pen)?;
        Snapshot::take(&self.engine, self.truth.lengths(), self.misc.end()).save(&snapshot_path(&self.options))?;
        written::clear_away(&state, self.engine.block)
    }
}

fn begun(options: &Options) -> Engine {
    let start = options.start.unwrap_or_else(|| Utc::now().timestamp_millis());
    Engine::new(options.seed, options.wallets, options.rate, start)
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
