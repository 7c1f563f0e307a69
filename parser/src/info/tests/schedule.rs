//! Crowds of wallets that are asked for, one after the other: nobody waits for ever, and the important wait less.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::Amount;

use super::super::job::{Job, Kind};
use super::super::schedule::{Next, Schedule};
use super::super::standing::Standing;
use super::{NOW, wallet};

/// Risk in per cent and notional of each wallet.
fn crowd() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let notional = prop_oneof![0i64..50_000, 100_000i64..1_000_000, 1_000_000i64..50_000_000];
    prop::collection::vec((0i64..100, notional), 1..60)
}

fn standing((risk, notional): (i64, i64)) -> Standing {
    Standing::of_account(Amount::from(risk), Amount::from(notional))
}

fn job(number: usize) -> Job {
    Job::Account(wallet(u8::try_from(number).unwrap()), String::new())
}

struct World {
    now: i64,
    schedule: Schedule,
    standings: Vec<Standing>,
    asked: BTreeMap<Job, i64>,
}

impl World {
    fn new(crowd: &[(i64, i64)]) -> Self {
        let standings: Vec<Standing> = crowd.iter().copied().map(standing).collect();
        let mut schedule = Schedule::default();
        for (number, standing) in standings.iter().enumerate() {
            schedule.stand(job(number), *standing, NOW);
        }
        let asked = (0..standings.len()).map(|number| (job(number), NOW)).collect();
        Self { now: NOW, schedule, standings, asked }
    }

    fn age(&self, number: usize) -> i64 {
        self.now - self.asked[&job(number)]
    }

    /// Asks for whoever is next, if anybody is. Nobody as old and more important may be passed over.
    fn ask(&mut self) -> Result<(), TestCaseError> {
        let Next::Now(next) = self.schedule.next(self.now, |_| i64::MIN) else { return Ok(()) };
        let number = (0..self.standings.len()).find(|number| job(*number) == next).unwrap();
        for (other, standing) in self.standings.iter().enumerate() {
            let is_passed_over =
                self.age(other) == self.age(number) && standing.importance > self.standings[number].importance;
            prop_assert!(!is_passed_over, "{other} is as old as {number} and more important");
        }
        self.schedule.begin(&next);
        self.schedule.end(&next, self.now);
        self.asked.insert(next, self.now);
        Ok(())
    }

    /// While somebody waits who is due, another is asked at most once, and again each time that he is as late; his age
    /// then is a part of the waiting one's, so that he comes again after a stretch that grows.
    fn longest_wait(&self, number: usize, shortest: i64, longest: i64, pace: i64) -> f64 {
        let others = |every: i64| self.standings.iter().map(move |_| longest as f64 / every as f64).sum::<f64>();
        let all: f64 = if shortest > 0 {
            others(shortest)
        } else {
            let every = self.standings[number].every as f64;
            self.standings.iter().map(|other| every / other.every as f64).sum()
        };
        let growth = (self.age(number) as f64 / pace as f64).max(1.0).ln();
        longest as f64 + pace as f64 * (self.standings.len() as f64 + 1.0 + growth * all)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nobody_waits_longer_than_the_crowd_explains(crowd in crowd(), pace in 50i64..3_000) {
        let mut world = World::new(&crowd);
        for _ in 0..150 {
            for _ in 0..10 {
                world.now += pace;
                world.ask()?;
            }
            for number in 0..crowd.len() {
                let longest = world.longest_wait(number, 0, world.standings[number].every, pace);
                prop_assert!((world.age(number) as f64) <= longest, "{number} waits for {} ms", world.age(number));
            }
        }
    }

    #[test]
    fn nobody_waits_for_ever_while_all_change(
        crowd in crowd(),
        pace in 50i64..3_000,
        changes in prop::collection::vec((0usize..60, 0i64..100, 0i64..50_000_000), 1..200),
    ) {
        let mut world = World::new(&crowd);
        for (number, risk, notional) in changes {
            let number = number % crowd.len();
            world.standings[number] = standing((risk, notional));
            world.schedule.stand(job(number), world.standings[number], 0);
            for _ in 0..10 {
                world.now += pace;
                world.ask()?;
            }
            for number in 0..crowd.len() {
                prop_assert!((world.age(number) as f64) <= world.longest_wait(number, 5_000, 120_000, pace));
            }
        }
    }
}

#[test]
fn in_a_crowd_that_is_too_large_all_are_late_by_the_same_factor() {
    let crowd: Vec<(i64, i64)> = (0..120).map(|number| if number < 10 { (90, 1_000) } else { (0, 1_000) }).collect();
    let mut world = World::new(&crowd);
    let mut asked = [0; 120];
    for _ in 0..24_000 {
        world.now += 1_000;
        world.ask().unwrap();
        (0..120).filter(|number| world.age(*number) == 0).for_each(|number| asked[number] += 1);
    }
    // Of 24,000 turns ten wallets have 24 shares each, and 110 have one.
    let share = 24_000 / (10 * 24 + 110);
    assert!(asked[..10].iter().all(|asked| (share * 20..share * 25).contains(asked)), "{asked:?}");
    assert!(asked[10..].iter().all(|asked| (share - 10..share + 25).contains(asked)), "{asked:?}");
}

#[test]
fn what_is_asked_of_markets_does_not_wait_for_a_crowd_of_accounts() {
    let mut world = World::new(&[(90, 1_000); 200]);
    let every = 150_000;
    world.schedule.stand(Job::Candles, Standing { every, ..standing((0, 0)) }, NOW);
    let (mut candles, mut accounts) = (Vec::new(), 0);
    for _ in 0..3_600 {
        world.now += 1_000;
        match world.schedule.next(world.now, |_| i64::MIN) {
            Next::Now(Job::Candles) => {
                world.schedule.end(&Job::Candles, world.now);
                candles.push(world.now - NOW);
            }
            Next::Now(_) => {
                world.ask().unwrap();
                accounts += 1;
            }
            next => assert!(world.now < NOW + 5_000, "{next:?}, and accounts are due"),
        }
    }
    assert_eq!(candles, (1..=24).map(|turn| turn * every).collect::<Vec<_>>());
    assert_eq!(accounts, 3_600 - 24 - 4, "every other turn, once they are due");
}

#[test]
fn what_is_under_way_is_not_asked_again_and_what_is_gone_never() {
    let mut schedule = Schedule::default();
    for number in 0..2 {
        schedule.stand(job(number), standing((0, 0)), NOW - 120_000);
    }
    schedule.begin(&job(0));
    assert_eq!(schedule.next(NOW, |_| i64::MIN), Next::Now(job(1)));
    schedule.stand(job(0), standing((90, 0)), 0);
    assert_eq!(schedule.next(NOW, |_| i64::MIN), Next::Now(job(1)), "also when it has become important");
    schedule.remove(&job(1));
    assert_eq!(schedule.next(NOW, |_| i64::MIN), Next::Never);
    schedule.end(&job(0), NOW);
    assert_eq!(schedule.next(NOW, |_| i64::MIN), Next::At(NOW + 5_000));
    let later = |kind| if kind == Kind::Account { NOW + 9_000 } else { 0 };
    assert_eq!(schedule.next(NOW + 6_000, later), Next::At(NOW + 9_000), "its kind is left alone until then");
    schedule.end(&job(1), NOW);
    schedule.remove(&job(0));
    assert_eq!(schedule.next(NOW + 9_000, |_| i64::MIN), Next::Never);
}
