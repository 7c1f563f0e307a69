//! An exchange that counts, and a process that is killed: in no minute is more counted than is allowed.

use proptest::prelude::*;

use super::super::spending::{Refusal, Spending, SpendingRecord};
use super::NOW;

const LIMIT: u32 = 1_200;
const DEAREST: u32 = 120;

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    /// As long as somebody who wants this price is told to.
    WaitFor {
        price: u32,
    },
    /// So many questions of this price are asked, as far as they may be.
    Ask {
        count: usize,
        price: u32,
        at_once: bool,
    },
    /// So many are answered; it costs so many per cent of what was reserved, and was counted after so many per cent
    /// of the time that it took.
    Answer {
        count: usize,
        price: u32,
        counted: i64,
    },
    /// One was counted, and no reply has come.
    Lose {
        counted: i64,
    },
    Refuse,
    Draw,
    Commit,
    Record,
    /// The process is killed, perhaps after it has committed a record and before it knows; another begins after a
    /// while. What was under way is counted, all of it or a part.
    Kill {
        is_committed: bool,
        counted: i64,
        price: u32,
        away: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let percent = 0i64..=100;
    let price = prop_oneof![Just(2u32), Just(20), Just(120)];
    prop_oneof![
        3 => prop_oneof![1i64..2_000, 1_000i64..30_000].prop_map(Step::Wait),
        4 => price.clone().prop_map(|price| Step::WaitFor { price }),
        8 => (1usize..80, price, any::<bool>()).prop_map(|(count, price, at_once)| Step::Ask { count, price, at_once }),
        6 => (1usize..100, 1u32..=100, percent.clone()).prop_map(|(count, price, counted)| Step::Answer { count, price, counted }),
        1 => percent.clone().prop_map(|counted| Step::Lose { counted }),
        1 => Just(Step::Refuse),
        2 => Just(Step::Draw),
        2 => Just(Step::Commit),
        6 => Just(Step::Record),
        2 => (any::<bool>(), percent, 1u32..=100, 0i64..5_000)
            .prop_map(|(is_committed, counted, price, away)| Step::Kill { is_committed, counted, price, away }),
    ]
}

struct World {
    now: i64,
    spending: Spending,
    /// Price and time of what is under way.
    under_way: Vec<(u32, i64)>,
    drawn: Option<SpendingRecord>,
    committed: SpendingRecord,
    /// What the exchange has counted.
    counted: Vec<(i64, u32)>,
}

fn beginning(record: &SpendingRecord, now: i64) -> Spending {
    let mut spending = Spending::per_minute(LIMIT, DEAREST);
    spending.restore(record, now);
    spending.begin_recording();
    spending
}

impl World {
    fn new() -> Self {
        let (under_way, counted) = Default::default();
        let committed = SpendingRecord::default();
        let spending = beginning(&committed, NOW);
        Self { now: NOW, spending, under_way, drawn: None, committed, counted }
    }

    fn ask(&mut self, price: u32, at_once: bool) {
        if self.spending.reserve(price, at_once, self.now).is_ok() {
            self.under_way.push((price, self.now));
        }
    }

    fn wait_for(&mut self, price: u32) {
        match self.spending.reserve(price, true, self.now) {
            Ok(()) => self.under_way.push((price, self.now)),
            Err(Refusal::Until(time)) => self.now = time,
            Err(Refusal::Unanswered | Refusal::Unrecorded) => {}
        }
    }

