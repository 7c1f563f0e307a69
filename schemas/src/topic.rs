//! What a topic is: its name, what its partition is chosen by, what is kept of it. The generation, the partition
//! count and the hash are part of the contract: an outside client finds the same partition with Kafka's own hash.

use alloc::format;
use alloc::string::String;

/// A named, partitioned sequence of records.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: &'static str,
    pub belongs: Belongs,
    /// What a value is, as JSON Schema.
    pub schema: &'static str,
    /// What the partition is chosen by; nothing is a topic of one partition. By two, it is the first one's times their
    /// count plus the second one's: what tasks of the first write and tasks of the second read, so that of a partition
    /// there is one writer and one reader.
    pub partitioned_by: &'static [Entity],
    /// The record key, in words.
    pub key: &'static str,
    pub keeps: Keeps,
    pub about: &'static str,
}

/// Whose records are in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// What sources and people have told: every generation stands on the same.
    Facts,
    /// What a generation has put in order or computed: each has its own.
    Generation,
}

/// What work is shared out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    Coin,
    Wallet,
}

impl Entity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Coin => "coin",
            Self::Wallet => "wallet",
        }
    }
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
    /// The number of the generation in whose names the facts are that it stands on.
    pub facts: u32,
    pub partitions: u32,
}

/// The generation that sources write for, and that is computed where no other one was made of it.
pub const GENERATION: Generation = Generation { number: 1, facts: 1, partitions: 4 };

impl Generation {
    /// Another one, of the same facts.
    pub fn other(self, number: u32) -> Self {
        Self { number, ..self }
    }

    /// The one whose facts it stands on.
    pub fn of_the_facts(self) -> Self {
        self.other(self.facts)
    }

    /// The topic's name on the log.
    pub fn name(self, topic: &Topic) -> String {
        let number = match topic.belongs {
            Belongs::Facts => self.facts,
            Belongs::Generation => self.number,
        };
        format!("fathom.{number}.{}", topic.name)
    }

    /// Whether nobody else has these records: the tape is that of all generations, whoever's name it has.
    pub fn owns(self, topic: &Topic) -> bool {
        topic.belongs == Belongs::Generation
            && (self.number != self.facts || !core::ptr::eq(topic, &crate::fills::TOPIC))
    }

    pub fn partitions(self, topic: &Topic) -> u32 {
        topic.partitioned_by.iter().map(|_| self.partitions).product()
    }

    /// The partitions of a topic that concern one share of the work: all of them, when it is not partitioned by that, or
    /// when the work is not shared out.
    pub fn share(self, topic: &Topic, by: Option<Entity>, task: u32) -> impl Iterator<Item = u32> {
        let place = topic.partitioned_by.iter().rev().position(|entity| Some(*entity) == by);
        let unit = place.map(|place| (0..place).map(|_| self.partitions).product::<u32>());
        (0..self.partitions(topic))
            .filter(move |partition| unit.is_none_or(|unit| partition / unit % self.partitions == task))
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
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn of_each_partition_there_is_one_writer_and_one_reader() {
        let by = |partitioned_by| Topic {
            name: "",
            belongs: Belongs::Facts,
            schema: "",
            partitioned_by,
            key: "",
            keeps: Keeps::State,
            about: "",
        };
        let generation = Generation { number: 1, facts: 1, partitions: 3 };
        let share = |topic: &Topic, entity, task| generation.share(topic, entity, task).collect::<Vec<_>>();
        let both = by(&[Entity::Coin, Entity::Wallet]);
        assert_eq!(generation.partitions(&both), 9);
        assert_eq!(share(&both, Some(Entity::Coin), 1), [3, 4, 5], "what the second one writes");
        assert_eq!(share(&both, Some(Entity::Wallet), 1), [1, 4, 7], "what the second one reads");
        assert_eq!(share(&by(&[Entity::Coin]), Some(Entity::Coin), 2), [2]);
        assert_eq!(share(&by(&[Entity::Coin]), Some(Entity::Wallet), 2), [0, 1, 2]);
        assert_eq!(share(&by(&[]), Some(Entity::Wallet), 2), [0]);
        assert_eq!(share(&by(&[Entity::Wallet]), None, 0), [0, 1, 2], "what the only task reads");
        assert_eq!(share(&by(&[]), None, 0), [0], "what the only task writes");
    }

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
