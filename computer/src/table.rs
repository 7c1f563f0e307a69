//! A keyed table that knows which of its entries changed: since the last tick, for what is said once per tick, and
//! since the last commit, because those entries are the changelog.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;

use schemas::Batch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entries::Entries;

/// What an entry is found by, and how it is written in the changelog.
pub trait TableKey: Clone + Ord + Hash + fmt::Debug {
    fn write(&self, out: &mut Vec<u8>);
    fn read(text: &str) -> Option<Self>;
}

#[derive(Debug)]
pub struct Table<K, V> {
    entries: Entries<K, Entry<V>>,
    tick: u64,
    /// Keys that changed since the last tick.
    touched: Vec<K>,
    /// Keys that changed since the last commit, also those that are gone.
    unsaved: Vec<K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    stamp: Stamp,
}

/// The tick of an entry's last change, which tells after a restart what has still to be said, and whether it has been
/// saved since: in one number, for there are millions.
#[derive(Debug, Clone, Copy)]
struct Stamp(u64);

impl Stamp {
    /// A tick that has not come yet: nobody has touched it.
    const NEW: Self = Self(u64::MAX);

    fn of(tick: u64, is_saved: bool) -> Self {
        Self(tick << 1 | u64::from(is_saved))
    }

    fn tick(self) -> u64 {
        self.0 >> 1
    }

    fn is_saved(self) -> bool {
        self.0 & 1 == 1
    }
}

impl<K: TableKey, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { entries: Entries::default(), tick: 0, touched: Vec::new(), unsaved: Vec::new() }
    }
}

impl<K: TableKey, V: Default> Table<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The entry, to be changed; a new one when there is none.
    pub fn change(&mut self, key: &K) -> &mut V {
        let entry = self.entries.get_or_insert(key, || Entry { value: V::default(), stamp: Stamp::NEW });
        if entry.stamp.tick() != self.tick {
            self.touched.push(key.clone());
        }
        if entry.stamp.is_saved() {
            self.unsaved.push(key.clone());
        }
        entry.stamp = Stamp::of(self.tick, false);
        &mut entry.value
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        if entry.stamp.is_saved() {
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

    /// Every entry, in the order of the keys.
    pub fn in_order(&self) -> Vec<(&K, &V)> {
        let mut all: Vec<(&K, &V)> = self.entries.iter().map(|(key, entry)| (key, &entry.value)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
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
}

/// What a processor remembers: a table, or a table and more of them: `(A, (B, C))`.
pub(crate) trait State: Default + Send {
    /// From here on changes belong to this tick.
    fn begin_tick(&mut self, tick: u64);
    /// Writes what changed since the last commit, under this name.
    fn save(&mut self, name: &str, changelog: &mut Batch);
    /// Puts back one entry of the changelog; `None` when it is not one of this name.
    fn restore(&mut self, name: &str, key: &str, value: &[u8]) -> Option<()>;
    /// All entries are back: what changed in the running tick has still to be said.
    fn restored(&mut self, tick: u64);
    fn len(&self) -> usize;
}

impl<K, V> State for Table<K, V>
where
    K: TableKey + Send,
    V: Default + Serialize + DeserializeOwned + Send,
{
    fn begin_tick(&mut self, tick: u64) {
        self.tick = tick;
        self.touched.clear();
    }

    /// `name|key` with `[tick, value]`, or a tombstone.
    fn save(&mut self, name: &str, changelog: &mut Batch) {
        for key in self.unsaved.drain(..) {
            let write_key = |out: &mut Vec<u8>| {
                out.extend_from_slice(name.as_bytes());
                out.push(b'|');
                key.write(out);
            };
            match self.entries.get_mut(&key) {
                Some(entry) => {
                    let tick = entry.stamp.tick();
                    entry.stamp = Stamp::of(tick, true);
                    let written = (tick, &entry.value);
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

    fn restore(&mut self, name: &str, key: &str, value: &[u8]) -> Option<()> {
        let key = K::read(key.strip_prefix(name)?.strip_prefix('|')?)?;
        let (tick, value) = serde_json::from_slice(value).ok()?;
        self.entries.insert(key, Entry { value, stamp: Stamp::of(tick, true) });
        Some(())
    }

    fn restored(&mut self, tick: u64) {
        self.tick = tick;
        let touched = self.entries.iter().filter(|(_, entry)| entry.stamp.tick() == tick);
        self.touched = touched.map(|(key, _)| key.clone()).collect();
    }

    fn len(&self) -> usize {
        self.entries.len()
    }
}

/// The second one is saved under the name with a stroke.
/// Pairs nest to the right: so each table has a name of its own.
impl<K, V, B> State for (Table<K, V>, B)
where
    K: TableKey + Send,
    V: Default + Serialize + DeserializeOwned + Send,
    B: State,
{
    fn begin_tick(&mut self, tick: u64) {
        self.0.begin_tick(tick);
        self.1.begin_tick(tick);
    }

    fn save(&mut self, name: &str, changelog: &mut Batch) {
        self.0.save(name, changelog);
        self.1.save(&second(name), changelog);
    }

    fn restore(&mut self, name: &str, key: &str, value: &[u8]) -> Option<()> {
        self.0.restore(name, key, value).or_else(|| self.1.restore(&second(name), key, value))
    }

    fn restored(&mut self, tick: u64) {
        self.0.restored(tick);
        self.1.restored(tick);
    }

    fn len(&self) -> usize {
        self.0.len() + self.1.len()
    }
}

fn second(name: &str) -> String {
    [name, "'"].concat()
}
