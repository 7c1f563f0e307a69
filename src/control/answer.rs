//! What is said about a log, its directory and, when it runs, its process: as JSON, and in words.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::computer::{Joins, Rules};
use schemas::{NODE_FILLS, TOPICS, Topic};
use serde_json::{Value, json};

use super::{Owner, Question};
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::log::{Log, Start, read_to_the_end};
use crate::rebuild;
use crate::replay;
use crate::run::sink::{self, topics_of_tables};
use crate::run::{computer, dead_letters, generations, market, now_ms, parser};

/// What an answer is made of.
pub struct Known<'a> {
    pub log: Arc<dyn Log>,
    /// Where the log is.
    pub place: String,
    pub market: Option<Market>,
    pub running: Option<&'a Owner>,
    /// By which results are made, as far as the process knows that asks.
    pub rules: Rules,
}

/// The log as the generation sees it that is told, and its rules.
fn told(log: &Arc<dyn Log>, otherwise: Rules) -> Result<(Arc<dyn Log>, Rules), Failure> {
    let known = generations::known(log.as_ref())?;
    let rules = known.kept.iter().find(|kept| kept.number == known.told);
    Ok((generations::told(log)?, rules.map_or(otherwise, |kept| generations::rules_of(kept, otherwise))))
}

type Each<'a> = &'a mut dyn FnMut(Value) -> Result<(), Failure>;

impl<'a> Known<'a> {
    pub fn of(owner: &'a Owner) -> Result<Self, Failure> {
        let (log, rules) = told(&owner.shared.log, owner.shared.rules)?;
        let place = owner.path.display().to_string();
        Ok(Self { log, place, market: Some(owner.market), running: Some(owner), rules })
    }

    pub fn at_rest(log: Arc<dyn Log>, rules: Rules, data: &DataDir) -> Result<Self, Failure> {
        let (log, rules) = told(&log, rules)?;
        computer::announce(log.as_ref())?;
        Ok(Self { log, place: data.path().display().to_string(), market: Some(data.market), running: None, rules })
    }

    pub fn on_kafka(log: Arc<dyn Log>, rules: Rules, brokers: String) -> Result<Self, Failure> {
        let market = market::found(log.as_ref())?;
        let (log, rules) = told(&log, rules)?;
        Ok(Self { log, place: brokers, market, running: None, rules })
    }

    pub fn answer(&self, question: &Question, each: Each<'_>) -> Result<(), Failure> {
        match question {
            Question::Status => each(self.status()?),
            Question::Topics => each(self.topics()?),
            Question::Lag => each(self.lag()?),
            Question::Redrive { dry_run } => dead_letters::redrive(&self.log, *dry_run, each),
            Question::Rebuild(request) => {
                rebuild::rebuild(&self.log, &self.rules, self.running.is_some(), request, each)
            }
            Question::Replay(request) => replay::replay(&self.log, &self.rules, request, each),
            Question::Records { topic, partition, from, since, limit } => {
                let known =
                    TOPICS.into_iter().find(|known| known.name == topic || self.log.generation().name(known) == *topic);
                let topic = known
                    .ok_or_else(|| Failure::stop(format!("there is no topic {topic:?}: `fathom topics` lists them")))?;
                self.records(topic, *partition, *from, *since, limit.unwrap_or(u64::MAX), each)
            }
        }
    }

    /// How far the coin stage is.
    fn clock(&self) -> Result<i64, Failure> {
        let coin = &computer::COIN;
        let clocks = self.log.partitions(coin.state).map(|partition| {
            computer::checkpoint(self.log.as_ref(), coin, partition).map(|checkpoint| checkpoint.clock)
        });
        Ok(clocks.collect::<Result<Vec<_>, _>>()?.into_iter().min().unwrap_or_default())
    }

