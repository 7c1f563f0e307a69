//! What is asked for → which tasks have to work once more, where each begins, and what it will read; or why that cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::computer::Definition;
use schemas::{Checkpoint, Keeps, KeptStretch, LateJoin, Topic, partition_of, topics};
use serde_json::{Value, json};

use super::again::Again;
use super::found::{self, Found};
use super::{Request, range};
use crate::failure::Failure;
use crate::log::{Log, Start, read_to_the_end};
use crate::run::{HOUR_MS, computer};

pub struct Plan {
    /// What is said at clocks behind this one, up to the other.
    pub from: i64,
    pub to: i64,
    /// The first block of all.
    since: i64,
    /// What is wanted of all that is said.
    pub topics: Vec<&'static Topic>,
    pub tasks: Vec<Planned>,
}

pub struct Planned {
    pub definition: &'static Definition,
    pub share: u32,
    /// Nothing where it begins with the first records there ever were.
    found: Option<Found>,
    lanes: Vec<Lane>,
}

struct Lane {
    topic: &'static Topic,
    partition: u32,
    next: u64,
    /// So many there are from there on, behind `to` as well.
    records: u64,
    /// Compressed; nothing where only the brokers know.
    bytes: Option<u64>,
    /// So many were before those that are kept.
    removed: u64,
}

impl Plan {
    pub fn make(log: &Arc<dyn Log>, request: &Request) -> Result<Self, Failure> {
        let topics = wanted(request)?;
        let tasks = tasks(log.as_ref(), request, &topics);
        let Computed { since, newest } = Computed::by(log, &tasks)?;
        let known = (since, newest);
        let to = request.to.as_deref().map_or(Ok(newest), |text| range::moment(log, text, newest))?.min(newest);
        let from = request.from.as_deref().map_or(Ok(since), |text| range::moment(log, text, newest))?.max(since);
        if from >= to {
            return Err(Failure::Usage(format!("from {} to {} is nothing", in_words(from), in_words(to))));
        }
        Self::of(log, topics, tasks, (from, to), known)
    }

    /// To know how everything stood then.
    pub fn of_a_moment(log: &Arc<dyn Log>, request: &Request, at: &str) -> Result<Self, Failure> {
        let topics = wanted(request)?;
        let tasks = tasks(log.as_ref(), request, &topics);
        let Computed { since, newest } = Computed::by(log, &tasks)?;
        let time = range::moment(log, at, newest)?;
        if time > newest {
            let (time, newest) = (in_words(time), in_words(newest));
            return Err(Failure::stop(format!("{time} is not computed yet: everything is up to {newest}")));
        }
        if time < since {
            let (time, since) = (in_words(time), in_words(since));
            return Err(Failure::stop(format!("nothing is known of {time}: the first block was that of {since}")));
        }
        Self::of(log, topics, tasks, (time, time), (since, newest))
    }

    fn of(
        log: &Arc<dyn Log>,
        topics: Vec<&'static Topic>,
        tasks: Vec<Task>,
        (from, to): (i64, i64),
        known: (i64, i64),
    ) -> Result<Self, Failure> {
        let names = tasks.iter().map(|(definition, share)| (definition.name.to_owned(), *share)).collect();
        let found = found::latest_before(log, &names, from)?;
        let planned = |(definition, share): Task| {
            let found = found.get(&(definition.name.to_owned(), share)).cloned();
            Planned::of(log, (definition, share), found, from, known)
        };
        let tasks = tasks.into_iter().map(planned).collect::<Result<_, _>>()?;
        let plan = Self { from, to, since: known.0, topics, tasks };
        plan.check_late_joins(log)?;
        Ok(plan)
    }

    pub fn json(&self) -> Value {
        let tasks: Vec<Value> = self.tasks.iter().map(Planned::json).collect();
        let sum = |of: fn(&Lane) -> u64| -> u64 { self.lanes().map(of).sum() };
        let bytes: Option<u64> = self.lanes().map(|lane| lane.bytes).sum();
        json!({
            "from": self.from, "to": self.to, "topics": self.topics.iter().map(|topic| topic.name).collect::<Vec<_>>(),
            "records": sum(|lane| lane.records), "bytes": bytes, "removed": sum(|lane| lane.removed), "tasks": tasks,
        })
    }

