//! Files of one node or several, and streams of the same → `raw.node-fills`, `fills`, `feed-status`, `source-runs`, `dead-letters`, and the cursor
//! behind them, in one commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parser::{FillStream, NodeFiles, Patience, StreamConfig, Taken};
use schemas::{Cursor, Outbox, topics};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::healing::Healing;
use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, now_ms, state};
use crate::failure::Failure;
use crate::log::{Log, Writer};
use crate::stop::Upstream;

pub const STAGE: &str = "parser.node-fills";
/// How often a file that has nothing new is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const RETRY: Duration = Duration::from_secs(1);
const PROGRESS: Duration = Duration::from_secs(5);

/// Those that see the same blocks.
pub struct Origins {
    /// Data folders of nodes.
    pub nodes: Vec<PathBuf>,
    pub streams: Vec<StreamConfig>,
}

pub fn run(
    shared: &Shared,
    origins: &Origins,
    healing: &Healing,
    upstream: &Upstream,
    runtime: &Handle,
) -> Result<(), Failure> {
    shared.stats.source.is_read.store(true, Ordering::Relaxed);
    tasks::keep(shared, STAGE, &topics::STATE_PARSER_NODE_FILLS, |shared, _, lease| {
        // Connections of streams live there.
        let _entered = runtime.enter();
        task(shared, origins, healing, lease, upstream)
    })
}

fn task(
    shared: &Shared,
    origins: &Origins,
    healing: &Healing,
    lease: &Lease,
    upstream: &Upstream,
) -> Result<(), Failure> {
    let Shared { log, stats, stop, .. } = shared;
    let generation = log.generation();
    // First the writer: when it has begun, nobody else can move the cursor that is read next.
    let mut writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
    let cursor = cursor(log.as_ref())?;
    let mut files = NodeFiles::open(&origins.nodes, cursor, generation.number, now_ms())?;
    for stream in &origins.streams {
        files.follow(FillStream::open(stream.clone(), Patience::default()), now_ms());
    }
    stats.source.show(files.cursor());
    let task = stats.task("parser", 0);
    let (mut out, mut said) = (Outbox::new(generation), Instant::now());
    loop {
        if lease.is_over() || shared.ends_at_once() {
            return end(writer.as_mut(), &mut files, &mut out);
        }
        if log.is_any_held_up(&[&topics::FILLS]) {
            stop.rest(PATIENCE);
            continue;
        }
        while let Some(found) = healing.take() {
            files.take_found(&found, now_ms(), &mut out);
        }
        healing.tell(&files.cursor().open_gaps);
        let may_end = stop.asked() && upstream.has_ended();
        let taken = match files.read(now_ms(), &mut out) {
            Ok(taken) => taken,
            Err(error) if error.retry() => {
                warn!("{}: trying again every second", Failure::because(error.to_string(), error).chain());
                stop.rest(RETRY);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if taken == Taken::default() {
            if out.records() > 0 {
                writer.commit(&out)?;
                out.clear();
            }
            stats.source.bytes_behind.store(0, Ordering::Relaxed);
            if may_end {
                return end(writer.as_mut(), &mut files, &mut out);
            }
            std::thread::park_timeout(LOOK_AGAIN);
            continue;
        }
        writer.commit(&out)?;
        task.taken.fetch_add(taken.lines, Ordering::Relaxed);
        task.made.fetch_add(out.records() as u64, Ordering::Relaxed);
        task.commits.fetch_add(1, Ordering::Relaxed);
        task.reach(files.cursor().time, files.cursor().block);
        stats.source.show(files.cursor());
        out.clear();
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            say_progress(shared, &files);
        }
    }
}

/// Says that nothing follows.
fn end(writer: &mut dyn Writer, files: &mut NodeFiles, out: &mut Outbox) -> Result<(), Failure> {
    out.clear();
    files.end(now_ms(), out);
    tasks::say_last(writer, out)
}

/// Where the last commit of a predecessor ended.
pub fn cursor(log: &dyn Log) -> Result<Cursor, Failure> {
    let what = "the cursor of the node's files";
    Ok(state::read(log, &topics::STATE_PARSER_NODE_FILLS, 0, Cursor::KEY, what)?.unwrap_or_default())
}

fn say_progress(shared: &Shared, files: &NodeFiles) {
    let behind = files.bytes_behind().unwrap_or_default();
    shared.stats.source.bytes_behind.store(behind, Ordering::Relaxed);
    if behind > 8 * 1024 * 1024 {
        info!("reading the node's files: block {}, {} MB to go", files.cursor().block, behind / 1_000_000);
    }
}

impl crate::stats::Source {
    fn show(&self, cursor: &Cursor) {
        self.first_block.store(cursor.first_block, Ordering::Relaxed);
        self.first_time.store(cursor.first_time, Ordering::Relaxed);
        self.block.store(cursor.block, Ordering::Relaxed);
        self.block_time.store(cursor.time, Ordering::Relaxed);
        self.blocks_missed.store(cursor.blocks_missed, Ordering::Relaxed);
        self.blocks_repeated.store(cursor.blocks_repeated, Ordering::Relaxed);
        self.blocks_healed.store(cursor.blocks_healed, Ordering::Relaxed);
        self.fills.store(cursor.fills, Ordering::Relaxed);
        self.gaps.store(cursor.gaps, Ordering::Relaxed);
        self.dead_letters.store(cursor.dead_letters, Ordering::Relaxed);
    }
}
