//! The log on one machine: fjall under the data directory. A commit is one atomic, synced batch; readers in the
//! process are woken, nothing polls.
//!
//! Three keyspaces: `records` holds batches, lz4, by topic, partition and first offset; `latest` the last value of
//! each key of a compacted topic; `extents` how far each partition reaches.

mod log;
mod readers;
pub mod retention;
mod stored;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _};
use schemas::{Batch, Generation, Keeps, Outbox, TOPICS, Topic};
use tracing::trace;

use super::{Extent, LastValues, LogError, Slice};
use readers::Readers;
use stored::{decode_extent, encode_extent, key, latest_parts, offset_of, store, stored_head, unstore, without_first};

/// One generation of it; all of them are in the same storage.
pub struct Embedded {
    storage: Arc<Storage>,
    pub(super) generation: Generation,
    /// In whose name it is read: the tape is one generation's, and read for all.
    reads_for: u32,
}

struct Storage {
    database: Database,
    records: Keyspace,
    latest: Keyspace,
    extents: Keyspace,
    partitions: Mutex<BTreeMap<Place, Extent>>,
    readers: Mutex<Readers>,
    /// Bytes since the storage was last told to write down what it holds.
    unflushed: AtomicU64,
    commits: Mutex<u64>,
    committed: Condvar,
    told: AtomicU32,
}

/// A partition, as the prefix of its keys.
pub(super) type Place = Vec<u8>;

const CACHE_BYTES: u64 = 16 * 1024 * 1024;
const MEMORY_BYTES: u64 = 16 * 1024 * 1024;
const REMOVED_AT_ONCE: usize = 256;
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

impl Embedded {
    pub fn open(folder: &Path, generation: Generation) -> Result<Self, LogError> {
        let failed = |source| LogError::Open { path: folder.to_owned(), source };
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            // One writes down what is in memory while the other one compacts.
            .worker_threads(2)
            .open()
            .map_err(failed)?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(u64::MAX);
        let records = database.keyspace("records", options).map_err(failed)?;
        let latest = database.keyspace("latest", options).map_err(failed)?;
        let extents = database.keyspace("extents", options).map_err(failed)?;
        let mut partitions = BTreeMap::new();
        for entry in extents.iter() {
            let (place, extent) = entry.into_inner().map_err(failed)?;
            partitions.extend(decode_extent(&extent).map(|extent| (place.to_vec(), extent)));
        }
        let (partitions, readers, unflushed) = (Mutex::new(partitions), Mutex::default(), AtomicU64::new(0));
        let (commits, committed) = (Mutex::new(0), Condvar::new());
        let told = AtomicU32::new(generation.number);
        let storage =
            Storage { database, records, latest, extents, partitions, readers, unflushed, commits, committed, told };
        Ok(Self { storage: Arc::new(storage), generation, reads_for: generation.number })
    }

    /// Another generation in the same storage, or the same one for another one's readers.
    pub(super) fn seen_as(&self, generation: Generation, reads_for: u32) -> Self {
        Self { storage: Arc::clone(&self.storage), generation, reads_for }
    }

    pub(super) fn told(&self) -> &AtomicU32 {
        &self.storage.told
    }

    /// Removes what this generation has computed, and who has read it.
    pub(super) fn forget(&self) -> Result<(), LogError> {
        let failed = |source| LogError::Write { source };
        for topic in TOPICS.into_iter().filter(|topic| self.generation.owns(topic)) {
            for partition in 0..self.generation.partitions(topic) {
                let place = self.place(topic, partition);
                self.readers().remove(&place);
                locked(&self.storage.partitions).remove(&place);
                self.storage.extents.remove(place.clone()).map_err(failed)?;
                self.remove_all(&self.storage.records, &place)?;
                self.remove_all(&self.storage.latest, &place)?;
            }
        }
        let read_for = self.reads_for;
        self.readers().values_mut().for_each(|readers| readers.retain(|(number, _), _| *number != read_for));
        Ok(())
    }

    /// A few at a time: whoever commits meanwhile does not wait long, and the storage is told to write down what it holds.
    fn remove_all(&self, keyspace: &Keyspace, place: &Place) -> Result<(), LogError> {
        let failed = |source| LogError::Write { source };
        let mut keys = keyspace.prefix(place).map(|entry| entry.key());
        loop {
            let (mut write, mut bytes) = (self.storage.database.batch(), 0);
            for key in keys.by_ref().take(REMOVED_AT_ONCE) {
                let key = key.map_err(failed)?;
                bytes += key.len() as u64;
                write.remove(keyspace, key);
            }
            if bytes == 0 {
                return Ok(());
            }
            write.commit().map_err(failed)?;
            self.bound_memory(bytes)?;
        }
    }

