//! Entries by their keys, one beside the other: an index of small numbers, and pieces in which the entries stand. So a
//! million of them take hardly more room than they are large, and none of them is moved when there are more.

use alloc::vec::Vec;
use core::hash::{BuildHasher as _, Hash};
use core::mem;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

#[derive(Debug)]
pub struct Entries<K, E> {
    /// Where each of them stands.
    places: HashTable<u32>,
    /// All of them full but the last.
    pieces: Vec<Vec<(K, E)>>,
    hasher: FixedState,
}

const PIECE: usize = 1_024;

impl<K, E> Default for Entries<K, E> {
    fn default() -> Self {
        Self { places: HashTable::new(), pieces: Vec::new(), hasher: FixedState::default() }
    }
}

impl<K: Eq + Hash, E> Entries<K, E> {
    pub fn get(&self, key: &K) -> Option<&E> {
        let place = self.place_of(self.hasher.hash_one(key), key)?;
        Some(&at(&self.pieces, place).1)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut E> {
        let place = self.place_of(self.hasher.hash_one(key), key)?;
        Some(&mut at_mut(&mut self.pieces, place).1)
    }

    /// The entry of a key; where there is none, a new one.
    pub fn get_or_insert(&mut self, key: &K, new: impl FnOnce() -> E) -> &mut E
    where
        K: Clone,
    {
        let hash = self.hasher.hash_one(key);
        let place = self.place_of(hash, key).unwrap_or_else(|| self.push(hash, key.clone(), new()));
        &mut at_mut(&mut self.pieces, place).1
    }

    pub fn insert(&mut self, key: K, entry: E) {
        let hash = self.hasher.hash_one(&key);
        match self.place_of(hash, &key) {
            Some(place) => at_mut(&mut self.pieces, place).1 = entry,
            None => _ = self.push(hash, key, entry),
        }
    }

    /// Takes it out; the last one goes in its place.
    pub fn remove(&mut self, key: &K) -> Option<E> {
        let Self { places, pieces, hasher } = self;
        let found = places.find_entry(hasher.hash_one(key), |place| at(pieces, *place).0 == *key);
        let (place, _) = found.ok()?.remove();
        let last = places.len() as u32;
        let moved = pieces.last_mut()?.pop()?;
        pieces.pop_if(|piece| piece.is_empty());
        if place == last {
            return Some(moved.1);
        }
        if let Some(its) = places.find_mut(hasher.hash_one(&moved.0), |its| *its == last) {
            *its = place;
        }
        let (_, entry) = mem::replace(at_mut(pieces, place), moved);
        Some(entry)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &E)> {
        self.pieces.iter().flatten().map(|(key, entry)| (key, entry))
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    fn place_of(&self, hash: u64, key: &K) -> Option<u32> {
        self.places.find(hash, |place| at(&self.pieces, *place).0 == *key).copied()
    }

    fn push(&mut self, hash: u64, key: K, entry: E) -> u32 {
        let Self { places, pieces, hasher } = self;
        let place = places.len() as u32;
        match pieces.last_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => piece.push((key, entry)),
            None => pieces.push(Vec::from([(key, entry)])),
        }
        places.insert_unique(hash, place, |place| hasher.hash_one(&at(pieces, *place).0));
        place
    }
}

fn at<T>(pieces: &[Vec<T>], place: u32) -> &T {
    &pieces[place as usize / PIECE][place as usize % PIECE]
}

fn at_mut<T>(pieces: &mut [Vec<T>], place: u32) -> &mut T {
    &mut pieces[place as usize / PIECE][place as usize % PIECE]
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Enough keys for more than one piece.
        #[test]
        fn they_are_those_of_a_map(steps in prop::collection::vec((0_u32..2_500, 0_u8..4), 1..6_000)) {
            let (mut entries, mut map) = (Entries::default(), BTreeMap::new());
            for (number, (key, what)) in steps.into_iter().enumerate() {
                match what {
                    0 => prop_assert_eq!(entries.remove(&key), map.remove(&key)),
                    1 => {
                        entries.insert(key, number);
                        map.insert(key, number);
                    }
                    _ => prop_assert_eq!(entries.get_or_insert(&key, || number), map.entry(key).or_insert(number)),
                }
                prop_assert_eq!((entries.get(&key), entries.len()), (map.get(&key), map.len()));
            }
            for (key, number) in &mut map {
                prop_assert_eq!(entries.get_mut(key), Some(number));
            }
            let mut all: Vec<(&u32, &usize)> = entries.iter().collect();
            all.sort_unstable();
            prop_assert_eq!(all, map.iter().collect::<Vec<_>>());
        }
    }
}
