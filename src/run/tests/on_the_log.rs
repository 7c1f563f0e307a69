//! The real roles, on each log: what they tell is what memory tells, in pieces of any size and wherever they are stopped;
//! on Kafka also when two computers share the work and are killed.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::{GENERATION, Generation, Outbox, topics};

use super::dice::Dice;
use super::facts::facts;
use super::in_memory::block_by_block;
use super::told::{Told, results};
use crate::log::tests::{Place, on_both};
use crate::log::{Log, Start};
use crate::run::Shared;
use crate::run::computer::{self, COIN};
use crate::run::roles::Roles;
use crate::stop::{Stop, Upstream};

const SECONDS: i64 = 40;
const STOPS: usize = 8;
const RATE: u32 = 40;
/// Less than a block of all lanes.
const LITTLE: usize = 4_000;
/// Nothing has come for so long: nothing more will.
const QUIET: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(120);

on_both!(in_one_large_piece_the_same_is_told, in_little_pieces_and_stopped_again_and_again_the_same_is_told,);

fn in_one_large_piece_the_same_is_told(place: &Place) {
    let facts = facts(SECONDS, RATE);
    let mut all = Outbox::new(GENERATION);
    for (topic, partition, batch) in facts.iter().flat_map(Outbox::filled) {
        all.batch(topic, partition).append(batch);
    }
    let log = place.open();
    append(&log, &[all]);
    told_in_the_end(&log, &block_by_block(&facts)).must_be(&block_by_block(&facts), "in one large piece");
}

fn in_little_pieces_and_stopped_again_and_again_the_same_is_told(place: &Place) {
    let facts = facts(SECONDS, RATE);
    let expected = block_by_block(&facts);
    let (mut dice, mut undone) = (Dice(5), 0);
    for some in facts.chunks(facts.len() / STOPS + 1) {
        let log = place.open();
        append(&log, some);
        let before = written(log.as_ref());
        let shared = Shared { chunk_bytes: LITTLE, ..Shared::new(Arc::clone(&log), Stop::new(), false) };
        let roles = start(&shared);
        await_written(log.as_ref(), before + some_of(&expected, STOPS, &mut dice));
        shared.stop.ask();
        roles.wait().unwrap();
        undone += usize::from(is_undone(log.as_ref()));
    }
    assert!(undone * 2 > STOPS, "only {undone} of {STOPS} stops fell between two commits");
    told_in_the_end(&place.open(), &expected).must_be(&expected, "in little pieces");
}

/// Fewer than are told between two stops when all is told.
fn some_of(expected: &Told, stops: usize, dice: &mut Dice) -> u64 {
    1 + dice.below((expected.results(topics::POSITION_CHANGES.name) / stops / 2) as u64)
}

fn await_written(log: &dyn Log, records: u64) {
    let began = Instant::now();
    while written(log) < records {
        assert!(began.elapsed() < PATIENCE, "{} of {records} records", written(log));
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Results of the first stage: with these the others begin.
fn written(log: &dyn Log) -> u64 {
    let topic = &topics::POSITION_CHANGES;
    log.partitions(topic).map(|partition| log.unread(topic, partition, 0).unwrap()).sum()
}

/// Whether there are fills that are not computed yet.
fn is_undone(log: &dyn Log) -> bool {
    let unread = |share| {
        let mut task = COIN.task(log.generation(), share);
        task.goes_on_from(computer::checkpoint(log, &COIN, share).unwrap());
        let fills = task.lanes().filter(|(topic, ..)| *topic == &topics::FILLS);
        fills.map(|(topic, at, next)| log.unread(topic, at, next.unwrap_or_default()).unwrap()).sum::<u64>()
    };
    log.partitions(COIN.state).any(|share| unread(share) > 0)
}

fn append(log: &Arc<dyn Log>, commits: &[Outbox]) {
    let mut writer = Arc::clone(log).writer("facts.0").unwrap();
    for commit in commits {
        // Brokers that are busy give a commit up, whole: it is made again.
        while let Err(error) = writer.commit(commit) {
            assert!(error.again(), "{error}");
            writer = Arc::clone(log).writer("facts.0").unwrap();
        }
    }
}

fn start(shared: &Shared) -> Roles {
    let mut roles = Roles::new(shared);
    computer::start(&mut roles, &Upstream::default());
    roles
}

/// What stands on the log when everything has been computed.
fn told_in_the_end(log: &Arc<dyn Log>, expected: &Told) -> Told {
    let shared = Shared::new(Arc::clone(log), Stop::new(), false);
    let roles = start(&shared);
    let told = told_on(log, expected.records());
    shared.stop.ask();
    roles.wait().unwrap();
    told
}

/// Waits until so many records are there, and for more until it is quiet.
fn told_on(log: &Arc<dyn Log>, records: usize) -> Told {
    let partitions = |topic| log.partitions(topic).map(move |partition| Start { topic, partition, from: None });
    let starts: Vec<Start> = results().into_iter().flat_map(partitions).collect();
    let mut reader = Arc::clone(log).reader(&starts).unwrap();
    let (mut told, began) = (Told::default(), Instant::now());
    loop {
        let slices = reader.read(1024 * 1024, QUIET).unwrap();
        for slice in &slices {
            slice.records().for_each(|(_, record)| told.push(slice.topic, slice.partition, &record));
        }
        if slices.is_empty() && (told.records() >= records || began.elapsed() > PATIENCE) {
            return told;
        }
    }
}

#[test]
#[ignore = "needs Kafka: FATHOM_KAFKA"]
fn two_computers_that_are_killed_tell_the_same_on_kafka() {
    let facts = facts(SECONDS, RATE);
    let place = Place::brokers();
    let Place::Brokers(_, generation) = &place else { unreachable!() };
    let log = place.open();
    let expected = block_by_block(&facts);
    let (mut dice, mut undone) = (Dice(9), 0);
    let mut computers = [Computer::start(*generation), Computer::start(*generation)];
    for some in facts.chunks(facts.len() / KILLS + 1) {
        append(&log, some);
        // Of what was told between two kills the first part alone is waited for: most of it is still to be computed.
        await_written(log.as_ref(), written(log.as_ref()) + some_of(&expected, 4 * KILLS, &mut dice));
        computers[dice.below(2) as usize] = Computer::start(*generation);
        undone += usize::from(is_undone(log.as_ref()));
    }
    assert!(undone * 2 > KILLS, "only {undone} of {KILLS} kills fell between two commits");
    told_on(&log, expected.records()).must_be(&expected, "two computers that were killed");
}

const KILLS: usize = 10;
const ITS_GENERATION: &str = "FATHOM_TEST_GENERATION";

/// In a process of its own, which is killed when nobody needs it any more.
struct Computer(Child);

impl Computer {
    fn start(generation: Generation) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "run::tests::on_the_log::a_computer_of_its_own"]);
        Self(command.env(ITS_GENERATION, generation.number.to_string()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Computer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What [`Computer`] runs.
#[test]
#[ignore = "it is run, and killed, by the test of two computers"]
fn a_computer_of_its_own() {
    let Ok(number) = std::env::var(ITS_GENERATION) else { return };
    let brokers = std::env::var("FATHOM_KAFKA").unwrap();
    let number = number.parse().unwrap();
    let place = Place::Brokers(brokers, Generation { number, facts: number, ..GENERATION });
    let shared = Shared { chunk_bytes: LITTLE, ..Shared::new(place.open(), Stop::new(), false) };
    start(&shared).wait().unwrap();
}