    fn status(&self) -> Result<Value, Failure> {
        let cursor = parser::cursor(self.log.as_ref())?;
        let clock = self.clock()?;
        let known = |number: i64| (number > 0).then_some(number);
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "running": self.running.is_some(),
            "pid": self.running.map(|_| std::process::id()),
            "http": self.running.map(|owner| owner.http.to_string()),
            "metrics": self.running.and_then(|owner| owner.metrics).map(|address| address.to_string()),
            "data": self.place,
            "market": self.market.map(Market::name),
            "generation": self.log.generation().number,
            "block": (cursor.block > 0).then_some(cursor.block),
            "block_time": known(cursor.time),
            "clock": known(clock),
            "age_ms": known(cursor.time).map(|time| now_ms() - time),
            "places": cursor.places.iter().map(|(node, place)| (node.clone(), json!(format!("{}:{}", place.hour, place.offset)))).collect::<serde_json::Map<_, _>>(),
            "fills": cursor.fills,
            "gaps": cursor.gaps,
            "blocks_healed": cursor.blocks_healed,
            "fills_repeated": cursor.fills_repeated,
            "blocks_missed": cursor.blocks_missed,
            "last_gap": cursor.last_gap,
            "blocks_repeated": cursor.blocks_repeated,
            "dead_letters": cursor.dead_letters,
            "disk_bytes": self.log.disk_bytes(),
        }))
    }

    fn topics(&self) -> Result<Value, Failure> {
        let mut topics = Vec::new();
        for topic in TOPICS {
            let mut partitions = Vec::new();
            for partition in self.log.partitions(topic) {
                let extent = self.log.extent(topic, partition)?;
                let known = |number: u64| (number > 0).then_some(number);
                partitions.push(json!({
                    "partition": partition, "first": extent.first, "next": extent.next, "bytes": known(extent.bytes),
                    "last_time": (extent.last_time > 0).then_some(extent.last_time),
                }));
            }
            let name = self.log.generation().name(topic);
            topics.push(json!({ "topic": topic.name, "name": name, "about": topic.about, "partitions": partitions }));
        }
        Ok(json!({ "topics": topics }))
    }

    fn lag(&self) -> Result<Value, Failure> {
        let mut readers = Vec::new();
        for stage in computer::stages() {
            for share in self.log.partitions(stage.state) {
                for (input, partition) in stage.lanes(self.log.generation(), share) {
                    let (next, records) = self.behind(stage.name, input.topic, partition)?;
                    readers.push(json!({
                        "reader": format!("{}/{share}", stage.name), "reads": input.topic.name, "partition": partition,
                        "next": next, "records": records, "waits_for_the_clock": input.joins == Joins::Beside,
                    }));
                }
            }
        }
        for topic in topics_of_tables() {
            let mut records = 0;
            for partition in self.log.partitions(topic) {
                records += self.behind(sink::STAGE, topic, partition)?.1;
            }
            readers.push(json!({ "reader": "sink", "reads": topic.name, "records": records }));
        }
        let cursor = parser::cursor(self.log.as_ref())?;
        let bytes = self.running.map(|owner| owner.shared.stats.source.bytes_behind.load(Ordering::Relaxed));
        let age = (cursor.time > 0).then(|| now_ms() - cursor.time);
        readers.push(json!({ "reader": "parser", "reads": NODE_FILLS, "bytes": bytes, "ms": age }));
        Ok(json!({ "readers": readers }))
    }

    /// The next offset a reader reads, when it has said so, and how many records are still to come.
    fn behind(
        &self,
        reader: &'static str,
        topic: &'static Topic,
        partition: u32,
    ) -> Result<(Option<u64>, u64), Failure> {
        let next = self.log.progress(reader, topic, partition)?;
        let first = self.log.extent(topic, partition)?.first;
        Ok((next, self.log.unread(topic, partition, next.unwrap_or(first))?))
    }

    fn records(
        &self,
        topic: &'static Topic,
        partition: Option<u32>,
        from: Option<u64>,
        since: Option<i64>,
        limit: u64,
        each: Each<'_>,
    ) -> Result<(), Failure> {
        let all = self.log.partitions(topic);
        if let Some(partition) = partition.filter(|partition| !all.contains(partition)) {
            return Err(Failure::stop(format!(
                "{} has the partitions 0 to {}: there is no {partition}",
                topic.name,
                all.end - 1
            )));
        }
        let mut printed = 0_u64;
        for partition in all.filter(|other| partition.is_none_or(|one| one == *other)) {
            if matches!(topic.keeps, schemas::Keeps::State) {
                printed += self.state(topic, partition, limit, each)?;
                continue;
            }
            let from = match since {
                Some(time) => Some(Arc::clone(&self.log).offset_at(topic, partition, time)?),
                None => from,
            };
            printed += self.some_records(Start { topic, partition, from }, limit, each)?;
        }
        each(json!({ "summary": { "topic": topic.name, "records": printed } }))
    }

    /// Records up to where the partition ended when that was asked.
    fn some_records(&self, start: Start, limit: u64, each: Each<'_>) -> Result<u64, Failure> {
        let mut printed = 0;
        read_to_the_end::<Failure>(&self.log, start, |offset, record| {
            if printed < limit {
                each(record_as_json(start.partition, offset, record))?;
                printed += 1;
            }
            Ok(printed < limit)
        })?;
        Ok(printed)
    }

    fn state(&self, topic: &'static Topic, partition: u32, limit: u64, each: Each<'_>) -> Result<u64, Failure> {
        let mut lines = Vec::new();
        self.log.last_values(topic, partition, &mut |key, value| {
            if (lines.len() as u64) < limit {
                lines.push(
                    json!({ "partition": partition, "key": String::from_utf8_lossy(key), "value": readable(value) }),
                );
            }
        })?;
        let count = lines.len() as u64;
        lines.into_iter().try_for_each(each)?;
        Ok(count)
    }
}

