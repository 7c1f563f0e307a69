//! What was said once more, and what stands on the log → where they part. Where a task alone writes a partition and tells the
//! time there, what lies between two clocks is compared; elsewhere what is of the same ten minutes. Within that what counts
//! is the order of each key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use schemas::{Record, Topic, kind};
use serde_json::{Value, json};

use super::is_of_coin;
use super::plan::{Scope, Written};
use crate::failure::Failure;
use crate::log::{Log, Reader, Start, first_behind_a_clock};

pub struct Check {
    reader: Box<dyn Reader>,
    /// Where what is compared with it stands on a log as well.
    other: Option<Box<dyn Reader>>,
    parts: Vec<Part>,
    coin: Option<String>,
    from: i64,
    to: i64,
    compared: BTreeMap<&'static str, u64>,
    /// How many of each topic.
    differences: BTreeMap<&'static str, u64>,
    /// What is told apart by its times is read once for each group of them: who says little would be waited for each time.
    read_by_time: i64,
}

/// A partition of results.
struct Part {
    topic: &'static Topic,
    partition: u32,
    by: By,
    /// Retention has taken away what was before its first record.
    is_cut: bool,
    live: Side,
    replayed: Side,
}

/// What its records are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Clock,
    Time,
}

#[derive(Default)]
struct Side {
    /// By the clock that ends them, or by when they begin.
    groups: BTreeMap<i64, Group>,
    /// What no clock has ended yet.
    open: Option<Group>,
    reached: i64,
    /// The first clock, or the first time, that was met.
    first: Option<i64>,
}

/// Of each key the values, one after the other.
type Group = BTreeMap<Vec<u8>, Vec<Option<Vec<u8>>>>;

const CHUNK_BYTES: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);
const GROUP_MS: i64 = 600_000;
/// What has no clock may be said so long after its time.
const SETTLES_MS: i64 = 60_000;
/// So many are told one by one.
const TOLD: u64 = 100;

impl Check {
    /// Of what is said once more: it is handed over as it comes.
    pub fn begin(log: &Arc<dyn Log>, scope: &Scope, coin: Option<&str>) -> Result<Self, Failure> {
        let (reader, parts) = read_from(log, scope)?;
        let (compared, coin) = (BTreeMap::new(), coin.map(str::to_owned));
        let Scope { from, to, .. } = *scope;
        Ok(Self { reader, other: None, parts, coin, from, to, compared, differences: BTreeMap::new(), read_by_time: 0 })
    }

    /// Of two logs.
    pub fn of_both(
        one: &Arc<dyn Log>,
        other: &Arc<dyn Log>,
        scope: &Scope,
        coin: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut check = Self::begin(one, scope, coin)?;
        let (reader, parts) = read_from(other, scope)?;
        check.other = Some(reader);
        check.parts.iter_mut().zip(parts).for_each(|(part, other)| part.is_cut |= other.is_cut);
        Ok(check)
    }

    /// A record that was said once more.
    pub fn take(&mut self, topic: &'static Topic, partition: u32, record: &Record<'_>) {
        if let Some(part) = self.parts.iter_mut().find(|part| part.is(topic, partition)) {
            part.replayed.push(part.by, (self.from, self.to), self.coin.as_deref(), record);
        }
    }

