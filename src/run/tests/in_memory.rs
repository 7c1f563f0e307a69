//! All stages in memory.

use computer::{Rules, Topology};
use schemas::{GENERATION, Outbox};

use super::dice::Dice;
use super::facts::facts;
use super::told::{Told, results};

const SECONDS: i64 = 100;
const RATE: u32 = 40;

/// What is told when each block is computed as it comes, and nothing is ever dropped.
pub fn block_by_block(facts: &[Outbox]) -> Told {
    let (mut topology, mut out) = (Topology::new(GENERATION, Rules::default()), Outbox::new(GENERATION));
    for block in facts {
        topology.append(block);
        topology.go_on(&mut out);
    }
    assert_eq!(topology.set_aside(), []);
    Told::of(&out)
}

#[test]
fn however_facts_come_and_wherever_tasks_are_dropped_the_same_is_told() {
    let facts = facts(SECONDS, RATE);
    let expected = block_by_block(&facts);
    for topic in results().iter().filter(|topic| topic.name != "dead-letters") {
        assert!(expected.results(topic.name) > 0, "the market says too little: nothing of {}", topic.name);
    }
    at_once(&facts).must_be(&expected, "everything at once");
    for seed in 1..=6 {
        by_chance(&facts, seed).must_be(&expected, &format!("by chance, seed {seed}"));
    }
}

fn at_once(facts: &[Outbox]) -> Told {
    let (mut topology, mut out) = (Topology::new(GENERATION, Rules::default()), Outbox::new(GENERATION));
    facts.iter().for_each(|block| topology.append(block));
    topology.go_on(&mut out);
    Told::of(&out)
}

/// Some blocks come, some tasks read some of some lanes; now and then one is dropped, and another one goes on from what
/// it had saved. With an odd seed that happens again and again.
fn by_chance(facts: &[Outbox], seed: u64) -> Told {
    let mut dice = Dice(seed);
    let (mut topology, mut out) = (Topology::new(GENERATION, Rules::default()), Outbox::new(GENERATION));
    let drops_often = if seed % 2 == 1 { 8 } else { 300 };
    let mut rest = facts;
    while !rest.is_empty() {
        let (next, later) = rest.split_at(rest.len().min(1 + dice.below(90) as usize));
        next.iter().for_each(|block| topology.append(block));
        rest = later;
        for _ in 0..dice.below(200) {
            let task = dice.below(topology.tasks().len() as u64) as usize;
            topology.work(task, || dice.below(2_000) as usize / 4, &mut out);
            if dice.below(drops_often) == 0 {
                topology.replace(task, &mut out).unwrap();
            }
        }
    }
    topology.go_on(&mut out);
    assert_eq!(topology.set_aside(), []);
    Told::of(&out)
}
