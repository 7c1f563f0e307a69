//! One purse for everybody in this process who asks the exchange: whoever is first in line takes from it as soon as
//! there is enough. A record of it goes into the state before anything is spent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::permit::Permit;
use super::priority::Priority;
use super::purse::{LONGEST_WAIT_MS, Purse};
use super::question::DEAREST;
use super::spending::{Spending, SpendingRecord};

#[derive(Debug)]
pub struct Budget {
    /// `None` is without a limit.
    purse: Option<Mutex<Purse>>,
    /// Whether nothing is given out as long as nobody keeps a record of it.
    is_always_recorded: bool,
    changed: Notify,
    /// What the clock said at the beginning. From there on time is measured: a clock that is set forward would make
    /// a minute shorter.
    began: (i64, Instant),
}

impl Budget {
    /// What it allows one address in any minute.
    pub const OF_THE_EXCHANGE: u32 = 1_200;

    /// All that the exchange allows, on record: nothing is given out before an [`InfoSource`](super::InfoSource) is
    /// open on it and has its first record committed, nor when it has gone. So no restart ever overspends.
    pub fn recorded() -> Self {
        let budget = Self { is_always_recorded: true, ..Self::per_minute(Self::OF_THE_EXCHANGE) };
        budget.end_recording();
        budget
    }

    /// A share of what the exchange allows, for a process that is not alone on its address. It is on record only
    /// while an [`InfoSource`](super::InfoSource) is open on it: until then nobody knows what was spent before.
    pub fn per_minute(limit: u32) -> Self {
        let purse = Purse::new(Spending::per_minute(limit, DEAREST));
        Self { purse: Some(Mutex::new(purse)), ..Self::unlimited() }
    }

    /// For a node of one's own.
    pub fn unlimited() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began = (i64::try_from(since.as_millis()).unwrap_or(i64::MAX), Instant::now());
        Self { purse: None, is_always_recorded: false, changed: Notify::new(), began }
    }

    /// What was spent in the last minute, and what is set aside.
    pub fn spent_in_last_minute(&self) -> u32 {
        self.purse().map_or(0, |mut purse| purse.spending.spent_in_last_minute(self.now()))
    }

    /// Waits until it is one's turn and there is enough. Given up while it waits, nothing was taken.
    pub(super) async fn reserve(self: &Arc<Self>, priority: Priority, price: u32) -> Permit {
        let Some(place) = self.line_up(priority) else { return Permit::free() };
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let again_at = match self.try_reserve(place.ticket, price) {
                Ok(at) => return Permit::new(Arc::clone(self), price, at),
                Err(again_at) => again_at,
            };
            tokio::select! {
                () = changed => {}
                () = sleep(self.until(again_at)) => {}
            }
        }
    }

    fn line_up(&self, priority: Priority) -> Option<Place<'_>> {
        let ticket = self.purse()?.line_up(priority, self.now());
        Some(Place { budget: self, ticket })
    }

    fn try_reserve(&self, ticket: u64, price: u32) -> Result<i64, Option<i64>> {
        let Some(mut purse) = self.purse() else { return Ok(self.now()) };
        let wanted_record = purse.wants_record;
        let outcome = purse.try_reserve(ticket, price, self.now());
        if purse.wants_record && !wanted_record {
            self.changed.notify_waiters();
        }
        outcome
    }

    fn until(&self, time: Option<i64>) -> Duration {
        let wait = time.map_or(LONGEST_WAIT_MS, |time| time - self.now());
        Duration::from_millis(u64::try_from(wait).unwrap_or_default())
    }

    /// Something that was set aside has become `price`.
    pub(super) fn settle(&self, reserved: u32, price: u32, also: impl FnOnce(&mut Spending, i64)) {
        let now = self.now();
        if let Some(mut purse) = self.purse() {
            purse.spending.settle(reserved, price, now);
            also(&mut purse.spending, now);
        }
        self.changed.notify_waiters();
    }

    /// Returns when somebody can be given nothing before a record is committed.
    pub(super) async fn record_wanted(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.purse().is_some_and(|purse| purse.wants_record) {
                return;
            }
            changed.await;
        }
    }

    /// Goes on behind what another process spent, and gives out nothing until a record is committed.
    pub(super) fn begin_recording(&self, theirs: &SpendingRecord) {
        let now = self.now();
        if let Some(mut purse) = self.purse() {
            purse.spending.restore(theirs, now);
            purse.spending.begin_recording();
        }
    }

    pub(super) fn draw_record(&self) -> SpendingRecord {
        let now = self.now();
        self.purse().map(|mut purse| purse.draw_record(now)).unwrap_or_default()
    }

    pub(super) fn commit_record(&self) {
        if let Some(mut purse) = self.purse() {
            purse.spending.commit_record();
        }
        self.changed.notify_waiters();
    }

    pub(super) fn end_recording(&self) {
        if let Some(mut purse) = self.purse() {
            match self.is_always_recorded {
                true => purse.spending.begin_recording(),
                false => purse.spending.end_recording(),
            }
        }
        self.changed.notify_waiters();
    }

    fn purse(&self) -> Option<MutexGuard<'_, Purse>> {
        // Nobody leaves it half changed.
        Some(self.purse.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> i64 {
        let (time, instant) = self.began;
        time.saturating_add(i64::try_from(instant.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// A place in the line, given up at its end.
struct Place<'a> {
    budget: &'a Budget,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(mut purse) = self.budget.purse() {
            purse.leave(self.ticket);
        }
        self.budget.changed.notify_waiters();
    }
}