    /// Everything up to a time has been said once more.
    pub fn compare_up_to(
        &mut self,
        time: i64,
        each: &mut dyn FnMut(Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let group = time.div_euclid(GROUP_MS);
        let is_by_time = group > self.read_by_time || time == self.to;
        self.read_by_time = group;
        let Self { reader, other, parts, coin, from, to, .. } = self;
        let within = (*from, *to, coin.as_deref());
        read_up_to(reader.as_mut(), parts, |part| &mut part.live, time, is_by_time, within)?;
        if let Some(other) = other {
            read_up_to(other.as_mut(), parts, |part| &mut part.replayed, time, is_by_time, within)?;
        }
        for part in &mut self.parts {
            let ready = match part.by {
                By::Clock => time,
                By::Time => time - SETTLES_MS - GROUP_MS,
            };
            part.compare(ready, &mut self.compared, &mut self.differences, each)?;
        }
        Ok(())
    }

    /// How much was the same, and what was not.
    pub fn end(mut self, each: &mut dyn FnMut(Value) -> Result<(), Failure>) -> Result<Value, Failure> {
        for part in &mut self.parts {
            part.compare(self.to, &mut self.compared, &mut self.differences, each)?;
        }
        let differences: u64 = self.differences.values().sum();
        if differences == 0 && self.compared.values().all(|results| *results == 0) {
            return Err(Failure::stop("nothing was compared: in this stretch nothing that was asked for was said"));
        }
        Ok(json!({ "compared": self.compared, "differences": differences, "differing": self.differences }))
    }
}

/// Each partition from where the stretch begins.
fn read_from(log: &Arc<dyn Log>, scope: &Scope) -> Result<(Box<dyn Reader>, Vec<Part>), Failure> {
    let (mut parts, mut starts) = (Vec::new(), Vec::new());
    for Written { topic, has_clocks, partitions } in &scope.topics {
        let by = if *has_clocks { By::Clock } else { By::Time };
        for &partition in partitions {
            let first = log.extent(topic, partition)?.first;
            let from = match by {
                By::Clock => first_behind_a_clock(log, topic, partition, scope.from)?,
                By::Time => first,
            };
            let (live, replayed) = Default::default();
            parts.push(Part { topic, partition, by, is_cut: first == from && from > 0, live, replayed });
            starts.push(Start { topic, partition, from: Some(from) });
        }
    }
    Ok((Arc::clone(log).reader(&starts)?, parts))
}

fn read_up_to(
    reader: &mut dyn Reader,
    parts: &mut [Part],
    side: fn(&mut Part) -> &mut Side,
    time: i64,
    is_by_time: bool,
    (from, to, coin): (i64, i64, Option<&str>),
) -> Result<(), Failure> {
    loop {
        let wanted: Vec<bool> =
            parts.iter_mut().map(|part| side(part).reached < time && (is_by_time || part.by == By::Clock)).collect();
        // Nobody waits for what has been read already.
        if !(0..parts.len()).any(|place| wanted[place] && !reader.is_at_the_end(place)) {
            return Ok(());
        }
        for slice in reader.read_of(&|place| wanted[place], CHUNK_BYTES, PATIENCE)? {
            let Some(part) = parts.iter_mut().find(|part| part.is(slice.topic, slice.partition)) else { continue };
            let by = part.by;
            for (_, record) in slice.records() {
                side(part).push(by, (from, to), coin, &record);
            }
        }
    }
}

impl Side {
    fn push(&mut self, by: By, (from, to): (i64, i64), coin: Option<&str>, record: &Record<'_>) {
        let is_a_clock = record.headers.get(kind::HEADER) == Some(kind::CLOCK);
        let is_of_it = coin.is_none_or(|coin| is_of_coin(record.key, coin));
        if is_a_clock || by == By::Time {
            self.first.get_or_insert(record.time);
        }
        match by {
            By::Clock if is_a_clock => {
                self.reached = record.time;
                let said = self.open.take();
                if record.time > from {
                    if let Some(group) = said.filter(|_| record.time <= to) {
                        let ended = self.groups.entry(record.time).or_default();
                        group.into_iter().for_each(|(key, said)| ended.entry(key).or_default().extend(said));
                    }
                    self.open = Some(Group::new());
                }
            }
            By::Clock => {
                if let Some(group) = self.open.as_mut().filter(|_| is_of_it) {
                    add(group, record);
                }
            }
            By::Time => {
                self.reached = self.reached.max(record.time - SETTLES_MS);
                if is_of_it && !is_a_clock && record.time > from && record.time <= to - SETTLES_MS {
                    add(self.groups.entry(record.time.div_euclid(GROUP_MS) * GROUP_MS).or_default(), record);
                }
            }
        }
    }
}

fn add(group: &mut Group, record: &Record<'_>) {
    group.entry(record.key.to_vec()).or_default().push(record.value.map(<[u8]>::to_vec));
}

impl Part {
    fn is(&self, topic: &'static Topic, partition: u32) -> bool {
        self.partition == partition && std::ptr::eq(self.topic, topic)
    }

    /// Of everything that begins, or has ended, by a time.
    fn compare(
        &mut self,
        time: i64,
        compared: &mut BTreeMap<&'static str, u64>,
        differences: &mut BTreeMap<&'static str, u64>,
        each: &mut dyn FnMut(Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let places: BTreeSet<i64> =
            self.live.groups.range(..=time).chain(self.replayed.groups.range(..=time)).map(|it| *it.0).collect();
        for place in places {
            let live = self.live.groups.remove(&place).unwrap_or_default();
            let replayed = self.replayed.groups.remove(&place).unwrap_or_default();
            if self.is_cut && self.live.first.is_none_or(|first| place <= first) {
                continue;
            }
            *compared.entry(self.topic.name).or_default() +=
                live.values().map(|values| values.len() as u64).sum::<u64>();
            let keys: BTreeSet<&Vec<u8>> = live.keys().chain(replayed.keys()).collect();
            for key in keys {
                let [these, those] =
                    [&live, &replayed].map(|group| group.get(key).map(Vec::as_slice).unwrap_or_default());
                for nth in 0..these.len().max(those.len()) {
                    let (this, that) = (these.get(nth), those.get(nth));
                    if this == that {
                        continue;
                    }
                    *differences.entry(self.topic.name).or_default() += 1;
                    if differences.values().sum::<u64>() <= TOLD {
                        each(json!({ "difference": {
                            "topic": self.topic.name, "partition": self.partition, "time": place,
                            "key": String::from_utf8_lossy(key), "nth": nth, "live": shown(this), "replayed": shown(that),
                        } }))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is not there has nothing; an end of its key is null.
fn shown(value: Option<&Option<Vec<u8>>>) -> Value {
    match value {
        None => "nothing".into(),
        Some(None) => Value::Null,
        Some(Some(value)) => serde_json::from_slice(value).unwrap_or_else(|_| String::from_utf8_lossy(value).into()),
    }
}
