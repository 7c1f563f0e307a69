//! A keyed table that knows which of its entries changed: since the last tick, for what is said once per tick, and
//! since the last commit, because those entries are the changelog.

use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Slot;
use schemas::{Batch, Coin, Interval, PositionSide, Wallet};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What an entry is found by, and how it is written in the changelog.
pub trait TableKey: Clone + Ord + Hash + fmt::Debug {
    fn write(&self, out: &mut Vec<u8>);
    fn read(text: &str) -> Option<Self>;
}

#[derive(Debug)]
pub struct Table<K, V> {
    entries: HashMap<K, Entry<V>, FixedState>,
    tick: u64,
    /// Keys that changed since the last tick.
    touched: Vec<K>,
    /// Keys that changed since the last commit, also those that are gone.
    unsaved: Vec<K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// The tick of the last change: tells after a restart what has still to be said.
    tick: u64,
    saved: bool,
}

impl<K: TableKey, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::with_hasher(FixedState::default()), tick: 0, touched: Vec::new(), unsaved: Vec::new() }
    }
}

impl<K: TableKey, V: Default> Table<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The entry, to be changed; a new one when there is none.
    pub fn change(&mut self, key: &K) -> &mut V {
        let entry = match self.entries.entry(key.clone()) {
            Slot::Occupied(entry) => entry.into_mut(),
            // A tick that has not come yet: nobody has touched it.
            Slot::Vacant(slot) => slot.insert(Entry { value: V::default(), tick: u64::MAX, saved: true }),
        };
        if entry.tick != self.tick {
            entry.tick = self.tick;
            self.touched.push(key.clone());
        }
        if entry.saved {
            entry.saved = false;
            self.unsaved.push(key.clone());
        }
        &mut entry.value
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        if entry.saved {
            self.unsaved.push(key.clone());
        }
        Some(entry.value)
    }

    /// The keys that changed since the last tick, in order.
    pub fn touched(&self) -> Vec<K> {
        let mut keys = self.touched.clone();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Every key, in order.
    pub fn keys(&self) -> Vec<K> {
        self.keys_where(|_, _| true)
    }

    /// The keys of the entries that are so, in order.
    pub fn keys_where(&self, is_so: impl Fn(&K, &V) -> bool) -> Vec<K> {
        let found = self.entries.iter().filter(|(key, entry)| is_so(key, &entry.value));
        let mut keys: Vec<K> = found.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// From here on changes belong to this tick.
    pub(crate) fn begin_tick(&mut self, tick: u64) {
        self.tick = tick;
        self.touched.clear();
    }
}

impl<K: TableKey, V: Default + Serialize + DeserializeOwned> Table<K, V> {
    /// Writes what changed since the last commit: `table|key` with `[tick, value]`, or a tombstone.
    pub(crate) fn save(&mut self, name: &str, changelog: &mut Batch) {
        for key in self.unsaved.drain(..) {
            let write_key = |out: &mut Vec<u8>| {
                out.extend_from_slice(name.as_bytes());
                out.push(b'|');
                key.write(out);
            };
            match self.entries.get_mut(&key) {
                Some(entry) => {
                    entry.saved = true;
                    let written = (entry.tick, &entry.value);
                    changelog.push_with(0, &[], write_key, |out| {
                        let written = written.serialize(&mut serde_json::Serializer::new(out));
                        debug_assert!(written.is_ok(), "an entry of {name} could not be written");
                    });
                }
                None => {
                    let mut bytes = Vec::new();
                    write_key(&mut bytes);
                    changelog.push(0, &bytes, None, &[]);
                }
            }
        }
    }

    /// Puts back one entry of the changelog; `None` when it is not one.
    pub(crate) fn restore(&mut self, key: &str, value: &[u8]) -> Option<()> {
        let key = K::read(key)?;
        let (tick, value) = serde_json::from_slice(value).ok()?;
        self.entries.insert(key, Entry { value, tick, saved: true });
        Some(())
    }

    /// All entries are back: what changed in the running tick has still to be said.
    pub(crate) fn restored(&mut self, tick: u64) {
        self.tick = tick;
        self.touched =
            self.entries.iter().filter(|(_, entry)| entry.tick == tick).map(|(key, _)| key.clone()).collect();
    }
}

impl TableKey for Coin {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

/// One wallet's holding in one coin.
impl TableKey for (Coin, Wallet) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_str().as_bytes());
        out.push(b'|');
        out.extend_from_slice(&self.1.text());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, wallet) = text.rsplit_once('|')?;
        Some((Coin::new(coin), wallet.parse().ok()?))
    }
}

/// One coin's buckets of one interval.
impl TableKey for (Coin, Interval) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_str().as_bytes());
        out.push(b'|');
        out.extend_from_slice(self.1.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, interval) = text.rsplit_once('|')?;
        Some((Coin::new(coin), interval.parse().ok()?))
    }
}

/// One side of a coin.
impl TableKey for (Coin, PositionSide) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_str().as_bytes());
        out.push(b'|');
        out.extend_from_slice(self.1.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, side) = text.rsplit_once('|')?;
        Some((Coin::new(coin), PositionSide::named(side)?))
    }
}