    /// Appends everything in the outbox, or nothing. When this returns it is on the disk and readers see it.
    pub fn commit(&self, task: &str, out: &Outbox) -> Result<(), LogError> {
        let failed = |source| LogError::Write { source };
        trace!(task, "commit begins");
        let stored: Vec<_> =
            out.filled().map(|(topic, partition, batch)| (topic, partition, batch, store(topic, batch))).collect();
        let mut write = self.storage.database.batch().durability(Some(PersistMode::SyncData));
        // Offsets are given, written and shown under one lock: nobody sees a later one before an earlier one.
        let mut partitions = locked(&self.storage.partitions);
        let mut moved = Vec::with_capacity(stored.len());
        for (topic, partition, batch, bytes) in stored {
            let place = self.place(topic, partition);
            let mut extent = partitions.get(&place).copied().unwrap_or_default();
            if !is_forgotten_whole(topic) {
                self.keep_latest(&mut write, &place, extent.next, batch);
            }
            if let Some(bytes) = bytes {
                extent.bytes += bytes.len() as u64;
                write.insert(&self.storage.records, key(&place, extent.next), bytes);
            }
            extent.next += u64::from(batch.count());
            extent.last_time = extent.last_time.max(batch.last_time());
            write.insert(&self.storage.extents, place.clone(), encode_extent(&extent));
            moved.push((place, extent));
        }
        write.commit().map_err(failed)?;
        partitions.extend(moved);
        drop(partitions);
        self.bound_memory(out.bytes() as u64)?;
        *locked(&self.storage.commits) += 1;
        self.storage.committed.notify_all();
        trace!(task, "commit ends");
        Ok(())
    }

    /// Of one key, the last value of the batch is written: a storage batch must not hold a key twice.
    fn keep_latest(&self, write: &mut fjall::OwnedWriteBatch, place: &Place, base: u64, batch: &Batch) {
        let last: BTreeMap<&[u8], _> =
            batch.records().zip(base..).map(|(record, offset)| (record.key, (record, offset))).collect();
        for (name, (record, offset)) in last {
            let key = [place, name].concat();
            match record.value {
                Some(value) => {
                    let entry = [&offset.to_be_bytes()[..], &record.time.to_be_bytes()[..], value].concat();
                    write.insert(&self.storage.latest, key, entry);
                }
                None => write.remove(&self.storage.latest, key),
            }
        }
    }

    /// Records from an offset on: at least one batch when there is one, and then up to so many bytes.
    pub fn read(&self, topic: &'static Topic, partition: u32, from: u64, max_bytes: usize) -> Result<Slice, LogError> {
        let failed = |source| LogError::Read { topic: topic.name, partition, source };
        let place = self.place(topic, partition);
        loop {
            let extent = self.extent(topic, partition);
            if from < extent.first {
                return self.read_compacted(topic, partition, from, extent.first);
            }
            if from > extent.next {
                return Err(LogError::Ahead { topic, partition, from, next: extent.next });
            }
            let mut slice = Slice::new(topic, partition, from);
            if from == extent.next {
                return Ok(slice);
            }
            let start = self.storage.records.range(key(&place, 0)..=key(&place, from)).next_back();
            let start =
                start.map(|entry| entry.key()).transpose().map_err(failed)?.map_or(key(&place, from), |at| at.to_vec());
            let mut bytes = 0;
            for entry in self.storage.records.range(start..key(&place, extent.next)) {
                let (at, stored) = entry.into_inner().map_err(failed)?;
                let offset = offset_of(&at);
                if offset > slice.next {
                    // Taken away while it was looked for: the extent tells by now.
                    break;
                }
                let damaged = LogError::Damaged { topic: topic.name, partition, offset };
                let batch = unstore(&stored).ok_or(damaged)?;
                let next = offset + u64::from(batch.count());
                bytes += batch.bytes().len();
                match from.saturating_sub(offset) {
                    0 => slice.push(offset, batch),
                    skipped => slice.push(from, without_first(&batch, skipped)),
                }
                debug_assert_eq!(slice.next, next);
                if bytes >= max_bytes {
                    break;
                }
            }
            if !slice.is_empty() {
                return Ok(slice);
            }
            if self.extent(topic, partition).first <= from {
                return Err(LogError::Damaged { topic: topic.name, partition, offset: from });
            }
        }
    }

