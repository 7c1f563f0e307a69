//! What was told: of each result topic and partition the records, one after the other.

use std::collections::BTreeMap;

use computer::Description;
use schemas::{Outbox, Record, Topic, topics};

/// Each record as a line: all of it but when its input was received.
#[derive(Default)]
pub struct Told(BTreeMap<(&'static str, u32), Vec<String>>);

impl Told {
    pub fn of(out: &Outbox) -> Self {
        let mut told = Self::default();
        for (topic, partition, batch) in out.filled().filter(|(topic, ..)| is_result(topic)) {
            batch.records().for_each(|record| told.push(topic, partition, &record));
        }
        told
    }

    pub fn push(&mut self, topic: &'static Topic, partition: u32, record: &Record<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = record.headers.iter().filter(|(name, _)| *name != "received");
        let headers: BTreeMap<&str, String> = headers.map(|(name, value)| (name, text(value))).collect();
        let (key, value) = (text(record.key), record.value.map(text));
        let line = format!("{} {key} {} {headers:?}", record.time, value.as_deref().unwrap_or("nothing"));
        self.0.entry((topic.name, partition)).or_default().push(line);
    }

    pub fn records(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Of a topic, without its clocks.
    pub fn results(&self, topic: &str) -> usize {
        let lines = self.0.iter().filter(|((its, _), _)| *its == topic).flat_map(|(_, lines)| lines);
        lines.filter(|line| !line.contains("\"kind\": \"clock\"")).count()
    }

    /// Panics where they part.
    pub fn must_be(&self, expected: &Self, how: &str) {
        let places = |told: &Self| told.0.keys().copied().collect::<Vec<_>>();
        assert_eq!(places(self), places(expected), "{how}: partitions with records");
        for (place, expected) in &expected.0 {
            let found = &self.0[place];
            let parting = found.iter().zip(expected).position(|(found, expected)| found != expected);
            if let Some(at) = parting {
                panic!("{how}: {place:?}, record {at}:\n found    {}\n expected {}", found[at], expected[at]);
            }
            assert_eq!(found.len(), expected.len(), "{how}: records in {place:?}");
        }
    }
}

/// What the stages tell, and what would be set aside.
pub fn results() -> Vec<&'static Topic> {
    let mut results: Vec<&'static Topic> =
        computer::processors().iter().flat_map(|Description { writes, .. }| *writes).collect();
    results.extend([&topics::LATE_EVENTS, &topics::DEAD_LETTERS]);
    results.sort_unstable_by_key(|topic| topic.name);
    results.dedup_by_key(|topic| topic.name);
    results
}

fn is_result(topic: &Topic) -> bool {
    results().iter().any(|result| result.name == topic.name)
}
