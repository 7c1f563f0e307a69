//! Who waits for what → who is next. Knows no clock.

use std::collections::BTreeMap;

use super::priority::Priority;
use super::spending::{Refusal, Spending, SpendingRecord};

#[derive(Debug)]
pub struct Purse {
    pub spending: Spending,
    /// Somebody can be given nothing before a record is committed.
    pub wants_record: bool,
    /// Everybody who waits, by the number of the ticket.
    line: BTreeMap<u64, Waiting>,
    tickets: u64,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    priority: Priority,
    since: i64,
}

/// Who has waited so long is next, whatever it is for.
pub const LONGEST_WAIT_MS: i64 = 60_000;

impl Purse {
    pub fn new(spending: Spending) -> Self {
        Self { spending, wants_record: false, line: BTreeMap::new(), tickets: 0 }
    }

    pub fn line_up(&mut self, priority: Priority, now: i64) -> u64 {
        self.tickets += 1;
        self.line.insert(self.tickets, Waiting { priority, since: now });
        self.tickets
    }

    pub fn leave(&mut self, ticket: u64) {
        self.line.remove(&ticket);
    }

    /// When it was reserved; or when to try again, where that is known.
    pub fn try_reserve(&mut self, ticket: u64, price: u32, now: i64) -> Result<i64, Option<i64>> {
        let first = self.first_in_line(now).filter(|(first, _)| *first == ticket);
        let (_, priority) = first.ok_or(None)?;
        match self.spending.reserve(price, priority == Priority::Metadata, now) {
            Ok(()) => Ok(now),
            Err(Refusal::Until(time)) => Err(Some(time)),
            Err(Refusal::Unanswered) => Err(None),
            Err(Refusal::Unrecorded) => {
                self.wants_record = true;
                Err(None)
            }
        }
    }

    /// Nobody overtakes: who wants much would wait for ever behind those who want little.
    fn first_in_line(&self, now: i64) -> Option<(u64, Priority)> {
        let rank = |waiting: &Waiting| (waiting.since + LONGEST_WAIT_MS > now).then_some(waiting.priority);
        let first = self.line.iter().min_by_key(|(ticket, waiting)| (rank(waiting), **ticket));
        first.map(|(ticket, waiting)| (*ticket, waiting.priority))
    }

    pub fn draw_record(&mut self, now: i64) -> SpendingRecord {
        self.wants_record = false;
        self.spending.draw_record(now)
    }
}