fn record_as_json(partition: u32, offset: u64, record: &schemas::Record<'_>) -> Value {
    let headers: serde_json::Map<_, _> =
        record.headers.iter().map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into())).collect();
    json!({
        "partition": partition, "offset": offset, "time": record.time, "key": String::from_utf8_lossy(record.key),
        "headers": headers, "value": record.value.map(readable),
    })
}

/// JSON as it is, other bytes as text.
fn readable(value: &[u8]) -> Value {
    serde_json::from_slice(value).unwrap_or_else(|_| String::from_utf8_lossy(value).into())
}

pub fn status_in_words(status: &Value) -> String {
    let text = |name: &str| match &status[name] {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut words = String::new();
    let _ = match status["running"].as_bool() {
        Some(true) => writeln!(words, "running     pid {}, http://{}/", text("pid"), text("http")),
        _ => writeln!(words, "running     not in this process; this is what the log says"),
    };
    if let Some(address) = status["metrics"].as_str() {
        let _ = writeln!(words, "metrics     http://{address}/metrics");
    }
    let _ = writeln!(words, "market      {} (generation {})", text("market"), text("generation"));
    let disk = status["disk_bytes"].as_u64().map(|bytes| format!(", {} MB of log", bytes / 1_000_000));
    let _ = writeln!(words, "data        {}{}", text("data"), disk.unwrap_or_default());
    let _ = writeln!(
        words,
        "source      block {} of {}, {} ago",
        text("block"),
        moment(&status["block_time"]),
        age(&status["age_ms"]),
    );
    for (node, place) in status["places"].as_object().into_iter().flatten() {
        let _ = writeln!(words, "            {node} at {}", place.as_str().unwrap_or_default());
    }
    let _ = writeln!(words, "computed    everything up to {}", moment(&status["clock"]));
    let _ = writeln!(
        words,
        "quality     {} blocks missed, {} found later, {} repeated, {} dead letters",
        text("blocks_missed"),
        text("blocks_healed"),
        text("blocks_repeated"),
        text("dead_letters")
    );
    words
}

pub fn moment(time: &Value) -> String {
    let moment = time.as_i64().and_then(chrono::DateTime::from_timestamp_millis);
    moment.map_or_else(|| "–".to_owned(), |moment| moment.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string())
}

fn age(ms: &Value) -> String {
    match ms.as_i64() {
        None => "–".to_owned(),
        Some(ms) if ms < 1_000 => format!("{ms} ms"),
        Some(ms) if ms < 120_000 => format!("{} s", ms / 1_000),
        Some(ms) if ms < 7_200_000 => format!("{} min", ms / 60_000),
        Some(ms) => format!("{} h", ms / 3_600_000),
    }
}

pub fn topics_in_words(answer: &Value) -> String {
    let mut words = format!("{:<26} {:>10} {:>14} {:>12}\n", "topic", "partitions", "records", "bytes");
    for topic in answer["topics"].as_array().into_iter().flatten() {
        let partitions = topic["partitions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let sum = |name: &str| -> u64 { partitions.iter().filter_map(|partition| partition[name].as_u64()).sum() };
        let records = sum("next") - sum("first");
        let _ = writeln!(
            words,
            "{:<26} {:>10} {records:>14} {:>12}",
            topic["topic"].as_str().unwrap_or_default(),
            partitions.len(),
            sum("bytes")
        );
    }
    words
}

pub fn lag_in_words(answer: &Value) -> String {
    let mut words = format!("{:<10} {:<22} {:>12} {:>10} {:>12}\n", "reader", "reads", "records", "ms", "bytes");
    for reader in answer["readers"].as_array().into_iter().flatten() {
        let number = |name: &str| reader[name].as_i64().map_or_else(|| "–".to_owned(), |number| number.to_string());
        let text = |name: &str| reader[name].as_str().unwrap_or_default().to_owned();
        let partition = reader["partition"].as_u64().map_or_else(String::new, |partition| format!("/{partition}"));
        let waits = if reader["waits_for_the_clock"] == true { "  waits for the clock" } else { "" };
        let _ = writeln!(
            words,
            "{:<10} {:<22} {:>12} {:>10} {:>12}{waits}",
            text("reader"),
            text("reads") + &partition,
            number("records"),
            number("ms"),
            number("bytes")
        );
    }
    words
}