    /// What compaction has left of the offsets before `until`: the last value of each key that was written there.
    fn read_compacted(&self, topic: &'static Topic, partition: u32, from: u64, until: u64) -> Result<Slice, LogError> {
        let failed = |source| LogError::Read { topic: topic.name, partition, source };
        if is_forgotten_whole(topic) {
            return Err(LogError::OutOfRange { topic, partition, from, first: until });
        }
        let place = self.place(topic, partition);
        let mut kept = Vec::new();
        for entry in self.storage.latest.prefix(&place) {
            let (name, value) = entry.into_inner().map_err(failed)?;
            let (offset, time, value) =
                latest_parts(&value).ok_or(LogError::Damaged { topic: topic.name, partition, offset: from })?;
            if (from..until).contains(&offset) {
                kept.push((offset, time, name[place.len()..].to_vec(), value.to_vec()));
            }
        }
        kept.sort_unstable_by_key(|(offset, ..)| *offset);
        let mut slice = Slice::new(topic, partition, from);
        for (offset, time, name, value) in kept {
            slice.batch_at(offset).push(time, &name, Some(&value), &[]);
        }
        slice.next = until;
        Ok(slice)
    }

    /// The last value of every key of a compacted topic, whatever is written meanwhile.
    pub fn last_values(
        &self,
        topic: &'static Topic,
        partition: u32,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<LastValues, LogError> {
        let failed = |source| LogError::Read { topic: topic.name, partition, source };
        let place = self.place(topic, partition);
        let moment = self.storage.database.snapshot();
        let extent = moment.get(&self.storage.extents, &place).map_err(failed)?;
        let next = extent.and_then(|extent| decode_extent(&extent)).unwrap_or_default().next;
        let mut count = 0;
        for entry in moment.prefix(&self.storage.latest, &place) {
            let (name, value) = entry.into_inner().map_err(failed)?;
            let (_, _, value) =
                latest_parts(&value).ok_or(LogError::Damaged { topic: topic.name, partition, offset: 0 })?;
            each(&name[place.len()..], value);
            count += 1;
        }
        Ok(LastValues { count, next })
    }

    /// The last value of one key.
    pub fn last_value(&self, topic: &'static Topic, partition: u32, name: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        let failed = |source| LogError::Read { topic: topic.name, partition, source };
        let value = self.storage.latest.get([&self.place(topic, partition), name].concat()).map_err(failed)?;
        Ok(value.and_then(|value| latest_parts(&value).map(|(_, _, value)| value.to_vec())))
    }

    /// The first offset whose record is not before `time`; the next one when there is none.
    pub fn offset_at(&self, topic: &'static Topic, partition: u32, time: i64) -> Result<u64, LogError> {
        let failed = |source| LogError::Read { topic: topic.name, partition, source };
        let place = self.place(topic, partition);
        let Extent { first, next, .. } = self.extent(topic, partition);
        // Every batch before `low` ends too early, every batch from `high` on late enough.
        let (mut low, mut high) = (first, next);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(batch) = self.storage.records.range(key(&place, first)..=key(&place, middle)).next_back() else {
                break;
            };
            let (at, stored) = batch.into_inner().map_err(failed)?;
            let damaged = LogError::Damaged { topic: topic.name, partition, offset: middle };
            let (count, last_time) = stored_head(&stored).ok_or(damaged)?;
            match offset_of(&at) {
                base if last_time < time => low = base + u64::from(count),
                base if base <= low => break,
                base => high = base,
            }
        }
        let slice = self.read(topic, partition, low, 1)?;
        let before = slice.records().take_while(|(_, record)| record.time < time).count() as u64;
        Ok(low + before)
    }

    pub fn extent(&self, topic: &Topic, partition: u32) -> Extent {
        locked(&self.storage.partitions).get(&self.place(topic, partition)).copied().unwrap_or_default()
    }

    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The partitions of a topic.
    pub fn partitions(&self, topic: &Topic) -> std::ops::Range<u32> {
        0..self.generation.partitions(topic)
    }

