//! Node files → `raw.node-fills`, `fills`, `dead-letters`, and the cursor behind them, in one commit.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parser::{NodeFiles, SourceError, Taken};
use schemas::{Cursor, Outbox, topics};
use tracing::{info, warn};

use super::{PATIENCE, Shared, now_ms};
use crate::failure::Failure;
use crate::stop::Upstream;

/// How often a file that has nothing new is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const RETRY: Duration = Duration::from_secs(1);
const PROGRESS: Duration = Duration::from_secs(5);

/// `drains`: whether at the end everything that was written is read first (the simulator's), or reading just stops.
pub fn run(shared: &Shared, node: &Path, upstream: &Upstream, drains: bool) -> Result<(), Failure> {
    let Shared { log, stats, stop } = shared;
    let generation = log.generation();
    let cursor = log.last_value(&topics::STATE_PARSER_NODE_FILLS, 0, Cursor::KEY)?;
    let cursor = cursor.map(|bytes| serde_json::from_slice::<Cursor>(&bytes)).transpose();
    let cursor = cursor.map_err(|cause| Failure::because("the cursor of the node's files cannot be read", cause))?;
    let mut files = NodeFiles::open(node, cursor.unwrap_or_default(), generation.number).map_err(stopped)?;
    stats.source.show(files.cursor());
    let task = stats.task("parser", 0);
    let mut out = Outbox::new(generation);
    let mut said = Instant::now();
    loop {
        if stop.asked() && !drains || stop.at_once() {
            return Ok(());
        }
        if log.is_held_up(&[&topics::FILLS]) {
            log.wait(log.commits(), PATIENCE);
            continue;
        }
        let may_end = stop.asked() && upstream.has_ended();
        let taken = match files.read(now_ms(), &mut out) {
            Ok(taken) => taken,
            Err(error) if error.retry() => {
                warn!("{}: trying again every second", Failure::because(error.to_string(), error).chain());
                stop.rest(RETRY);
                continue;
            }
            Err(error) => return Err(stopped(error)),
        };
        if taken == Taken::default() {
            stats.source.bytes_behind.store(0, Ordering::Relaxed);
            if may_end {
                return Ok(());
            }
            std::thread::park_timeout(LOOK_AGAIN);
            continue;
        }
        log.commit("parser/0", &out)?;
        let cursor = files.cursor();
        task.taken.fetch_add(taken.lines, Ordering::Relaxed);
        task.made.fetch_add(out.records() as u64, Ordering::Relaxed);
        task.commits.fetch_add(1, Ordering::Relaxed);
        task.reach(cursor.time, cursor.block);
        stats.source.show(cursor);
        out.clear();
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            let behind = files.bytes_behind().unwrap_or_default();
            stats.source.bytes_behind.store(behind, Ordering::Relaxed);
            if behind > 8 * 1024 * 1024 {
                info!("reading the node's files: block {}, {} MB to go", files.cursor().block, behind / 1_000_000);
            }
        }
    }
}

fn stopped(error: SourceError) -> Failure {
    Failure::because(error.to_string(), error)
}

impl crate::stats::Source {
    fn show(&self, cursor: &Cursor) {
        self.first_block.store(cursor.first_block, Ordering::Relaxed);
        self.first_time.store(cursor.first_time, Ordering::Relaxed);
        self.block.store(cursor.block, Ordering::Relaxed);
        self.block_time.store(cursor.time, Ordering::Relaxed);
        self.blocks_missed.store(cursor.blocks_missed, Ordering::Relaxed);
        self.blocks_repeated.store(cursor.blocks_repeated, Ordering::Relaxed);
        self.dead_letters.store(cursor.dead_letters, Ordering::Relaxed);
    }
}
