//! The state of every task that works here → `snapshots`, once per hour of event time: where a replay begins. It is copied
//! from the log, as a successor would read it, and nobody waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::computer::Definition;
use schemas::{Checkpoint, Outbox, Snapshot, topics};
use tracing::info;

use super::{PATIENCE, Shared, computer};
use crate::failure::Failure;
use crate::log::{LogError, Writer};
use crate::stop::Upstream;

pub const HOUR_MS: i64 = 3_600_000;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So much is written at once.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// Until all tasks have ended: what an import has read is computed long after it was read.
pub fn run(shared: &Shared, computed: &Upstream) -> Result<(), Failure> {
    let mut hours: BTreeMap<(&'static str, u32), i64> = BTreeMap::new();
    loop {
        let is_over = shared.is_over(computed);
        for (stage, share, began, clock) in shared.stats.clocks() {
            let Some(stage) = computer::stages().into_iter().find(|it| it.name == stage).filter(|_| clock > 0) else {
                continue;
            };
            let hour = clock.div_euclid(HOUR_MS);
            // The hour in which it begins here is nobody's news: it may have been copied by the process before.
            let before = hours.insert((stage.name, share), hour).unwrap_or(began.div_euclid(HOUR_MS));
            if before < hour {
                match copy(shared, stage, share, hour * HOUR_MS) {
                    // Somebody else has the task now, or the brokers are busy: the next hour has its own.
                    Err(Failure::Again { what, .. }) => {
                        info!("no snapshot of {}/{share} for this hour: {what}", stage.name)
                    }
                    outcome => outcome?,
                }
            }
        }
        match shared.stop.asked() {
            _ if is_over => return Ok(()),
            true => std::thread::park_timeout(PATIENCE),
            false => shared.stop.rest(LOOK_EVERY),
        }
    }
}

/// What a task has saved last, under the name of this hour.
pub fn copy(shared: &Shared, stage: &'static Definition, share: u32, hour: i64) -> Result<(), Failure> {
    let log = &shared.log;
    let name = Snapshot::name(stage.name, share, hour);
    let mut copy = Copy {
        writer: Arc::clone(log).writer(&format!("snapshots.{}.{share}", stage.name))?,
        out: Outbox::new(log.generation()),
        hour,
        name: format!("{name}|").into_bytes(),
        entries: 0,
        shared,
        outcome: Ok(()),
        checkpoint: Vec::new(),
    };
    log.last_values(stage.state, share, &mut |key, value| copy.take(key, value))?;
    let Copy { mut writer, mut out, entries, outcome, checkpoint, .. } = copy;
    outcome?;
    let Checkpoint { clock, block, next, .. } = serde_json::from_slice(&checkpoint)
        .map_err(|cause| Failure::because(format!("the checkpoint of {}/{share} cannot be read", stage.name), cause))?;
    out.send(&Snapshot { stage: stage.name.to_owned(), share, hour, clock, block, next, entries });
    writer.commit(&out)?;
    info!("{}/{share} as it was at clock {clock}: {entries} entries in `snapshots`", stage.name);
    Ok(())
}

struct Copy<'a> {
    writer: Box<dyn Writer>,
    out: Outbox,
    hour: i64,
    name: Vec<u8>,
    entries: u64,
    shared: &'a Shared,
    outcome: Result<(), LogError>,
    checkpoint: Vec<u8>,
}

impl Copy<'_> {
    fn take(&mut self, key: &[u8], value: &[u8]) {
        if self.shared.ends_at_once() && self.outcome.is_ok() {
            // What is half there counts for nothing: the next hour has its own.
            self.outcome = Err(LogError::Ended { doing: "copying the state of a task".to_owned() });
        }
        if self.outcome.is_err() {
            return;
        }
        if key == Checkpoint::KEY {
            self.checkpoint = value.to_vec();
        }
        let key = [&self.name, key].concat();
        self.out.batch(&topics::SNAPSHOTS, 0).push(self.hour, &key, Some(value), &[]);
        self.entries += 1;
        if self.out.bytes() > COMMIT_BYTES {
            self.outcome = self.writer.commit(&self.out);
            self.out.clear();
        }
    }
}
