//! What was asked of the exchange, and when → whether more may be asked now. Knows no clock.
//!
//! A question is paid for at its highest price before it is sent. As long as it is under way it does not age; when its
//! reply has come, its true price counts for a minute from then on. So it does not matter when in between the exchange
//! counted it: whatever was counted in the minute before a question that is sent now is counted here too.
//!
//! A process may be killed between any two instructions. Therefore a record says in advance what may be spent until
//! the next one is committed, and no more than that is spent before. Who goes on behind it takes all of this for
//! spent at the last moment it can have been: when it begins itself.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::pace::Pace;

#[derive(Debug)]
pub struct Spending {
    limit: u32,
    /// What a record says in advance.
    advance: u32,
    /// When a question was answered, to the next full second, and its price; in order.
    settled: VecDeque<(i64, u32)>,
    /// Highest prices of what is under way.
    pending: u32,
    closed_until: i64,
    pause: i64,
    pace: Pace,
    recording: Option<Recording>,
}

/// What was reserved since the latest record was drawn up, and since the latest that is committed was.
#[derive(Debug, Clone, Copy)]
struct Recording {
    since_drawn: Option<u32>,
    since_committed: u32,
}

/// What the next process has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendingRecord {
    pub spent: Vec<(i64, u32)>,
    /// What was under way, and what may be spent until the next record.
    #[serde(default)]
    pub open: u32,
    #[serde(default)]
    pub closed_until: i64,
    #[serde(default)]
    pub pause: i64,
}

/// Why not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not before this time.
    Until(i64),
    /// Not before something that is under way has been answered.
    Unanswered,
    /// Not before another record is committed.
    Unrecorded,
}

const MINUTE_MS: i64 = 60_000;
/// Such a part of a minute's worth is spent before the next record is needed, and is lost at a restart.
const ADVANCES: u32 = 5;
/// After a refusal nothing is asked until everything that the exchange can have counted is a minute old, and longer
/// each time that was not enough: others may be spending on the same address.
const FIRST_PAUSE_MS: i64 = MINUTE_MS;
const LONGEST_PAUSE_MS: i64 = 10 * MINUTE_MS;

impl Spending {
    /// `dearest` is the highest price there is: a limit below it would never let that pass.
    pub fn per_minute(limit: u32, dearest: u32) -> Self {
        let (limit, advance) = (limit.max(dearest), (limit / ADVANCES).max(dearest));
        let (settled, pending, closed_until, pause) = Default::default();
        let (pace, recording) = (Pace::per_minute(limit), None);
        Self { limit, advance, settled, pending, closed_until, pause, pace, recording }
    }

    /// Takes the price away, if it may be spent now. `at_once`: without regard to the pace, which is there so that a
    /// minute's worth is not spent at its beginning.
    pub fn reserve(&mut self, price: u32, at_once: bool, now: i64) -> Result<(), Refusal> {
        self.forget(now);
        if now < self.closed_until {
            return Err(Refusal::Until(self.closed_until));
        }
        if self.recording.is_some_and(|recording| recording.since_committed + price > self.advance) {
            return Err(Refusal::Unrecorded);
        }
        let mut possible = self.fits_at(price, now)?;
        if !at_once {
            possible = possible.max(self.pace.possible_at(now));
        }
        if possible > now {
            return Err(Refusal::Until(possible));
        }
        if !at_once {
            self.pace.spend(price);
        }
        self.pending += price;
        if let Some(recording) = &mut self.recording {
            recording.since_drawn = recording.since_drawn.map(|reserved| reserved + price);
            recording.since_committed += price;
        }
        Ok(())
    }

    /// When the price fits into a minute together with what is in it already.
    fn fits_at(&self, price: u32, now: i64) -> Result<i64, Refusal> {
        let mut spent = self.pending + self.settled.iter().map(|(_, price)| price).sum::<u32>();
        if spent + price <= self.limit {
            return Ok(now);
        }
        for (time, old) in &self.settled {
            spent -= old;
            if spent + price <= self.limit {
                return Ok(time + MINUTE_MS + 1);
            }
        }
        Err(Refusal::Unanswered)
    }

    /// What was reserved has been answered, or given up: then `price` is what it may have cost.
    pub fn settle(&mut self, reserved: u32, price: u32, now: i64) {
        self.pending -= reserved;
        self.pace.give_back(reserved.saturating_sub(price));
        self.spend(next_second(now), price);
    }

    fn spend(&mut self, time: i64, price: u32) {
        let time = self.settled.back().map_or(time, |(last, _)| time.max(*last));
        match self.settled.back_mut() {
            Some((last, spent)) if *last == time => *spent += price,
            _ => self.settled.push_back((time, price)),
        }
    }

    /// The exchange has refused what was reserved at that time. Of several refusals at once the first counts.
    pub fn close(&mut self, reserved_at: i64, now: i64) {
        if reserved_at >= self.closed_until {
            self.pause = (self.pause * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
            self.closed_until = now + self.pause;
        }
    }

    /// The exchange has answered what was reserved at that time.
    pub fn confirm_open(&mut self, reserved_at: i64) {
        if reserved_at >= self.closed_until {
            self.pause = 0;
        }
    }

    pub fn spent_in_last_minute(&mut self, now: i64) -> u32 {
        self.forget(now);
        self.pending + self.settled.iter().map(|(_, price)| price).sum::<u32>()
    }

    fn forget(&mut self, now: i64) {
        while self.settled.front().is_some_and(|(time, _)| time + MINUTE_MS < now) {
            self.settled.pop_front();
        }
    }

    /// From here on nothing is spent that no committed record allows.
    pub fn begin_recording(&mut self) {
        self.recording = Some(Recording { since_drawn: None, since_committed: self.advance });
    }

    pub fn end_recording(&mut self) {
        self.recording = None;
    }

    pub fn draw_record(&mut self, now: i64) -> SpendingRecord {
        self.forget(now);
        let mut open = self.pending;
        if let Some(recording) = &mut self.recording {
            recording.since_drawn = Some(0);
            open += self.advance;
        }
        let spent = self.settled.iter().copied().collect();
        SpendingRecord { spent, open, closed_until: self.closed_until, pause: self.pause }
    }

    /// The record that was drawn up last is committed.
    pub fn commit_record(&mut self) {
        if let Some(Recording { since_drawn: Some(reserved), since_committed }) = &mut self.recording {
            *since_committed = *reserved;
        }
    }

    /// Goes on behind what another process spent.
    pub fn restore(&mut self, record: &SpendingRecord, now: i64) {
        let latest = next_second(now);
        // By a clock that was set back since, what was spent lies in the future.
        let theirs = record.spent.iter().map(|(time, price)| ((*time).min(latest), *price));
        let open = std::iter::once((latest, record.open)).filter(|(_, price)| *price > 0);
        let mut all: Vec<_> = self.settled.drain(..).chain(theirs).chain(open).collect();
        all.sort_unstable();
        all.into_iter().for_each(|(time, price)| self.spend(time, price));
        self.closed_until = self.closed_until.max(record.closed_until.min(now + LONGEST_PAUSE_MS));
        self.pause = self.pause.max(record.pause.clamp(0, LONGEST_PAUSE_MS));
    }
}

fn next_second(time: i64) -> i64 {
    time.div_euclid(1000) * 1000 + 1000
}
