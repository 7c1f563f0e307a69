//! Files of one node or several, and streams of the same → `raw.node-fills`, `fills`, `feed-status`, `source-runs`, `dead-letters`, and the cursor
//! behind them, in one commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use parser::{FillStream, NodeFiles, Patience, StreamConfig, Taken};
use schemas::{Cursor, NODE_FILLS, Outbox, topics};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::healing::Healing;
use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, now_ms, state};
use crate::failure::Failure;
use crate::log::{Log, Writer};
use crate::stats;
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
    show(files.cursor());
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
            stats.source.is_behind(0);
            if may_end {
                return end(writer.as_mut(), &mut files, &mut out);
            }
            std::thread::park_timeout(LOOK_AGAIN);
            continue;
        }
        writer.commit(&out)?;
        stats::committed("parser", &out);
        task.taken.increment(taken.lines);
        task.commit(out.records() as u64);
        task.reach(files.cursor().time, files.cursor().block);
        show(files.cursor());
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
    shared.stats.source.is_behind(behind);
    if behind > 8 * 1024 * 1024 {
        info!("reading the node's files: block {}, {} MB to go", files.cursor().block, behind / 1_000_000);
    }
}

/// What the cursor has counted since the first parser, as metrics.
fn show(cursor: &Cursor) {
    gauge!("fathom_source_block", "source" => NODE_FILLS).set(cursor.block as f64);
    gauge!("fathom_source_open_gaps", "source" => NODE_FILLS).set(cursor.open_gaps.len() as f64);
    counter!("fathom_source_blocks_missed_total", "source" => NODE_FILLS).absolute(cursor.blocks_missed);
    counter!("fathom_source_blocks_repeated_total", "source" => NODE_FILLS).absolute(cursor.blocks_repeated);
    counter!("fathom_source_blocks_healed_total", "source" => NODE_FILLS).absolute(cursor.blocks_healed);
    counter!("fathom_source_fills_total", "source" => NODE_FILLS).absolute(cursor.fills);
    counter!("fathom_source_gaps_total", "source" => NODE_FILLS).absolute(cursor.gaps);
    counter!("fathom_dead_letters_total", "source" => NODE_FILLS).absolute(cursor.dead_letters);
}
