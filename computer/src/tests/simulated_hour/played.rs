//! Facts → what all stages say of them. A few times, when a minute has begun and everything is due, all that stands then
//! is put by; and what is told of a bucket for the last time is not told again.

use alloc::collections::{BTreeMap, BTreeSet};

use schemas::position_changes::kind::{CHANGE, MARKET};
use schemas::{Clock, MarketState, PositionChange, kind};

use super::super::liquidation_windows::{comparable, same};
use super::facts::Facts;
use super::market::{MIDNIGHT, MINUTE, START};
use super::*;

#[derive(Default)]
pub(super) struct Played {
    pub facts: Facts,
    pub changes: Vec<PositionChange>,
    pub states: Vec<MarketState>,
    /// What was said of each account, and of each position's risk, with the clock of each; by key.
    pub accounts: Stream,
    pub risks: Stream,
    pub checkpoints: Vec<Checkpoint>,
}

type Stream = BTreeMap<String, Vec<(i64, Vec<u8>)>>;

/// What stood at a clock: of each topic what was said last of each key.
pub(super) struct Checkpoint {
    pub clock: Clock,
    /// So many had been heard.
    pub contexts: usize,
    pub rows: Rows,
}

pub(super) type Rows = BTreeMap<&'static str, BTreeMap<String, Vec<u8>>>;

/// After so many minutes; after thirty a day begins, and after forty-four many blocks are missing.
const CHECKED_AFTER: [i64; 5] = [4, 22, 31, 47, 60];

impl Played {
    pub fn of(blocks: impl Iterator<Item = Facts>) -> Self {
        let mut played = Self::default();
        let mut topology = Topology::new(GENERATION, Rules::default());
        let (mut rows, mut previous) = (Rows::new(), 0);
        for block in blocks {
            let clock = block.clocks.first().copied();
            topology.append(&played.facts.add(block));
            let Some(clock) = clock.filter(|clock| clock.time / MINUTE > previous / MINUTE) else { continue };
            previous = clock.time;
            let mut out = Outbox::new(GENERATION);
            topology.go_on(&mut out);
            assert_eq!(topology.set_aside(), []);
            played.hear(&out, &mut rows);
            if CHECKED_AFTER.iter().any(|minutes| START / MINUTE + minutes == clock.time / MINUTE) {
                let contexts = played.facts.contexts.len();
                played.checkpoints.push(Checkpoint { clock, contexts, rows: rows.clone() });
            }
        }
        played.changes.sort_by_key(|change| (change.block, change.index));
        played.states.sort_by(|one, other| (one.time, &one.coin).cmp(&(other.time, &other.coin)));
        played
    }

    fn hear(&mut self, out: &Outbox, rows: &mut Rows) {
        for (topic, partition, batch) in out.filled() {
            for record in batch.records() {
                match record.headers.get(kind::HEADER) {
                    Some(kind::CLOCK | kind::GAP) => {}
                    Some(CHANGE) => self.changes.push(serde_json::from_slice(record.value.unwrap()).unwrap()),
                    // Each of its readers is told: what the first one hears is enough.
                    Some(MARKET) if !partition.is_multiple_of(GENERATION.partitions) => {}
                    Some(MARKET) => self.states.push(serde_json::from_slice(record.value.unwrap()).unwrap()),
                    _ => self.stand(topic.name, &record, rows.entry(topic.name).or_default()),
                }
            }
        }
    }

    /// From here on the record is what stands under its key.
    fn stand(&mut self, topic: &str, record: &Record<'_>, rows: &mut BTreeMap<String, Vec<u8>>) {
        let key = String::from_utf8(record.key.to_vec()).unwrap();
        let Some(value) = record.value else {
            rows.remove(&key);
            return;
        };
        match topic {
            "accounts" => self.accounts.entry(key.clone()).or_default().push((record.time, value.to_vec())),
            "position-risks" => self.risks.entry(key.clone()).or_default().push((record.time, value.to_vec())),
            _ => {}
        }
        let is_final = |row: &[u8]| core::str::from_utf8(row).unwrap().contains("\"final\":true");
        let before = rows.insert(key, value.to_vec());
        let is_over = before.is_some_and(|before| topic == "whale-activities" || is_final(&before));
        assert!(!is_over, "told again: {topic} {}", String::from_utf8_lossy(value));
    }

    /// Of which the exchange has told.
    pub fn coins(&self) -> BTreeSet<String> {
        self.facts.contexts.iter().map(|context| context.coin.to_string()).collect()
    }

    /// Of all blocks that were seen, up to the last that was looked at.
    pub fn clocks(&self) -> impl Iterator<Item = Clock> {
        let last = self.checkpoints[self.checkpoints.len() - 1].clock;
        self.facts.clocks.iter().copied().take_while(move |clock| clock.block <= last.block)
    }

    /// What had been seen by then.
    pub fn fills_by(&self, checkpoint: &Checkpoint) -> &[Fill] {
        let fills = &self.facts.fills;
        &fills[..fills.partition_point(|fill| fill.block <= checkpoint.clock.block)]
    }

    pub fn changes_by(&self, checkpoint: &Checkpoint) -> &[PositionChange] {
        &self.changes[..self.changes.partition_point(|change| change.block <= checkpoint.clock.block)]
    }

    /// What was known to be missing by then.
    pub fn holes_by(&self, checkpoint: &Checkpoint) -> Vec<(i64, i64)> {
        let gaps = self.facts.gaps.iter().filter(|gap| gap.to_time <= checkpoint.clock.time);
        gaps.map(|gap| (gap.from_time, gap.to_time)).collect()
    }

    /// Of a block that was seen.
    pub fn time_of(&self, block: u64) -> i64 {
        let clocks = &self.facts.clocks;
        clocks[clocks.binary_search_by_key(&block, |clock| clock.block).unwrap()].time
    }
}

impl Checkpoint {
    /// Exactly these rows stand, and in the end there are some.
    pub fn says(&self, topic: &str, expected: BTreeMap<String, Value>) {
        assert!(self.clock.time < MIDNIGHT || !expected.is_empty(), "{topic} at {}", self.clock.time);
        let said = self.rows_of(topic).into_iter().map(|(key, row)| (key, comparable(&row))).collect();
        same(&said, &expected.into_iter().map(|(key, row)| (key, comparable(&row))).collect());
    }

    pub fn rows_of(&self, topic: &str) -> BTreeMap<String, Value> {
        self.rows
            .get(topic)
            .into_iter()
            .flatten()
            .map(|(key, row)| (key.clone(), serde_json::from_slice(row).unwrap()))
            .collect()
    }
}
