//! What becomes of generations that are begun, dropped, and cannot be made, on each log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use computer::Rules;
use schemas::{Checkpoint, Dropped, Generations as Known, Kept, Outbox, topics};
use tokio::runtime::Runtime;

use super::dice::Dice;
use crate::failure::Failure;
use crate::log::Log;
use crate::log::tests::{Place, on_both};
use crate::run::Shared;
use crate::run::generations::{self, Generations, Parts, change, known};
use crate::stop::{Stop, Upstream};

on_both!(
    changes_at_the_same_time_are_all_made,
    what_was_dropped_goes_and_everything_else_stays,
    one_that_nobody_is_told_of_fails_alone,
    one_that_is_not_kept_is_not_made,
    it_is_known_by_which_rules_the_first_one_is_made,
);

const PATIENCE: Duration = Duration::from_secs(60);
/// More than are removed at once.
const RECORDS: usize = 1_000;

fn changes_at_the_same_time_are_all_made(place: &Place) {
    let log = place.open();
    let first = known(log.as_ref()).unwrap().latest;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5).for_each(|_| assert!(count_one(&log).unwrap() > first)));
        }
    });
    assert_eq!(known(log.as_ref()).unwrap().latest, first + 20);
}

fn what_was_dropped_goes_and_everything_else_stays(place: &Place) {
    let log = place.open();
    let (first, second) = (log.generation().number, log.generation().number + 1);
    let others = log.of_generation(second).unwrap();
    [&log, &others].into_iter().for_each(write_positions);
    let positions = |log: &Arc<dyn Log>| {
        let mut positions = 0;
        log.last_values(&topics::POSITIONS, 1, &mut |_, _| positions += 1).unwrap();
        positions
    };
    assert_eq!((positions(&log), positions(&others)), (RECORDS, RECORDS));
    kept(&log, &[first], Some(Dropped { number: second, at: 0, is_off_the_log: false, has_no_rows: false }));
    let running = Running::begin(&log, None).unwrap();
    wait_until("it is off the log", || known(log.as_ref()).unwrap().dropped[0].is_off_the_log);
    running.end().unwrap();
    assert_eq!((positions(&log), positions(&log.of_generation(second).unwrap())), (RECORDS, 0));
}

fn one_that_nobody_is_told_of_fails_alone(place: &Place) {
    let log = place.open();
    let (first, second) = (log.generation().number, log.generation().number + 1);
    let other = log.of_generation(second).unwrap();
    let mut out = Outbox::new(other.generation());
    out.batch(&topics::STATE_COIN, 2).push(0, Checkpoint::KEY, Some(b"of a later version"), &[]);
    Arc::clone(&other).writer("test.0").unwrap().commit(&out).unwrap();
    kept(&log, &[first, second], None);
    let running = Running::begin(&log, None).unwrap();
    let mut writer = Arc::clone(&log).writer("facts.0").unwrap();
    for block in super::facts::facts(20, 40) {
        writer.commit(&block).unwrap();
    }
    let told = |log: &Arc<dyn Log>| {
        log.partitions(&topics::POSITIONS).map(|at| log.unread(&topics::POSITIONS, at, 0).unwrap()).sum::<u64>()
    };
    wait_until("the first one is computed", || told(&log) > 100);
    running.end().unwrap();

    tell(&log, second);
    let why = Running::begin(&log, None).and_then(Running::ends_by_itself).unwrap_err().chain();
    assert!(why.contains(" of coin/2 cannot be read"), "{why}");
}

fn one_that_is_not_kept_is_not_made(place: &Place) {
    let log = place.open();
    let number = log.generation().number;
    let why = Running::begin(&log, Some(number + 7)).err().unwrap().chain();
    assert_eq!(why, format!("there is no generation {}; those are {number}", number + 7));
    // One that is dropped meanwhile ends who is there for it alone.
    kept(&log, &[number, number + 1], None);
    let running = Running::begin(&log, Some(number + 1)).unwrap();
    let dropped = Dropped { number: number + 1, at: 0, is_off_the_log: false, has_no_rows: true };
    kept(&log, &[number], Some(dropped));
    running.ends_by_itself().unwrap();
    assert_eq!(known(log.as_ref()).unwrap().dropped, [], "all of it is removed");
}

fn it_is_known_by_which_rules_the_first_one_is_made(place: &Place) {
    let log = place.open();
    let mut dice = Dice(7);
    for _ in 0..2 {
        let rules = Rules { remember_closed_minutes: dice.below(1_000) as u32, ..Rules::default() };
        Running::begin_by(rules, &log, None).unwrap().end().unwrap();
        let known = known(log.as_ref()).unwrap();
        assert_eq!(generations::rules_of(&known.kept[0], Rules::default()), rules);
    }
}

fn count_one(log: &Arc<dyn Log>) -> Result<u32, Failure> {
    change(log, |known| {
        known.latest += 1;
        Ok(known.latest)
    })
}

fn tell(log: &Arc<dyn Log>, number: u32) {
    change(log, |known| {
        known.told = number;
        Ok(())
    })
    .unwrap();
}

fn kept(log: &Arc<dyn Log>, numbers: &[u32], dropped: Option<Dropped>) {
    change(log, |known| {
        let of = |number: &u32| Kept { number: *number, began: None, rules: None, stretch: None };
        let latest = numbers.iter().copied().chain(dropped.map(|dropped| dropped.number)).max().unwrap();
        *known =
            Known { latest, kept: numbers.iter().map(of).collect(), dropped: dropped.into_iter().collect(), ..*known };
        Ok(())
    })
    .unwrap();
}

fn write_positions(log: &Arc<dyn Log>) {
    let mut writer = Arc::clone(log).writer("test.0").unwrap();
    let mut out = Outbox::new(log.generation());
    for record in 0..RECORDS {
        out.batch(&topics::POSITIONS, 1).push(1, format!("{record}").as_bytes(), Some(b"{}"), b"");
        if record % 2 == 1 {
            writer.commit(&out).unwrap();
            out.clear();
        }
    }
}

struct Running {
    stop: Stop,
    thread: std::thread::JoinHandle<Result<(), Failure>>,
    _runtime: Runtime,
}

impl Running {
    fn begin(log: &Arc<dyn Log>, only: Option<u32>) -> Result<Self, Failure> {
        Self::begin_by(Rules::default(), log, only)
    }

    fn begin_by(rules: Rules, log: &Arc<dyn Log>, only: Option<u32>) -> Result<Self, Failure> {
        let shared = Shared { rules, ..Shared::new(Arc::clone(log), Stop::new(), false) };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let parts = Parts { computes: true, keeps_house: false, only, rows: None, context: None };
        let generations = Generations::begin(&shared, parts, &Upstream::default(), runtime.handle());
        let generations = generations.inspect_err(|_| shared.stop.ask())?;
        let thread = std::thread::spawn(move || generations.run());
        Ok(Self { stop: shared.stop, thread, _runtime: runtime })
    }

    fn end(self) -> Result<(), Failure> {
        self.stop.ask();
        self.thread.join().unwrap()
    }

    fn ends_by_itself(self) -> Result<(), Failure> {
        wait_until("it ends", || self.thread.is_finished());
        self.thread.join().unwrap()
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: waited for in vain");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
