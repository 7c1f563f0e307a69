//! What the log keeps of some topics between two times → whoever asks the API to hear it again, all partitions together in
//! the order in which it was told. Of a partition so much is held as one reading brought.

mod place;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Between, Passing, Unread};
use schemas::{Headers, Record, Topic, kind};
use tracing::warn;

use super::{PATIENCE, Shared};
use crate::log::{LogError, Reader, Slice, Start};
use place::place;

const BYTES: usize = 64 * 1024;
/// So long the log may say nothing before its end.
const SILENCE: Duration = Duration::from_secs(20);

/// Behind the one time and up to the other, as long as somebody wants it.
pub fn replay(
    shared: &Shared,
    topics: &[&'static Topic],
    between: Between,
    each: &mut dyn FnMut(Passing<'_>) -> bool,
) -> Result<(), Unread> {
    let told = Merged::begin(shared, topics, between).and_then(|mut merged| merged.tell(shared, each));
    told.map_err(|error| match error {
        LogError::OutOfRange { .. } | LogError::Ahead { .. } => Unread::Gone,
        error => {
            warn!("a stretch of the past could not be read for a client: {error}");
            Unread::Failed
        }
    })
}

/// Partitions side by side.
struct Merged {
    reader: Box<dyn Reader>,
    parts: Vec<Part>,
    between: Between,
}

struct Part {
    topic: &'static Topic,
    partition: u32,
    /// The offset behind everything that was read.
    next: u64,
    /// The latest event time that was read: everything up to it was told before what follows.
    reached: i64,
    waiting: VecDeque<Waiting>,
    /// Nothing of the stretch follows.
    is_over: bool,
}

/// A record that was read, and is told when no other partition has an earlier one.
struct Waiting {
    offset: u64,
    /// The event time that its partition had come to.
    reached: i64,
    time: i64,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<u8>,
}

impl Merged {
    fn begin(shared: &Shared, topics: &[&'static Topic], between: Between) -> Result<Self, LogError> {
        let (mut parts, mut starts) = (Vec::new(), Vec::new());
        for topic in topics {
            for partition in shared.log.partitions(topic) {
                let next = place(&shared.log, topic, partition, between.from)?;
                let (waiting, reached) = (VecDeque::new(), i64::MIN);
                parts.push(Part { topic, partition, next, reached, waiting, is_over: false });
                starts.push(Start { topic, partition, from: Some(next) });
            }
        }
        Ok(Self { reader: Arc::clone(&shared.log).reader(&starts)?, parts, between })
    }

    fn tell(&mut self, shared: &Shared, each: &mut dyn FnMut(Passing<'_>) -> bool) -> Result<(), LogError> {
        let mut is_wanted = self.fill(shared, each)? && each(Passing::From(self.stands_at()));
        while is_wanted {
            let Some(first) = self.first() else { return Ok(()) };
            is_wanted = first.tell(each);
            if first.is_empty() {
                is_wanted = is_wanted && self.fill(shared, each)?;
            }
        }
        Ok(())
    }

    /// Reads on until of each partition something waits, or nothing follows. Whether that is still wanted.
    fn fill(&mut self, shared: &Shared, each: &mut dyn FnMut(Passing<'_>) -> bool) -> Result<bool, LogError> {
        let mut last_heard = Instant::now();
        while self.parts.iter().any(Part::is_empty) {
            let Self { reader, parts, between } = self;
            let slices = reader.read_of(&|place| parts[place].is_empty(), BYTES, PATIENCE)?;
            if !slices.is_empty() {
                last_heard = Instant::now();
            } else if shared.stop.asked() || last_heard.elapsed() > SILENCE {
                return Err(LogError::Ended { doing: "replaying what is kept".to_owned() });
            }
            for slice in &slices {
                if let Some(part) = parts.iter_mut().find(|part| part.is_of(slice)) {
                    part.take(slice, *between);
                }
            }
            for (place, part) in parts.iter_mut().enumerate().filter(|(_, part)| part.is_empty()) {
                part.is_over = reader.is_at_the_end(place);
            }
            if !each(Passing::Nothing) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The partition whose next record was told before those of the others; of equal ones always the same.
    fn first(&mut self) -> Option<&mut Part> {
        let waiting = self.parts.iter_mut().filter(|part| !part.waiting.is_empty());
        waiting.min_by_key(|part| part.waiting.front().map(|first| first.reached))
    }

    /// The next offset of each partition, before anything is told.
    fn stands_at(&self) -> BTreeMap<(&'static str, u32), u64> {
        let next = |part: &Part| part.waiting.front().map_or(part.next, |first| first.offset);
        self.parts.iter().map(|part| ((part.topic.name, part.partition), next(part))).collect()
    }
}

impl Part {
    /// Whether it has to be read before anything else is told.
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.is_over
    }

    fn is_of(&self, slice: &Slice) -> bool {
        self.partition == slice.partition && self.topic.name == slice.topic.name
    }

    fn take(&mut self, slice: &Slice, between: Between) {
        for (offset, record) in slice.records() {
            self.reached = self.reached.max(record.time);
            if self.reached > between.to {
                self.is_over = true;
                return;
            }
            self.next = offset + 1;
            let is_clock = record.headers.get(kind::HEADER) == Some(kind::CLOCK);
            if let Some(value) = record.value.filter(|_| self.reached > between.from && !is_clock) {
                let (key, value, headers) = (record.key.to_vec(), value.to_vec(), record.headers.0.to_vec());
                self.waiting.push_back(Waiting {
                    offset,
                    reached: self.reached,
                    time: record.time,
                    key,
                    value,
                    headers,
                });
            }
        }
        self.next = slice.next;
    }

    /// Tells the first record that waits. Whether more is wanted.
    fn tell(&mut self, each: &mut dyn FnMut(Passing<'_>) -> bool) -> bool {
        let Some(Waiting { offset, reached, time, key, value, headers }) = self.waiting.pop_front() else {
            return true;
        };
        let record = Record { time, key: &key, value: Some(&value), headers: Headers(&headers) };
        let Self { topic, partition, .. } = *self;
        each(Passing::Record { topic, partition, offset, time: reached, record: &record })
    }
}