    fn count(&mut self, reserved: u32, at: i64, price: u32, counted: i64) -> u32 {
        let price = (reserved * price).div_ceil(100);
        self.counted.push((at + (self.now - at) * counted / 100, price));
        price
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(time) => self.now += time,
            Step::WaitFor { price } => self.wait_for(price),
            Step::Ask { count, price, at_once } => (0..count).for_each(|_| self.ask(price, at_once)),
            Step::Answer { count, price, counted } => {
                for (reserved, at) in self.under_way.drain(..count.min(self.under_way.len())).collect::<Vec<_>>() {
                    let price = self.count(reserved, at, price, counted);
                    self.spending.settle(reserved, price, self.now);
                    self.spending.confirm_open(at);
                }
            }
            Step::Lose { counted } => {
                if let Some((reserved, at)) = self.under_way.pop() {
                    self.count(reserved, at, 100, counted);
                    self.spending.settle(reserved, reserved, self.now);
                }
            }
            Step::Refuse => {
                if let Some((reserved, at)) = self.under_way.pop() {
                    self.count(reserved, at, 100, 100);
                    self.spending.settle(reserved, reserved, self.now);
                    self.spending.close(at, self.now);
                }
            }
            Step::Draw => self.drawn = Some(self.spending.draw_record(self.now)),
            Step::Commit => {
                if let Some(drawn) = &self.drawn {
                    self.committed = drawn.clone();
                    self.spending.commit_record();
                }
            }
            Step::Record => [Step::Draw, Step::Commit].iter().for_each(|step| self.step(step)),
            Step::Kill { is_committed, counted, price, away } => self.kill(is_committed, counted, price, away),
        }
    }

    fn kill(&mut self, is_committed: bool, counted: i64, price: u32, away: i64) {
        for (reserved, at) in std::mem::take(&mut self.under_way) {
            self.count(reserved, at, price, counted);
        }
        if let Some(drawn) = self.drawn.take().filter(|_| is_committed) {
            self.committed = drawn;
        }
        self.now += away;
        self.spending = beginning(&self.committed, self.now);
    }

    /// What was counted in the worst minute.
    fn worst(&self) -> u32 {
        let in_minute = |from: i64| {
            let counted = self.counted.iter().filter(move |(time, _)| (from..=from + 60_000).contains(time));
            counted.map(|(_, price)| price).sum()
        };
        self.counted.iter().map(|(time, _)| in_minute(*time)).max().unwrap_or_default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn in_no_minute_is_more_counted_than_is_allowed(steps in prop::collection::vec(step(), 1..300)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        prop_assert!(world.worst() <= LIMIT, "{} were counted in a minute", world.worst());
    }
}

/// A process that asks for accounts as often as it may, and is answered and commits after a while.
fn ten_minutes(mut world: World) -> World {
    for _ in 0..6_000 {
        (0..8).for_each(|_| world.ask(2, false));
        let steps = [Step::Wait(100), Step::Answer { count: 100, price: 100, counted: 50 }, Step::Draw, Step::Commit];
        steps.iter().for_each(|step| world.step(step));
    }
    world
}

#[test]
fn what_is_allowed_is_used_and_not_all_of_it_at_the_beginning_of_a_minute() {
    let mut world = World::new();
    world.step(&Step::Record);
    let world = ten_minutes(world);
    let spent: u32 = world.counted.iter().map(|(_, price)| price).sum();
    assert!(spent > 10 * LIMIT * 19 / 20, "only {spent} were spent");
    let in_three_seconds = |from: i64| {
        let counted = world.counted.iter().filter(move |(time, _)| (from..from + 3_000).contains(time));
        counted.map(|(_, price)| price).sum::<u32>()
    };
    let silent = (NOW..NOW + 590_000).step_by(1_000).filter(|from| in_three_seconds(*from) == 0).count();
    assert_eq!(silent, 0, "for three seconds nothing was asked");
}

#[test]
fn who_begins_again_has_most_of_what_is_left() {
    let mut world = World::new();
    world.step(&Step::Record);
    (0..50).for_each(|_| world.ask(2, true));
    [Step::Answer { count: 50, price: 100, counted: 0 }, Step::Draw, Step::Commit]
        .iter()
        .for_each(|step| world.step(step));
    world.kill(false, 0, 100, 1_000);
    assert_eq!(world.spending.spent_in_last_minute(world.now), 100 + LIMIT / 5);
    assert_eq!(world.spending.reserve(2, true, world.now), Err(Refusal::Unrecorded), "before the first record");
}

#[test]
fn each_refusal_in_a_row_closes_for_longer_and_an_answer_ends_the_row() {
    let mut spending = Spending::per_minute(LIMIT, DEAREST);
    let (mut now, mut pauses) = (NOW, Vec::new());
    for is_refused in [true, true, true, true, true, true, false, true] {
        spending.reserve(2, true, now).unwrap();
        let at = now;
        now += 100;
        spending.settle(2, 2, now);
        if !is_refused {
            spending.confirm_open(at);
            continue;
        }
        // Two that were under way together.
        spending.close(at, now);
        spending.close(at, now + 50);
        let Err(Refusal::Until(until)) = spending.reserve(2, true, now) else { panic!("it is open") };
        pauses.push((until - now) / 60_000);
        now = until;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 10, 10, 1]);
}

#[test]
fn a_clock_that_was_set_back_does_not_close_for_ever() {
    let record = SpendingRecord {
        spent: vec![(NOW + 3_600_000, LIMIT)],
        closed_until: NOW + 86_400_000,
        pause: 60_000,
        ..SpendingRecord::default()
    };
    let mut spending = beginning(&record, NOW);
    spending.draw_record(NOW);
    spending.commit_record();
    assert_eq!(spending.reserve(2, true, NOW), Err(Refusal::Until(NOW + 600_000)));
    assert_eq!(spending.reserve(2, true, NOW + 600_000), Ok(()));
}
