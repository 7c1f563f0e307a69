//! Arbitrary faults of two nodes, arbitrary splits of what they write, arbitrary ends of the reader: each block that any
//! of them has comes out once, and the holes that are said are exactly the others.

use proptest::prelude::*;
use schemas::SourceStatus::{Gap, GapHealed};

use super::market::{Block, Node, Reader, essences, expected, tape};
use crate::Layout::ByBlock;

/// What becomes of a block in a node's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Written,
    Withheld,
    Truncated(usize),
    Garbage,
    Twice,
    /// The node has started again, and writes so many blocks again.
    After(usize),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Written),
        1 => Just(Fate::Withheld),
        1 => (1_usize..200).prop_map(Fate::Truncated),
        1 => Just(Fate::Garbage),
        1 => Just(Fate::Twice),
        1 => (1_usize..6).prop_map(Fate::After),
    ]
}

/// The bytes of a node's file, and which blocks can be read of it.
fn written(tape: &[Block], fates: &[Fate], node: u32) -> (Vec<u8>, Vec<bool>) {
    let (mut bytes, mut has) = (Vec::new(), vec![false; tape.len()]);
    for (at, fate) in fates.iter().enumerate() {
        let line = tape[at].lines(ByBlock, node);
        match fate {
            Fate::Withheld => continue,
            Fate::Truncated(length) => {
                let length = (*length).min(line.len() - 2);
                bytes.extend_from_slice(&line.as_bytes()[..length]);
                bytes.push(b'\n');
                continue;
            }
            Fate::Garbage => {
                bytes.extend_from_slice(b"\xff\x00{]\n");
                continue;
            }
            Fate::Twice => bytes.extend_from_slice(line.as_bytes()),
            Fate::After(blocks) => {
                for again in at.saturating_sub(*blocks)..at {
                    bytes.extend_from_slice(tape[again].lines(ByBlock, node).as_bytes());
                    has[again] = true;
                }
            }
            Fate::Written => {}
        }
        bytes.extend_from_slice(line.as_bytes());
        has[at] = true;
    }
    (bytes, has)
}

/// Who writes how many bytes next, whether the clock goes on by a second, whether the reader ends.
type Step = (bool, usize, bool, bool);

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn each_block_that_anybody_has_comes_out_once(
        trades in prop::collection::vec(0_usize..3, 30),
        one in prop::collection::vec(fate(), 30),
        other in prop::collection::vec(fate(), 30),
        steps in prop::collection::vec((any::<bool>(), 1_usize..4_000, prop::bool::weighted(0.1), prop::bool::weighted(0.2)), 1..60),
    ) {
        let tape = tape(&trades);
        // Something is there to begin with, and to end with.
        let (mut one, mut other) = (one, other);
        for fates in [&mut one, &mut other] {
            fates[0] = Fate::Written;
            fates[29] = Fate::Written;
        }
        let (first, had) = written(&tape, &one, 0);
        let (second, had_too) = written(&tape, &other, 1);
        let has: Vec<bool> = had.iter().zip(&had_too).map(|(a, b)| *a || *b).collect();
        let nodes = [Node::new(ByBlock), Node::new(ByBlock)];
        let mut reader = Reader::of(&nodes);
        let mut left = [first.as_slice(), second.as_slice()];
        let end: [Step; 2] = [(false, usize::MAX, false, false), (true, usize::MAX, false, true)];
        for (which, bytes, second_passes, ends) in steps.into_iter().chain(end) {
            let which = usize::from(which);
            let (now, later) = left[which].split_at(bytes.min(left[which].len()));
            nodes[which].append(now);
            left[which] = later;
            reader.now += if second_passes { 1_000 } else { 1 };
            reader.read();
            if ends {
                reader.begin_again();
            }
        }
        reader.now += 5_000;
        reader.read();
        let mut all = reader.fills.clone();
        all.extend(reader.history.clone());
        let there: Vec<&Block> = tape.iter().zip(&has).filter(|(_, has)| **has).map(|(block, _)| block).collect();
        prop_assert_eq!(essences(&all), expected(there.iter().copied()));

        let missing: Vec<u64> = (1..).zip(&has).filter(|(_, has)| !**has).map(|(number, _)| number).collect();
        prop_assert_eq!(reader.files.cursor().blocks_missed, missing.len() as u64);
        let holes = reader.holes(Gap);
        let in_a_hole = |number: &u64| holes.iter().any(|(from, to)| (from..=to).contains(&number));
        prop_assert!(missing.iter().all(in_a_hole), "{missing:?} in {holes:?}");
        let healed = reader.holes(GapHealed);
        let open = holes.iter().filter(|hole| !healed.contains(hole)).flat_map(|(from, to)| *from..=*to);
        let open: Vec<u64> = open.filter(|number| !reader.history.iter().any(|fill| fill["block"] == *number) || missing.contains(number)).collect();
        prop_assert!(missing.iter().all(|number| open.contains(number)));
    }
}
