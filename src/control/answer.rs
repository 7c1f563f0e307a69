//! What is said about a log, its directory and, when it runs, its process: as JSON, and in words.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use schemas::{Checkpoint, Cursor, TOPICS, Topic, topics};
use serde_json::{Value, json};

use super::{Owner, Question};
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::log::Log;
use crate::run::now_ms;

/// What an answer is made of.
pub struct Known<'a> {
    pub log: &'a Log,
    pub path: &'a Path,
    pub market: Market,
    pub running: Option<&'a Owner>,
}

type Each<'a> = &'a mut dyn FnMut(Value) -> Result<(), Failure>;

const CHUNK_BYTES: usize = 1024 * 1024;

impl<'a> Known<'a> {
    pub fn of(owner: &'a Owner) -> Self {
        Self { log: &owner.shared.log, path: &owner.path, market: owner.market, running: Some(owner) }
    }

    pub fn at_rest(log: &'a Log, data: &'a DataDir) -> Self {
        Self { log, path: data.path(), market: data.market, running: None }
    }

    pub fn answer(&self, question: &Question, each: Each<'_>) -> Result<(), Failure> {
        match question {
            Question::Status => each(self.status()?),
            Question::Topics => each(self.topics()),
            Question::Lag => each(self.lag()?),
            Question::Records { topic, partition, from, since, limit } => {
                let known =
                    TOPICS.into_iter().find(|known| known.name == topic || self.log.generation().name(known) == *topic);
                let topic = known
                    .ok_or_else(|| Failure::stop(format!("there is no topic {topic:?}: `fathom topics` lists them")))?;
                self.records(topic, *partition, *from, *since, limit.unwrap_or(u64::MAX), each)
            }
        }
    }

    fn cursor(&self) -> Result<Cursor, Failure> {
        let cursor = self.log.last_value(&topics::STATE_PARSER_NODE_FILLS, 0, Cursor::KEY)?;
        Ok(cursor.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    fn checkpoints(&self) -> Result<Vec<(u32, Checkpoint)>, Failure> {
        let mut checkpoints = Vec::new();
        for partition in self.log.partitions(&topics::STATE_COIN) {
            let checkpoint = self.log.last_value(&topics::STATE_COIN, partition, Checkpoint::KEY)?;
            let checkpoint = checkpoint.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
            checkpoints.push((partition, checkpoint));
        }
        Ok(checkpoints)
    }

    fn status(&self) -> Result<Value, Failure> {
        let cursor = self.cursor()?;
        let clock = self.checkpoints()?.iter().map(|(_, checkpoint)| checkpoint.clock).min().unwrap_or_default();
        let known = |number: i64| (number > 0).then_some(number);
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "running": self.running.is_some(),
            "pid": self.running.map(|_| std::process::id()),
            "http": self.running.map(|owner| owner.http.to_string()),
            "data": self.path.display().to_string(),
            "market": self.market.name(),
            "generation": self.log.generation().number,
            "block": (cursor.block > 0).then_some(cursor.block),
            "block_time": known(cursor.time),
            "clock": known(clock),
            "age_ms": known(cursor.time).map(|time| now_ms() - time),
            "hour": cursor.hour,
            "blocks_missed": cursor.blocks_missed,
            "last_gap": cursor.last_gap,
            "blocks_repeated": cursor.blocks_repeated,
            "dead_letters": cursor.dead_letters,
            "disk_bytes": self.log.disk_bytes(),
        }))
    }

    fn topics(&self) -> Value {
        let topics = TOPICS.iter().map(|topic| {
            let partitions: Vec<_> = self
                .log
                .partitions(topic)
                .map(|partition| {
                    let extent = self.log.extent(topic, partition);
                    json!({ "partition": partition, "first": extent.first, "next": extent.next, "bytes": extent.bytes, "last_time": extent.last_time })
                })
                .collect();
            json!({ "topic": topic.name, "name": self.log.generation().name(topic), "about": topic.about, "partitions": partitions })
        });
        json!({ "topics": topics.collect::<Vec<_>>() })
    }

    fn lag(&self) -> Result<Value, Failure> {
        let cursor = self.cursor()?;
        let mut readers = Vec::new();
        for (partition, checkpoint) in self.checkpoints()? {
            let input = self.log.extent(&topics::FILLS, partition);
            let next = checkpoint.next.get(topics::FILLS.name).copied().unwrap_or_default();
            readers.push(json!({
                "reader": format!("coin/{partition}"), "reads": topics::FILLS.name, "next": next, "end": input.next,
                "records": input.next.saturating_sub(next), "ms": (cursor.time - checkpoint.clock).max(0),
            }));
        }
        if let Some(owner) = self.running {
            let sink = owner.shared.stats.task("sink", 0);
            let behind = sink.behind.load(Ordering::Relaxed);
            readers.push(json!({ "reader": "sink", "reads": "results", "records": behind }));
            let source = owner.shared.stats.source.bytes_behind.load(Ordering::Relaxed);
            readers.push(
                json!({ "reader": "parser", "reads": "node-fills", "bytes": source, "ms": now_ms() - cursor.time }),
            );
        }
        Ok(json!({ "readers": readers }))
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
            let extent = self.log.extent(topic, partition);
            let mut next = match since {
                Some(time) => self.log.offset_at(topic, partition, time)?,
                None => from.unwrap_or(extent.first),
            };
            let mut left = limit;
            while next < extent.next && left > 0 {
                let slice = self.log.read(topic, partition, next, CHUNK_BYTES)?;
                for (offset, record) in
                    (slice.from..).zip(slice.records()).take(usize::try_from(left).unwrap_or(usize::MAX))
                {
                    each(record_as_json(partition, offset, &record))?;
                    left -= 1;
                    printed += 1;
                }
                next = slice.next;
            }
        }
        each(json!({ "summary": { "topic": topic.name, "records": printed } }))
    }

    fn state(&self, topic: &'static Topic, partition: u32, limit: u64, each: Each<'_>) -> Result<u64, Failure> {
        let mut lines = Vec::new();
        self.log.last_values(topic, partition, |key, value| {
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
        _ => writeln!(words, "running     no; this is what the directory holds"),
    };
    let _ = writeln!(words, "market      {} (generation {})", text("market"), text("generation"));
    let _ = writeln!(
        words,
        "data        {}, {} MB of log",
        text("data"),
        status["disk_bytes"].as_u64().unwrap_or_default() / 1_000_000
    );
    let _ = writeln!(
        words,
        "source      block {} of {}, {} ago, in hour {}",
        text("block"),
        moment(&status["block_time"]),
        age(&status["age_ms"]),
        text("hour")
    );
    let _ = writeln!(words, "computed    everything up to {}", moment(&status["clock"]));
    let _ = writeln!(
        words,
        "quality     {} blocks missed, {} repeated, {} dead letters",
        text("blocks_missed"),
        text("blocks_repeated"),
        text("dead_letters")
    );
    words
}

fn moment(time: &Value) -> String {
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
    let mut words = format!("{:<10} {:<12} {:>12} {:>10} {:>12}\n", "reader", "reads", "records", "ms", "bytes");
    for reader in answer["readers"].as_array().into_iter().flatten() {
        let number = |name: &str| reader[name].as_i64().map_or_else(|| "–".to_owned(), |number| number.to_string());
        let text = |name: &str| reader[name].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            words,
            "{:<10} {:<12} {:>12} {:>10} {:>12}",
            text("reader"),
            text("reads"),
            number("records"),
            number("ms"),
            number("bytes")
        );
    }
    words
}
