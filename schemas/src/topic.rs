//! What a topic is: its name, what its partition is chosen by, what is kept of it. The generation, the partition
//! count and the hash are part of the contract: an outside client finds the same partition with Kafka's own hash.

use alloc::format;
use alloc::string::String;

/// A named, partitioned sequence of records.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: &'static str,
    /// What the partition is chosen by; `None` is a topic of one partition.
    pub partitioned_by: Option<&'static str>,
    /// The record key, in words.
    pub key: &'static str,
    pub keeps: Keeps,
    pub about: &'static str,
}

/// What stays of a topic.
#[derive(Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Records up to an age and up to a size per partition, whichever is reached first.
    Recent { hours: u32, mib: u64 },
    /// The same, but of each key only the last value counts: a log that can forget the others.
    RecentPerKey { hours: u32, mib: u64 },
    /// The last value of each key; older ones as long as `Recent` would keep them.
    LastPerKey { hours: u32, mib: u64 },
    /// The last value of each key and nothing else: read only to restore.
    State,
}

/// One way of computing everything. Its number is in topic names, groups, transactional ids, rows and cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    pub number: u32,
    pub partitions: u32,
}

/// The generation that is computed.
pub const GENERATION: Generation = Generation { number: 1, partitions: 4 };

impl Generation {
    /// The topic's name on the log.
    pub fn name(self, topic: &Topic) -> String {
        format!("fathom.{}.{}", self.number, topic.name)
    }

    pub fn partitions(self, topic: &Topic) -> u32 {
        if topic.partitioned_by.is_some() { self.partitions } else { 1 }
    }
}

/// The partition of an entity: Kafka's default partitioner.
pub fn partition_of(entity: &[u8], partitions: u32) -> u32 {
    (murmur2(entity) & 0x7fff_ffff) % partitions
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ (data.len() as u32);
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (place, &byte) in rest.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_kafka_s() {
        // The vectors of Kafka's own unit test.
        for (text, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }
}