    pub(super) fn readers(&self) -> MutexGuard<'_, Readers> {
        locked(&self.storage.readers)
    }

    /// How many commits there were: what [`Embedded::wait`] waits behind.
    pub fn commits(&self) -> u64 {
        *locked(&self.storage.commits)
    }

    /// Waits until there was a commit after that many, or the time is over.
    pub fn wait(&self, seen: u64, patience: Duration) {
        let commits = locked(&self.storage.commits);
        let waited = self.storage.committed.wait_timeout_while(commits, patience, |commits| *commits == seen);
        drop(waited);
    }

    /// Wakes everyone who waits, so that they see what else has changed.
    pub fn wake(&self) {
        *locked(&self.storage.commits) += 1;
        self.storage.committed.notify_all();
    }

    /// Removes the oldest batches of a partition while `too_old` says so and nobody needs them.
    pub(super) fn remove_oldest(
        &self,
        topic: &'static Topic,
        partition: u32,
        too_old: impl Fn(&Extent, i64) -> bool,
    ) -> Result<u64, LogError> {
        let mut removed = 0;
        loop {
            let round = self.remove_some(topic, partition, &too_old)?;
            removed += round;
            if round == 0 {
                return Ok(removed);
            }
        }
    }

    /// One round of it: few enough that nobody waits long, many enough that the storage is not kept busy.
    fn remove_some(
        &self,
        topic: &'static Topic,
        partition: u32,
        too_old: impl Fn(&Extent, i64) -> bool,
    ) -> Result<u64, LogError> {
        let failed = |source| LogError::Read { topic: topic.name, partition, source };
        let place = self.place(topic, partition);
        let needed = self.needed_from(topic, partition);
        let mut partitions = locked(&self.storage.partitions);
        let mut extent = partitions.get(&place).copied().unwrap_or_default();
        let first = extent.first;
        let mut write = self.storage.database.batch();
        for entry in self.storage.records.range(key(&place, first)..key(&place, extent.next)).take(REMOVED_AT_ONCE) {
            let (at, stored) = entry.into_inner().map_err(failed)?;
            let damaged = LogError::Damaged { topic: topic.name, partition, offset: offset_of(&at) };
            let (count, last_time) = stored_head(&stored).ok_or(damaged)?;
            let next = offset_of(&at) + u64::from(count);
            let is_needed = needed.is_some_and(|needed| next > needed);
            if !too_old(&extent, last_time) || is_needed || next >= extent.next {
                break;
            }
            extent.first = next;
            extent.bytes = extent.bytes.saturating_sub(stored.len() as u64);
            write.remove(&self.storage.records, at);
        }
        if extent.first == first {
            return Ok(0);
        }
        write.insert(&self.storage.extents, place.clone(), encode_extent(&extent));
        write.commit().map_err(|source| LogError::Write { source })?;
        partitions.insert(place, extent);
        Ok(extent.first - first)
    }

    /// Has the storage write down what it holds in memory, every so many bytes. Left to itself it would be told so by
    /// each commit while it is busy, and its one queue of such tellings, once full, stands still for ever.
    fn bound_memory(&self, written: u64) -> Result<(), LogError> {
        let before = self.storage.unflushed.fetch_add(written, Ordering::Relaxed);
        if before + written < MEMORY_BYTES || before >= MEMORY_BYTES {
            return Ok(());
        }
        for keyspace in [&self.storage.records, &self.storage.latest, &self.storage.extents] {
            keyspace.rotate_memtable().map_err(|source| LogError::Write { source })?;
        }
        self.storage.unflushed.store(0, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn place(&self, topic: &Topic, partition: u32) -> Place {
        let mut place = self.generation.name(topic).into_bytes();
        place.push(0);
        place.extend_from_slice(&partition.to_be_bytes());
        place
    }

    /// Bytes on the disk, with everything the storage keeps around them.
    pub fn disk_bytes(&self) -> u64 {
        self.storage.database.disk_space().unwrap_or_default()
    }

    /// Records kept, over all partitions.
    pub fn records_kept(&self, topic: &'static Topic) -> u64 {
        self.partitions(topic)
            .map(|partition| self.extent(topic, partition))
            .map(|extent| extent.next - extent.first)
            .sum()
    }

    pub(super) fn topics(&self) -> &'static [&'static Topic] {
        &TOPICS
    }
}

/// Whether nothing is left of what retention takes away.
fn is_forgotten_whole(topic: &Topic) -> bool {
    matches!(topic.keeps, Keeps::Recent { .. } | Keeps::RecentPerKey { .. })
}

/// A thread that panicked holding the lock has changed nothing: the map is moved only after the storage has.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
