//! Result topics → rows and positions, in one database transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use schemas::tables::TABLES;
use schemas::{Record, Topic, kind, topics};
use sink::{Part, Sink, SinkError};
use tokio::runtime::Handle;
use tracing::{trace, warn};

use super::{PATIENCE, Shared, generations, tasks};
use crate::failure::Failure;
use crate::log::{Membership, Reader, Slice, Start};
use crate::stats;
use crate::stop::Upstream;

/// Per partition, so that a transaction stays small.
const CHUNK_BYTES: usize = 256 * 1024;
pub const STAGE: &str = "sink";
const RETRY: Duration = Duration::from_millis(200);

/// Where the rows of each topic and partition stand; nothing, when none were written yet.
type Positions = BTreeMap<(String, u32), u64>;

pub fn run(shared: &Shared, sink: Sink, upstream: &Upstream, runtime: &Handle) -> Result<(), Failure> {
    // A share of it is a share of all.
    let mut membership = shared.log.membership(STAGE, &topics::POSITIONS)?;
    stats::restarts(STAGE, 0);
    let mut role = Role { shared, sink, runtime, share: None, answered: BTreeSet::new() };
    loop {
        let over = shared.is_over(upstream);
        if shared.ends_at_once() {
            return Ok(());
        }
        role.take_share(membership.as_mut())?;
        let wrote = role.write_some()?;
        if !wrote && over && role.behind() == 0 {
            return Ok(());
        }
    }
}

/// Says what the rows still lack, before anything is forgotten.
pub fn announce(shared: &Shared, sink: &Sink, runtime: &Handle) -> Result<(), Failure> {
    let positions = runtime.block_on(sink.positions(shared.log.generation().number));
    let positions = positions.map_err(|cause| Failure::because("could not read where the rows stand", cause))?;
    for topic in topics_of_tables() {
        for partition in shared.log.partitions(topic) {
            let next = positions.get(&(topic.name.to_owned(), partition)).copied().unwrap_or_default();
            shared.log.done(STAGE, topic, partition, next);
        }
    }
    Ok(())
}

struct Role<'a> {
    shared: &'a Shared,
    sink: Sink,
    runtime: &'a Handle,
    share: Option<Share>,
    /// Partitions of which there are results.
    answered: BTreeSet<u32>,
}

/// The partitions that are ours, as far as their rows stand.
struct Share {
    partitions: Vec<u32>,
    reader: Box<dyn Reader>,
    positions: Positions,
}

