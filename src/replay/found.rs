//! `snapshots` → of each task the latest whole one before a time, and a stage that knows what stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use computer::Stage;
use schemas::{Message as _, Record, Snapshot, kind, topics};

use crate::failure::Failure;
use crate::log::{Log, Start, read_to_the_end};
use crate::run::HOUR_MS;

/// A snapshot, and where its entries begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub snapshot: Snapshot,
    from: u64,
    /// So many of its name stand before them: somebody began it and did not end.
    others: u64,
}

/// By stage and share.
pub type All = BTreeMap<(String, u32), Found>;

/// Until one of each of these tasks is found, or there are no older ones.
pub fn latest_before(log: &Arc<dyn Log>, tasks: &BTreeSet<(String, u32)>, time: i64) -> Result<All, Failure> {
    let mut reach = 2 * HOUR_MS;
    loop {
        let from = Arc::clone(log).offset_at(&topics::SNAPSHOTS, 0, time - reach)?;
        let found = from_there_on(log, from, tasks, time)?;
        if found.len() >= tasks.len() || from <= log.extent(&topics::SNAPSHOTS, 0)?.first {
            return Ok(found);
        }
        reach = reach.saturating_mul(4);
    }
}

fn from_there_on(log: &Arc<dyn Log>, from: u64, tasks: &BTreeSet<(String, u32)>, time: i64) -> Result<All, Failure> {
    // Tasks are not all equally far: those that have not come to the time yet.
    let (mut found, mut before) = (All::new(), tasks.clone());
    let mut begun: BTreeMap<Vec<u8>, (u64, u64)> = BTreeMap::new();
    read_to_the_end::<Failure>(log, start(from), |offset, record| {
        if is_the_last(record) {
            let snapshot: Snapshot = read(record)?;
            let (from, entries) = begun.remove(record.key).unwrap_or_default();
            let task = (snapshot.stage.clone(), snapshot.share);
            if snapshot.clock > time {
                before.remove(&task);
            } else if entries >= snapshot.entries && tasks.contains(&task) {
                let others = entries - snapshot.entries;
                found.insert(task, Found { snapshot, from, others });
            }
        } else {
            begun.entry(name_of(record.key).to_vec()).or_insert((offset, 0)).1 += 1;
        }
        Ok(!before.is_empty())
    })?;
    Ok(found)
}

/// Puts the entries back.
pub fn restore(log: &Arc<dyn Log>, found: &Found, stage: &mut Stage) -> Result<(), Failure> {
    let Snapshot { stage: name, share, hour, .. } = &found.snapshot;
    let name = Snapshot::name(name, *share, *hour).into_bytes();
    let mut others = found.others;
    read_to_the_end::<Failure>(log, start(found.from), |_, record| {
        if record.key == name {
            return Ok(false);
        }
        if name_of(record.key) == name {
            if others > 0 {
                others -= 1;
            } else {
                put_back(stage, &record.key[name.len() + 1..], record.value.unwrap_or_default())?;
            }
        }
        Ok(true)
    })?;
    stage.restored();
    Ok(())
}

fn put_back(stage: &mut Stage, key: &[u8], value: &[u8]) -> Result<(), Failure> {
    stage.restore(key, value).map_err(|refused| {
        let what = format!("the snapshot of {} is of another version, which has to be asked", stage.name());
        Failure::because(what, refused)
    })
}

fn start(from: u64) -> Start {
    Start { topic: Snapshot::TOPIC, partition: 0, from: Some(from) }
}

fn is_the_last(record: &Record<'_>) -> bool {
    record.headers.get(kind::HEADER) == Snapshot::KIND
}

fn read(record: &Record<'_>) -> Result<Snapshot, Failure> {
    serde_json::from_slice(record.value.unwrap_or_default()).map_err(|cause| {
        Failure::because("a snapshot cannot be read: if a later version wrote it, ask that one", cause)
    })
}

/// Stage, share and hour.
fn name_of(key: &[u8]) -> &[u8] {
    let third = key.iter().enumerate().filter(|(_, byte)| **byte == b'|').nth(2);
    third.map_or(key, |(place, _)| &key[..place])
}