    /// How many records lie between where the tasks begin and a time.
    pub fn records_up_to(&self, log: &Arc<dyn Log>, time: i64) -> Result<u64, Failure> {
        let mut records = 0;
        for Lane { topic, partition, next, removed, .. } in self.lanes() {
            let until = Arc::clone(log).offset_at(topic, *partition, time)?;
            records += until.saturating_sub(*(next.max(removed)));
        }
        Ok(records)
    }

    /// The clock of the oldest state that is begun with; nothing where a task begins with the first records.
    pub fn began_with(&self) -> Option<i64> {
        let clocks: Option<Vec<i64>> =
            self.tasks.iter().map(|task| task.found.as_ref().map(|found| found.snapshot.clock)).collect();
        clocks?.into_iter().min()
    }

    /// Whatever came too late, so that it comes too late again.
    fn late_joins(&self, log: &Arc<dyn Log>) -> Result<Vec<LateJoin>, Failure> {
        let topic = &topics::LATE_JOINS;
        let from = Some(Arc::clone(log).offset_at(topic, 0, self.begins())?);
        let mut late = Vec::new();
        read_to_the_end::<Failure>(log, Start { topic, partition: 0, from }, |_, record| {
            let join: LateJoin = serde_json::from_slice(record.value.unwrap_or_default())
                .map_err(|cause| Failure::because("a record of late-joins cannot be read", cause))?;
            if self.tasks.iter().any(|task| task.definition.name == join.stage && task.share == join.share) {
                late.push(join);
            }
            Ok(true)
        })?;
        Ok(late)
    }

    /// The clock at which the first task begins.
    pub fn begins(&self) -> i64 {
        self.began_with().unwrap_or(self.since)
    }

    /// What came too late has to come as late again: it must be known of all the time.
    fn check_late_joins(&self, log: &Arc<dyn Log>) -> Result<(), Failure> {
        let topic = &topics::LATE_JOINS;
        let first = log.extent(topic, 0)?.first;
        if first > 0 && Arc::clone(log).offset_at(topic, 0, self.begins())? <= first {
            return Err(Failure::stop(format!(
                "{} cannot be repeated: what came too late then is kept no more in {}; begin later",
                in_words(self.from),
                topic.name
            )));
        }
        Ok(())
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.tasks.iter().flat_map(|task| &task.lanes)
    }

    /// What is said of it.
    pub fn scope(&self, log: &dyn Log) -> Scope {
        let tasks: Vec<Task> = self.tasks.iter().map(|task| (task.definition, task.share)).collect();
        Scope::of(log, &self.topics, &tasks, (self.from, self.to))
    }

    /// Each task as it stood, before the stretch begins.
    pub fn begin(&self, log: &Arc<dyn Log>, rules: &::computer::Rules) -> Result<Vec<Again>, Failure> {
        let late = self.late_joins(log)?;
        let begin =
            |task: &Planned| Again::begin(log, rules, (task.definition, task.share), task.found.as_ref(), &late);
        self.tasks.iter().map(begin).collect()
    }
}

/// What some tasks say in a stretch.
pub struct Scope {
    pub topics: Vec<Written>,
    pub from: i64,
    pub to: i64,
}

/// A topic, as far as they write it.
pub struct Written {
    pub topic: &'static Topic,
    /// Whether each partition has one task that writes it and tells the time there.
    pub has_clocks: bool,
    pub partitions: BTreeSet<u32>,
}

impl Scope {
    /// What two logs have of what is asked for; the other one may be of a stretch alone.
    pub fn of_both(
        one: &Arc<dyn Log>,
        other: &Arc<dyn Log>,
        stretch: Option<&KeptStretch>,
        request: &Request,
    ) -> Result<Self, Failure> {
        let topics = wanted(request)?;
        let tasks = tasks(one.as_ref(), request, &topics);
        let of_the_other = || match stretch {
            Some(KeptStretch { from, to, .. }) => Ok(Computed { since: *from, newest: *to }),
            None => Computed::by(other, &tasks),
        };
        let [this, that] = [Computed::by(one, &tasks)?, of_the_other()?];
        let (since, newest) = (this.since.max(that.since), this.newest.min(that.newest));
        let to = request.to.as_deref().map_or(Ok(newest), |text| range::moment(one, text, newest))?.min(newest);
        let from = request.from.as_deref().map_or(Ok(since), |text| range::moment(one, text, newest))?.max(since);
        if from >= to {
            return Err(Failure::stop(format!(
                "they have nothing in common: one begins at {} and one ends at {}",
                in_words(from),
                in_words(to)
            )));
        }
        Ok(Self::of(one.as_ref(), &topics, &tasks, (from, to)))
    }

