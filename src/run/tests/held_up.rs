//! Who waits for whom on the embedded log: whoever writes for its own slow readers, and for nobody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::computer::{Definition, MARKET};
use schemas::{GENERATION, Outbox, ResultClock, Topic, topics};

use crate::log::Log;
use crate::log::tests::{Place, noise};
use crate::run::roles::Roles;
use crate::run::{Shared, computer};
use crate::stop::{Stop, Upstream};

#[test]
fn a_task_waits_for_who_reads_what_it_writes_and_others_of_its_stage_go_on() {
    let place = Place::folder();
    let log = place.open();
    // 512 MiB over sixteen partitions: 32 MiB each, of which half may be unread. The first is of the first coins.
    fill(&log, &topics::POSITION_CHANGES, 17);
    log.done("wallet", &topics::POSITION_CHANGES, 0, 0);
    tell_the_time(&log, &topics::FILLS);
    let roles = Running::start(&log, &computer::COIN);
    await_that("other coins are computed", || (1..4).all(|coins| has_gone_on(&log, &computer::COIN, coins)));
    assert!(!has_gone_on(&log, &computer::COIN, 0), "it writes though nobody reads");
    log.done("wallet", &topics::POSITION_CHANGES, 0, 17);
    await_that("the first coins too", || has_gone_on(&log, &computer::COIN, 0));
    roles.end();
}

#[test]
fn a_task_that_is_behind_itself_goes_on() {
    let place = Place::folder();
    let log = place.open();
    // 256 MiB over sixteen partitions: 16 MiB each.
    fill(&log, &topics::POSITION_RISKS, 9);
    tell_the_time(&log, &topics::POSITION_RISKS);
    log.done("market", &topics::POSITION_RISKS, 0, 0);
    assert!(log.is_held_up(&topics::POSITION_RISKS, 0));
    let roles = Running::start(&log, &MARKET);
    await_that("all has been computed", || has_gone_on(&log, &MARKET, 0));
    roles.end();
}

#[test]
fn what_joins_beside_the_clocks_is_not_kept_for_who_waits_for_them_and_it_is_told_how_far_that_is() {
    let place = Place::folder();
    let log = place.open();
    // 32 MiB over four partitions: 8 MiB each.
    fill(&log, &topics::EXCHANGE_CANDLES, 12);
    computer::announce(log.as_ref()).unwrap();
    let told = || log.progress("coin", &topics::EXCHANGE_CANDLES, 0).unwrap();
    assert_eq!(told(), Some(0));
    assert!(!log.is_held_up(&topics::EXCHANGE_CANDLES, 0));
    log.keep_house().unwrap();
    let first = log.extent(&topics::EXCHANGE_CANDLES, 0).unwrap().first;
    assert!(first > 0, "it is kept for a stage that has not begun");
    let roles = Running::start(&log, &computer::COIN);
    await_that("it goes on from the oldest", || told() == Some(first));
    roles.end();
}

fn fill(log: &Arc<dyn Log>, topic: &'static Topic, mib: u64) {
    let mut writer = Arc::clone(log).writer("noise.0").unwrap();
    (0..mib).for_each(|seed| writer.commit(&noise(topic, 0, seed)).unwrap());
}

fn tell_the_time(log: &Arc<dyn Log>, topic: &'static Topic) {
    let mut out = Outbox::new(GENERATION);
    let clock = ResultClock { time: 1_000, block: 1, since_time: 1_000, since_block: 1 };
    log.partitions(topic).for_each(|partition| out.send_clock(topic, partition, &clock));
    Arc::clone(log).writer("time.0").unwrap().commit(&out).unwrap();
}

fn has_gone_on(log: &Arc<dyn Log>, stage: &Definition, share: u32) -> bool {
    computer::checkpoint(log.as_ref(), stage, share).unwrap().clock > 0
}

fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}: never");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// One stage at work.
struct Running {
    shared: Shared,
    roles: Roles,
}

impl Running {
    fn start(log: &Arc<dyn Log>, stage: &'static Definition) -> Self {
        let shared = Shared::new(Arc::clone(log), Stop::new(), false);
        let mut roles = Roles::new(&shared);
        roles.start(stage.name, &Upstream::default(), move |shared| computer::run(shared, stage, &Upstream::default()));
        Self { shared, roles }
    }

    fn end(self) {
        self.shared.stop.ask();
        self.roles.wait().unwrap();
    }
}
