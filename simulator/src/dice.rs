//! Chance: a few numbers name a stream, and the stream is the same on every machine.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// What a stream is for: two streams of one block never meet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Time = 1,
    Orders = 2,
    Wallet = 3,
    Balance = 4,
    Mood = 5,
    Weather = 6,
    Twap = 7,
    TornLine = 8,
    Prices = 9,
    Habit = 10,
    Bankroll = 11,
    Faults = 101,
    FaultShapes = 102,
    Repeats = 103,
    SecondNode = 104,
}

pub(crate) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    pub(crate) fn new(seed: u64, stream: Stream, place: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(named(seed, stream, place)))
    }

    pub(crate) fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.any()) * u128::from(end)) >> 64) as u64
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below((most - least + 1) as u64) as i64
    }

    /// Like `below`, with small numbers far more often: the product of two draws.
    pub(crate) fn skewed(&mut self, end: u64) -> u64 {
        let product = (u128::from(self.any()) * u128::from(self.any())) >> 64;
        ((product * u128::from(end)) >> 64) as u64
    }

    pub(crate) fn hash(&mut self) -> [u8; 32] {
        let mut hash = [0; 32];
        for word in hash.chunks_exact_mut(8) {
            word.copy_from_slice(&self.any().to_be_bytes());
        }
        hash
    }

    pub(crate) fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// One number for a stream, where a whole generator would be too much.
pub(crate) fn named(seed: u64, stream: Stream, place: u64) -> u64 {
    mixed(mixed(mixed(seed) ^ stream as u64) ^ place)
}

/// The finaliser of SplitMix64: every bit of the input moves half the bits of the output.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_name() {
        let draw = |seed, stream, place| Dice::new(seed, stream, place).any();
        assert_eq!(draw(7, Stream::Orders, 3), draw(7, Stream::Orders, 3));
        assert_ne!(draw(7, Stream::Orders, 3), draw(8, Stream::Orders, 3));
        assert_ne!(draw(7, Stream::Orders, 3), draw(7, Stream::Time, 3));
        assert_ne!(draw(7, Stream::Orders, 3), draw(7, Stream::Orders, 4));
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut dice = Dice::new(1, Stream::Orders, 1);
        let (mut small, mut largest) = (0, 0);
        for _ in 0..10_000 {
            assert!(dice.below(6) < 6);
            small += usize::from(dice.skewed(9) < 3);
            largest = largest.max(dice.skewed(9));
            assert!((-3..=3).contains(&dice.between(-3, 3)));
        }
        assert!(small > 6_000, "{small} of 10000 in the lowest third");
        assert_eq!(largest, 8);
        assert!(!dice.happens(0));
        assert!(dice.happens(1000));
    }
}