    fn of(log: &dyn Log, topics: &[&'static Topic], tasks: &[Task], (from, to): (i64, i64)) -> Self {
        let written = |topic: &&'static Topic| {
            let topic = *topic;
            let writes = |task: &&Task| task.0.describe().iter().any(|it| it.writes.contains(&topic));
            let share = |task: &Task| log.generation().share(topic, task.0.by, task.1).collect::<Vec<_>>();
            let partitions = tasks.iter().filter(writes).flat_map(share).collect();
            Written { topic, has_clocks: tasks.iter().any(|task| task.0.tells_the_time(topic)), partitions }
        };
        Self { topics: topics.iter().map(written).collect(), from, to }
    }
}

/// A stage and one of its shares.
type Task = (&'static Definition, u32);

/// What some tasks have computed, all of them.
struct Computed {
    since: i64,
    newest: i64,
}

impl Computed {
    fn by(log: &Arc<dyn Log>, tasks: &[Task]) -> Result<Self, Failure> {
        let checkpoint = |task: &Task| computer::checkpoint(log.as_ref(), task.0, task.1);
        let (by_clock, at_once): (Vec<Task>, Vec<Task>) = tasks.iter().partition(|task| task.0.has_clocks());
        let by_clock: Vec<Checkpoint> = by_clock.iter().map(checkpoint).collect::<Result<_, _>>()?;
        let at_once: Vec<Checkpoint> = at_once.iter().map(checkpoint).collect::<Result<_, _>>()?;
        // What has no clock is as far as its latest record: where that is old, nothing has come since.
        let newest = by_clock.iter().map(|it| it.clock).min().or_else(|| at_once.iter().map(|it| it.clock).max());
        let newest = newest.filter(|clock| *clock > 0);
        let newest = newest
            .ok_or_else(|| Failure::stop("not everything has been computed once yet: there is nothing to repeat"))?;
        let since = by_clock.iter().filter_map(|it| it.since).map(|clock| clock.time).max().unwrap_or_default();
        Ok(Self { since, newest })
    }
}

/// The topics of results that are asked for, all of them where nothing is said.
fn wanted(request: &Request) -> Result<Vec<&'static Topic>, Failure> {
    let all = ::computer::processors();
    let of_processor =
        |name: &str| all.iter().filter(|it| it.name == name).flat_map(|it| it.writes).collect::<Vec<_>>();
    let mut topics: Vec<&'static Topic> = match (&request.processor, &request.topic) {
        (Some(name), _) => of_processor(name),
        (None, _) => all.iter().flat_map(|it| it.writes).collect(),
    };
    if let Some(name) = request.processor.as_ref().filter(|_| topics.is_empty()) {
        let names: Vec<&str> = all.iter().map(|it| it.name).collect();
        return Err(Failure::Usage(format!("there is no processor {name:?}; those are {}", names.join(", "))));
    }
    topics.sort_unstable_by_key(|topic| topic.name);
    topics.dedup_by_key(|topic| topic.name);
    if let Some(name) = &request.topic {
        let names: Vec<&str> = topics.iter().map(|topic| topic.name).collect();
        topics.retain(|topic| topic.name == name);
        if topics.is_empty() {
            return Err(Failure::Usage(format!("{name:?} is none of these results: {}", names.join(", "))));
        }
    }
    Ok(topics)
}

