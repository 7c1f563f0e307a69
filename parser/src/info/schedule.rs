//! What is to be asked how often, and when it was asked last → what is to be asked next. Knows no clock.
//!
//! Next is what has waited longest for what it is worth: its age as a multiple of how often it is to be asked. When
//! there is not enough for all, all are late by the same factor: the important are asked more often than the others
//! as before, and nobody waits for ever, for every age grows. The few questions about markets are not among those that
//! wait for the many about accounts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::job::{Job, Kind};
use super::standing::{Importance, Standing};

#[derive(Debug, Default)]
pub struct Schedule {
    /// Who is asked equally often stands in one lane: who was asked first, then the most important.
    lanes: BTreeMap<(Kind, i64), BTreeSet<Turn>>,
    places: BTreeMap<Job, Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    asked: i64,
    importance: Reverse<Importance>,
    job: Job,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    standing: Standing,
    asked: i64,
    is_under_way: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Now(Job),
    At(i64),
    Never,
}

impl Schedule {
    /// What is new in the schedule was asked at `asked`, so to speak; what is not keeps its time.
    pub fn stand(&mut self, job: Job, standing: Standing, asked: i64) {
        let old = self.places.get(&job).copied();
        let place = Place { standing, ..old.unwrap_or(Place { standing, asked, is_under_way: false }) };
        if old.is_some_and(|old| old.standing == standing) {
            return;
        }
        self.leave_lane(&job);
        self.places.insert(job.clone(), place);
        self.join_lane(job);
    }

    pub fn remove(&mut self, job: &Job) {
        self.leave_lane(job);
        self.places.remove(job);
    }

    pub fn holds(&self, job: &Job) -> bool {
        self.places.contains_key(job)
    }

    /// What is due; or when something will be. Nothing of a kind is before the time that `not_before` gives for it.
    pub fn next(&self, now: i64, not_before: impl Fn(Kind) -> i64) -> Next {
        let heads = self.lanes.iter().filter_map(|((kind, every), lane)| Some((*kind, *every, lane.first()?)));
        let (waiting, free): (Vec<_>, Vec<_>) = heads.partition(|(kind, ..)| not_before(*kind) > now);
        let due = free.iter().filter(|(_, every, turn)| turn.asked + every <= now);
        let longest = due.max_by(|(_, every, turn), (_, other_every, other)| {
            let lateness = |turn: &Turn, per: i64| {
                let age = i128::from(now - turn.asked);
                age * i128::from(per) * i128::from(turn.job.kind().urgency())
            };
            // Of equals the first lane goes first.
            lateness(turn, *other_every).cmp(&lateness(other, *every)).then(std::cmp::Ordering::Greater)
        });
        if let Some((.., turn)) = longest {
            return Next::Now(turn.job.clone());
        }
        let due = free.iter().map(|(_, every, turn)| turn.asked + every);
        let waited_for = waiting.iter().map(|(kind, every, turn)| (turn.asked + every).max(not_before(*kind)));
        due.chain(waited_for).min().map_or(Next::Never, Next::At)
    }

    /// It is being asked.
    pub fn begin(&mut self, job: &Job) {
        self.leave_lane(job);
        if let Some(place) = self.places.get_mut(job) {
            place.is_under_way = true;
        }
    }

    /// It has been asked.
    pub fn end(&mut self, job: &Job, asked: i64) {
        self.leave_lane(job);
        if let Some(place) = self.places.get_mut(job) {
            (place.asked, place.is_under_way) = (asked, false);
            self.join_lane(job.clone());
        }
    }

    /// It is due already.
    pub fn hurry(&mut self, job: &Job, now: i64) {
        if let Some(place) = self.places.get(job) {
            self.end(job, now - place.standing.every);
        }
    }

    fn join_lane(&mut self, job: Job) {
        let Some(place) = self.places.get(&job).filter(|place| !place.is_under_way) else { return };
        let (asked, importance) = (place.asked, Reverse(place.standing.importance));
        let lane = self.lanes.entry((job.kind(), place.standing.every)).or_default();
        lane.insert(Turn { asked, importance, job });
    }

    fn leave_lane(&mut self, job: &Job) {
        let Some(Place { standing, asked, .. }) = self.places.get(job) else { return };
        if let Some(lane) = self.lanes.get_mut(&(job.kind(), standing.every)) {
            lane.remove(&Turn { asked: *asked, importance: Reverse(standing.importance), job: job.clone() });
        }
    }
}
