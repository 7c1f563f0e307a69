//! Arbitrary cuts, repetitions and garbage of two streams, arbitrary ends of the reader: each block that any of them has
//! given comes out once, and what is missing is said.

use proptest::prelude::*;
use schemas::SourceStatus::Gap;

use super::tape::{Reader, Vendor};
use crate::node::Layout::{ByBlock, Fills};
use crate::node::tests::market::{Block, START, essences, expected, tape};

#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many blocks in one frame.
    Give(usize),
    /// So many of those that it has given on this connection, once more.
    Again(usize),
    /// Not connected for so many blocks.
    Cut(usize),
    /// A frame that was cut after so many bytes.
    Odd(usize),
    /// The reader ends, and another one begins; both are connected anew, so many blocks later.
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_usize..4).prop_map(Step::Give),
        1 => (1_usize..4).prop_map(Step::Again),
        1 => (0_usize..4).prop_map(Step::Cut),
        1 => (0_usize..400).prop_map(Step::Odd),
        1 => (0_usize..3).prop_map(Step::End),
    ]
}

const BLOCKS: usize = 40;

/// How far a vendor is in the tape; what it has said on this connection, and what anybody has said at all.
struct Play<'a> {
    tape: &'a [Block],
    vendors: Vec<Vendor>,
    at: Vec<usize>,
    since: Vec<usize>,
    given: Vec<bool>,
    reader: Reader,
}

impl<'a> Play<'a> {
    fn new(tape: &'a [Block], mut vendors: Vec<Vendor>) -> Self {
        let reader = Reader::of(&[], &mut vendors, START + 10_000);
        vendors.iter().for_each(Vendor::connect);
        let (at, since, given) = (vec![0; vendors.len()], vec![0; vendors.len()], vec![false; tape.len()]);
        Self { tape, vendors, at, since, given, reader }
    }

    fn go(&mut self, who: usize, step: Step) {
        match step {
            Step::Give(count) => {
                let to = (self.at[who] + count).min(self.tape.len());
                self.vendors[who].give(&self.tape[self.at[who]..to]);
                self.given[self.at[who]..to].fill(true);
                self.at[who] = to;
            }
            Step::Again(count) => {
                let from = self.at[who].saturating_sub(count).max(self.since[who]);
                self.vendors[who].give(&self.tape[from..self.at[who]]);
            }
            Step::Cut(blocks) => {
                self.vendors[who].lose();
                self.vendors[who].connect();
                self.pass(who, blocks);
            }
            Step::Odd(bytes) => {
                let text = format!(r#"{{"data":{}}}"#, self.tape[0].lines(ByBlock, 0).trim());
                self.vendors[who].say(&text.as_bytes()[..bytes.min(text.len() - 1)]);
            }
            Step::End(blocks) => {
                self.settle();
                self.reader.begin_again(&mut self.vendors);
                self.vendors.iter().for_each(Vendor::connect);
                (0..self.vendors.len()).for_each(|who| self.pass(who, blocks));
            }
        }
    }

    /// What waits for others before it, waits no longer.
    fn settle(&mut self) {
        for _ in 0..self.tape.len() {
            self.reader.now += 1_000;
            self.reader.read();
        }
    }

    fn pass(&mut self, who: usize, blocks: usize) {
        self.at[who] = (self.at[who] + blocks).min(self.tape.len());
        self.since[who] = self.at[who];
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn each_numbered_block_that_anybody_gave_comes_out_once_and_the_others_are_holes(
        trades in prop::collection::vec(0_usize..3, BLOCKS),
        steps in prop::collection::vec((0_usize..2, step(), prop::bool::weighted(0.3)), 1..60),
    ) {
        let tape = tape(&trades);
        let mut play = Play::new(&tape, vec![Vendor::new(ByBlock), Vendor::new(ByBlock)]);
        // Something is there to begin with, and to end with.
        play.go(0, Step::Give(1));
        play.reader.read();
        for (who, step, passes) in steps {
            play.go(who, step);
            play.reader.now += if passes { 1_000 } else { 1 };
            play.reader.read();
        }
        play.go(0, Step::Cut(BLOCKS - 1 - play.at[0].min(BLOCKS - 1)));
        play.vendors[0].give(&tape[BLOCKS - 1..]);
        play.given[BLOCKS - 1] = true;
        play.settle();
        let mut all = play.reader.fills.clone();
        all.extend(play.reader.history.clone());
        let there = tape.iter().zip(&play.given).filter(|(_, given)| **given).map(|(block, _)| block);
        prop_assert_eq!(essences(&all), expected(there));
        let missing = play.given.iter().filter(|given| !**given).count() as u64;
        prop_assert_eq!(play.reader.files.cursor().blocks_missed, missing);
        let holes: Vec<_> = play.reader.gaps().iter().map(|gap| gap.from_block.unwrap()..=gap.to_block.unwrap()).collect();
        let is_said = |number: u64| holes.iter().any(|hole| hole.contains(&number));
        prop_assert!((1..).zip(&play.given).all(|(number, given)| *given || is_said(number)), "{holes:?}");
    }

    #[test]
    fn each_fill_without_a_number_comes_out_once_and_what_is_missing_lies_in_a_hole_that_was_said(
        trades in prop::collection::vec(1_usize..3, BLOCKS),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let tape = tape(&trades);
        let mut play = Play::new(&tape, vec![Vendor::new(Fills)]);
        play.go(0, Step::Give(1));
        play.reader.read();
        for step in steps {
            play.go(0, step);
            play.reader.now += 1;
            play.reader.read();
        }
        play.go(0, Step::Cut(0));
        play.go(0, Step::Give(BLOCKS));
        play.reader.read();
        let there = tape.iter().zip(&play.given).filter(|(_, given)| **given).map(|(block, _)| block);
        prop_assert_eq!(essences(&play.reader.fills), expected(there));
        let last = tape.iter().zip(&play.given).filter(|(_, given)| **given).map(|(block, _)| block.time).max().unwrap();
        let said = play.reader.statuses.iter().filter(|said| said.status == Gap);
        let said: Vec<_> = said.map(|gap| gap.from_time.unwrap()..=gap.to_time.unwrap()).collect();
        for (block, given) in tape.iter().zip(&play.given).filter(|(block, _)| block.time < last) {
            prop_assert!(*given || said.iter().any(|hole| hole.contains(&block.time)), "{} not in {said:?}", block.time);
        }
    }
}