/// Those that say something of it.
fn tasks(log: &dyn Log, request: &Request, topics: &[&'static Topic]) -> Vec<Task> {
    let says = |stage: &&'static Definition| {
        let is_asked = |name: &str| request.processor.as_deref().is_none_or(|processor| processor == name);
        let said = stage.describe().into_iter().filter(|it| is_asked(it.name)).flat_map(|it| it.writes);
        said.into_iter().any(|topic| topics.iter().any(|wanted| wanted.name == topic.name))
    };
    let of_coin = request.coin.as_ref().map(|coin| partition_of(coin.as_bytes(), log.generation().partitions));
    let is_asked = |stage: &Definition, share: u32| {
        stage.by != Some(schemas::Entity::Coin) || of_coin.is_none_or(|of_coin| of_coin == share)
    };
    let stages = computer::stages().into_iter().filter(says);
    let shares = |stage: &'static Definition| {
        log.partitions(stage.state).filter(move |share| is_asked(stage, *share)).map(move |share| (stage, share))
    };
    stages.flat_map(shares).collect()
}

impl Planned {
    fn of(
        log: &Arc<dyn Log>,
        (definition, share): Task,
        found: Option<Found>,
        from: i64,
        (since, newest): (i64, i64),
    ) -> Result<Self, Failure> {
        let begins = found.as_ref().map_or(since, |found| found.snapshot.clock);
        let next = found.as_ref().map(|found| found.snapshot.next.clone()).unwrap_or_default();
        let lane = |topic: &'static Topic, partition| Lane::of(log.as_ref(), topic, partition, &next);
        let lanes = definition.lanes(log.generation(), share).map(|(input, partition)| lane(input.topic, partition));
        let lanes: Vec<Lane> = lanes.collect::<Result<_, _>>()?;
        if let Some(lane) = lanes.iter().find(|lane| lane.removed > lane.next) {
            let (task, topic) = (format!("{}/{share}", definition.name), lane.topic.name);
            let why = match &found {
                Some(found) => format!(
                    "the snapshot of {task} at {} goes on at offset {} of {topic}/{}, which is kept from {} on",
                    in_words(found.snapshot.clock),
                    lane.next,
                    lane.partition,
                    lane.removed
                ),
                None => format!(
                    "there is no snapshot of {task} from before, and {topic}/{} is kept from offset {} on",
                    lane.partition, lane.removed
                ),
            };
            return Err(Failure::stop(format!("{} cannot be repeated: {why}; begin later", in_words(from))));
        }
        if let Some(lane) = lanes.iter().find(|lane| lane.forgets_from(begins, newest)) {
            return Err(Failure::stop(format!(
                "{} cannot be repeated: of {} only the last values are kept of that time; begin later",
                in_words(from),
                lane.topic.name
            )));
        }
        Ok(Self { definition, share, found, lanes })
    }

    fn json(&self) -> Value {
        let lanes: Vec<Value> = self.lanes.iter().map(Lane::json).collect();
        json!({
            "task": format!("{}/{}", self.definition.name, self.share),
            "snapshot": self.found.as_ref().map(|found| found.snapshot.clock), "lanes": lanes,
        })
    }
}

impl Lane {
    fn of(log: &dyn Log, topic: &'static Topic, partition: u32, next: &BTreeMap<String, u64>) -> Result<Self, Failure> {
        let next = next.get(&format!("{}/{partition}", topic.name)).copied().unwrap_or_default();
        let extent = log.extent(topic, partition)?;
        let records = log.unread(topic, partition, next.max(extent.first))?;
        let kept = extent.next.saturating_sub(extent.first).max(1);
        let bytes = (extent.bytes > 0 || extent.next == extent.first).then_some(extent.bytes * records / kept);
        Ok(Self { topic, partition, next, records, bytes, removed: extent.first })
    }

    /// Whether what was written at a time may be there no more because something newer has the same key.
    fn forgets_from(&self, time: i64, newest: i64) -> bool {
        matches!(self.topic.keeps, Keeps::LastPerKey { hours, .. } if time < newest - i64::from(hours) * HOUR_MS)
    }

    fn json(&self) -> Value {
        let Self { topic, partition, next, records, bytes, removed } = self;
        json!({
            "topic": topic.name, "partition": partition, "next": next, "records": records, "bytes": bytes,
            "removed": removed,
        })
    }
}

pub fn in_words(time: i64) -> String {
    crate::control::moment(&time.into())
}