impl Role<'_> {
    fn take_share(&mut self, membership: &mut dyn Membership) -> Result<(), Failure> {
        let patience = if self.share.is_some() { Duration::ZERO } else { PATIENCE };
        if let Some(ours) = membership.assigned(patience)? {
            tasks::say_share(STAGE, &ours);
            self.begin(ours.into_iter().collect())?;
        }
        Ok(())
    }

    /// Reads on from where the rows stand.
    fn begin(&mut self, partitions: Vec<u32>) -> Result<(), Failure> {
        let log = &self.shared.log;
        if generations::kept_in(&generations::known(log.as_ref())?, log.generation().number).is_err() {
            // Its rows are being removed: none may come back.
            self.share = None;
            return Ok(());
        }
        let positions = self.insist(|sink, runtime, generation| runtime.block_on(sink.positions(generation)))?;
        let part = |topic: &'static Topic, partition| {
            let from = positions.get(&(topic.name.to_owned(), partition)).copied();
            Start { topic, partition, from }
        };
        // What is partitioned by two things goes with the second one.
        let shares = log.generation().partitions;
        let starts: Vec<Start> = topics_of_tables()
            .into_iter()
            .flat_map(|topic| log.partitions(topic).map(move |at| (topic, at)))
            .filter(|(_, at)| partitions.contains(&(at % shares)))
            .map(|(topic, at)| part(topic, at))
            .collect();
        let reader = Arc::clone(log).reader(&starts)?;
        self.answered
            .extend(positions.keys().filter(|(name, _)| *name == topics::LONG_SHORT_RATIOS.name).map(|it| it.1));
        self.share = Some(Share { partitions, reader, positions });
        Ok(())
    }

    fn behind(&self) -> u64 {
        self.share.as_ref().map_or(0, |share| share.reader.behind())
    }

    /// One transaction; whether there was anything to write.
    fn write_some(&mut self) -> Result<bool, Failure> {
        let Some(share) = &mut self.share else { return Ok(false) };
        let slices = match share.reader.read(CHUNK_BYTES, PATIENCE) {
            Err(error) if error.again() && !self.shared.ends_at_once() => return self.begin_again(&error.to_string()),
            slices => slices?,
        };
        let task = self.shared.stats.task(STAGE, 0);
        task.is_behind(share.reader.behind());
        if slices.is_empty() {
            return Ok(false);
        }
        let expected: Vec<Option<u64>> =
            slices.iter().map(|slice| share.positions.get(&place(slice)).copied()).collect();
        let parts: Vec<Part<'_>> = slices.iter().zip(expected).map(|(slice, expected)| part(slice, expected)).collect();
        trace!(task = STAGE, "commit begins");
        let written = self.insist(|sink, runtime, generation| runtime.block_on(sink.write(generation, &parts)));
        let rows = match written {
            Ok(rows) => rows,
            Err(Failure::Again { what, .. }) if !self.shared.ends_at_once() => return self.begin_again(&what),
            Err(failure) => return Err(failure),
        };
        trace!(task = STAGE, "commit ends");
        self.say_when_there_are_results(&slices);
        self.wrote(&slices, rows);
        Ok(true)
    }

    /// Once every partition has results, whoever asks finds something.
    fn say_when_there_are_results(&mut self, slices: &[Slice]) {
        let is_result = |record: &Record<'_>| record.headers.get(kind::HEADER) != Some(kind::CLOCK);
        let ratios = slices.iter().filter(|slice| slice.topic == &topics::LONG_SHORT_RATIOS);
        let filled = ratios.filter(|slice| slice.records().any(|(_, record)| is_result(&record)));
        self.answered.extend(filled.map(|slice| slice.partition));
        let all = self.shared.log.partitions(&topics::LONG_SHORT_RATIOS).all(|it| self.answered.contains(&it));
        if self.shared.log.is_told() {
            self.shared.stats.has_results.store(all, Ordering::Relaxed);
        }
    }

    fn wrote(&mut self, slices: &[Slice], rows: u64) {
        let task = self.shared.stats.task(STAGE, 0);
        for slice in slices {
            if let Some(share) = &mut self.share {
                share.positions.insert(place(slice), slice.next);
            }
            self.shared.log.done(STAGE, slice.topic, slice.partition, slice.next);
            task.taken.increment(slice.count());
        }
        task.commit(rows);
        task.reach(slices.iter().filter_map(Slice::last_time).max().unwrap_or_default(), 0);
        if self.shared.log.is_told() {
            stats::passed(STAGE, slices);
        }
    }

    /// Nothing of ours was written. What is ours is read again from where the rows stand now.
    fn begin_again(&mut self, what: &str) -> Result<bool, Failure> {
        stats::restarts(STAGE, 1);
        warn!("the sink begins again where the rows stand: {what}");
        self.shared.stop.rest(RETRY);
        let partitions = self.share.take().map(|share| share.partitions).unwrap_or_default();
        self.begin(partitions)?;
        Ok(true)
    }

    /// Does something with the database until it has answered.
    fn insist<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Sink, &Handle, u32) -> Result<T, SinkError>,
    ) -> Result<T, Failure> {
        let generation = self.shared.log.generation().number;
        let mut waiting = super::database::Waiting::default();
        loop {
            match attempt(&mut self.sink, self.runtime, generation) {
                Ok(done) => {
                    waiting.is_over();
                    return Ok(done);
                }
                Err(error) if error.retry() && !self.shared.ends_at_once() => {
                    waiting.goes_on(&error);
                    self.shared.stop.rest(RETRY);
                }
                Err(error) if error.retry() || matches!(error, SinkError::Position { .. }) => {
                    return Err(Failure::Again { what: error.to_string(), at_once: true });
                }
                Err(error) => return Err(stopped(error)),
            }
        }
    }
}

fn place(slice: &Slice) -> (String, u32) {
    (slice.topic.name.to_owned(), slice.partition)
}

fn part(slice: &Slice, expected: Option<u64>) -> Part<'_> {
    Part { topic: slice.topic, partition: slice.partition, expected, next: slice.next, batch: &slice.batches }
}

/// Topics that rows are made of.
pub fn topics_of_tables() -> Vec<&'static Topic> {
    let mut topics: Vec<&'static Topic> = Vec::new();
    for topic in TABLES.iter().flat_map(|table| table.topics()) {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}

fn stopped(error: SinkError) -> Failure {
    Failure::because(error.to_string(), error)
}
