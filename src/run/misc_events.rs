//! Files of one node or several → `raw.misc-events`, `ledger-updates`, `feed-status`, `source-runs`, `dead-letters`, and
//! the cursor behind them, in one commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parser::{EventProgress, MiscCursor, MiscEvents, Taken};
use schemas::{Outbox, topics};
use tracing::warn;

use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, now_ms, state};
use crate::failure::Failure;
use crate::log::{Log, Writer};
use crate::stats;
use crate::stop::Upstream;

pub const STAGE: &str = "parser.misc-events";
const RETRY: Duration = Duration::from_secs(1);

pub fn run(shared: &Shared, nodes: &[PathBuf], upstream: &Upstream) -> Result<(), Failure> {
    tasks::keep(shared, STAGE, &topics::STATE_PARSER_MISC_EVENTS, |shared, _, lease| {
        task(shared, nodes, lease, upstream)
    })
}

fn task(shared: &Shared, nodes: &[PathBuf], lease: &Lease, upstream: &Upstream) -> Result<(), Failure> {
    let Shared { log, stats, stop, .. } = shared;
    let generation = log.generation();
    // First the writer: when it has begun, nobody else can move the cursor that is read next.
    let mut writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
    let mut events =
        MiscEvents::open(nodes, cursor(log.as_ref())?, imported(log.as_ref())?, generation.number, now_ms())?;
    let task = stats.task("misc-events", 0);
    let mut out = Outbox::new(generation);
    loop {
        if lease.is_over() || shared.ends_at_once() {
            return end(writer.as_mut(), &mut events, &mut out);
        }
        let may_end = stop.asked() && upstream.has_ended();
        let taken = match events.read(now_ms(), &mut out) {
            Ok(taken) => taken,
            Err(error) if error.retry() => {
                warn!("{}: trying again every second", Failure::because(error.to_string(), error).chain());
                stop.rest(RETRY);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if out.records() > 0 {
            writer.commit(&out)?;
            stats::committed("misc-events", &out);
            task.taken.increment(taken.lines);
            task.commit(out.records() as u64);
            task.reach(events.cursor().time(), events.cursor().block);
            out.clear();
        }
        if taken == Taken::default() {
            if may_end {
                return end(writer.as_mut(), &mut events, &mut out);
            }
            std::thread::park_timeout(PATIENCE);
        }
    }
}

/// Says that nothing follows.
fn end(writer: &mut dyn Writer, events: &mut MiscEvents, out: &mut Outbox) -> Result<(), Failure> {
    out.clear();
    events.end(now_ms(), out);
    tasks::say_last(writer, out)
}

/// Where the last commit of a predecessor ended.
pub fn cursor(log: &dyn Log) -> Result<MiscCursor, Failure> {
    let what = "the cursor of the node's events";
    Ok(state::read(log, &topics::STATE_PARSER_MISC_EVENTS, 0, MiscCursor::KEY, what)?.unwrap_or_default())
}

/// What imports have brought.
pub fn imported(log: &dyn Log) -> Result<EventProgress, Failure> {
    let what = "the state of an earlier import of events";
    Ok(state::read(log, &topics::STATE_PARSER_MISC_EVENTS, 0, EventProgress::KEY, what)?.unwrap_or_default())
}
