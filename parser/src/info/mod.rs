//! The info endpoint, asked again and again → `raw.info`, `account-states`, `ledger-updates`, `fills-history`,
//! `asset-contexts`, `exchange-candles`, `feed-status`, `dead-letters` and the state behind them. Questions are sent within a budget; replies
//! are taken in the order in which they come.

mod account;
mod border;
mod budget;
mod candles;
mod client;
mod contexts;
mod fill;
mod fills;
mod followed;
mod job;
mod metadata;
mod object;
mod origin;
mod pace;
mod page;
mod permit;
mod polls;
mod priority;
mod purse;
mod question;
mod replies;
mod schedule;
mod setbacks;
mod spending;
mod standing;
mod state;
mod update;
mod volumes;
mod wallets;

pub use budget::Budget;
pub use client::{InfoClient, InfoError};
pub use metadata::parse_meta;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Amount, Outbox, Wallet};
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::job::Job;
use self::permit::Permit;
use self::polls::{Answer, Polls};
use self::question::Question;
use self::schedule::Next;
use crate::node::Taken;
use crate::run_record::Counts;
use crate::source_error::SourceError;

pub struct InfoSource {
    client: InfoClient,
    polls: Polls,
    under_way: JoinSet<Answer>,
    /// Whether a reading has put a record of the budget into an outbox.
    is_recorded: bool,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// What the source has done and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InfoStatus {
    pub requests: u64,
    /// Without a reply that could be used; of these, refused by the exchange because they were too many.
    pub failed: u64,
    pub refused: u64,
    pub weight_in_last_minute: u32,
    pub facts: u64,
    pub duplicates: u64,
    pub gaps: u64,
    pub dead_letters: u64,
    pub followed: usize,
    /// Of the accounts that are followed, and of which something is known, the one that was asked longest ago.
    pub oldest_age_ms: Option<i64>,
}

impl InfoStatus {
    /// What it has given so far, for a run's record.
    pub fn counts(&self) -> Counts {
        let Self { facts, duplicates, gaps, dead_letters, .. } = *self;
        Counts { facts, duplicates, gaps, dead_letters, block: 0, time: 0 }
    }
}

/// So many questions are under way at once.
const AT_ONCE: usize = 16;
/// So much is taken before what was taken is committed.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// While the budget is waited for, something more important may have become due.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl InfoSource {
    /// Goes on where the state says; to be called in a runtime. `now` gives milliseconds UTC.
    pub fn open<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        client: InfoClient,
        state: impl IntoIterator<Item = (K, V)>,
        generation: u32,
        now: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Result<Self, SourceError> {
        let entries = state.into_iter().map(|(key, value)| state::entry(key.as_ref(), value.as_ref()));
        let (spending, polls) = Polls::open(entries.collect::<Result<_, _>>()?, generation, now())?;
        client.budget().begin_recording(&spending);
        Ok(Self { client, polls, under_way: JoinSet::new(), is_recorded: false, now: Arc::new(now) })
    }

    /// Asks for the accounts and the lists of this wallet from here on; or, of one that is followed, says what is new
    /// of it. Not followed, when there is no room for it beside more important ones.
    pub fn follow(&mut self, wallet: Wallet, notional: Amount, at_risk: bool) -> bool {
        self.polls.follow(wallet, notional, at_risk, (self.now)())
    }

    /// The wallet holds something on this dex. Without being told, the source finds out within an hour or so.
    pub fn holds(&mut self, wallet: Wallet, dex: &str) {
        self.polls.holds(wallet, dex, (self.now)());
    }

    pub fn unfollow(&mut self, wallet: Wallet) {
        self.polls.unfollow(wallet);
    }

    /// Asks for no lists of what accounts move and pay: a node tells all of that.
    pub fn leave_lists(&mut self) {
        self.polls.leave_lists();
    }

    /// Asks for the fills of these wallets too: nobody else tells them.
    pub fn follow_fills(&mut self, wallets: &[Wallet]) {
        wallets.iter().for_each(|wallet| self.polls.follow_fills(*wallet, (self.now)()));
    }

    /// Passes over fills of these stretches of time, with both ends: others have brought them.
    pub fn leave_fills(&mut self, covered: Vec<(i64, i64)>) {
        self.polls.fills.leave(covered);
    }

    /// Whom it asks about.
    pub fn followed(&self) -> impl Iterator<Item = Wallet> {
        self.polls.wallets.iter().map(|(wallet, _)| wallet)
    }

    /// Asks for the contexts of every dex too: where nobody hears them on the public feed.
    pub fn poll_contexts(&mut self, every: Duration) {
        let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        self.polls.poll_contexts(every, (self.now)());
    }

    /// Asks for the candles of the busiest markets too: the exchange's own, of minutes that are over.
    pub fn poll_candles(&mut self) {
        self.polls.poll_candles((self.now)());
    }

    /// Waits until a reply has come, and takes all that have come, up to a bound; adds their facts and the state
    /// behind them to the outbox. Given up while it waits, it has taken nothing. What an earlier reading has put into
    /// an outbox is to be committed before the next one: the budget gives out what the record in it allows.
    pub async fn read(&mut self, out: &mut Outbox) -> Result<Taken, SourceError> {
        if self.is_recorded {
            self.client.budget().commit_record();
        }
        loop {
            let now = (self.now)();
            let next = if self.under_way.len() < AT_ONCE { self.polls.next(now) } else { Next::Never };
            tokio::select! {
                biased;
                Some(answer) = self.under_way.join_next() => {
                    return Ok(self.take(answer.map_err(|_| SourceError::Ended)?, out));
                }
                () = self.client.budget().record_wanted() => {
                    self.write_state(out);
                    return Ok(Taken::default());
                }
                begun = reserve(&self.client, &self.polls, &next, now) => self.begin(begun),
                () = rest(&next, now) => {}
            }
        }
    }

    pub fn status(&self) -> InfoStatus {
        let (counts, wallets) = (self.polls.counts, &self.polls.wallets);
        let oldest = wallets.iter().filter_map(|(_, tracked)| tracked.followed.oldest()).min();
        InfoStatus {
            requests: counts.requests,
            failed: counts.failed,
            refused: counts.refused,
            weight_in_last_minute: self.client.budget().spent_in_last_minute(),
            facts: counts.facts,
            duplicates: counts.duplicates,
            gaps: counts.gaps,
            dead_letters: counts.dead_letters,
            followed: wallets.iter().count(),
            oldest_age_ms: oldest.map(|oldest| (self.now)() - oldest),
        }
    }

    fn begin(&mut self, (job, question, permit): (Job, Question, Permit)) {
        self.polls.begin(&job);
        let (client, now, begun) = (self.client.clone(), Arc::clone(&self.now), (self.now)());
        self.under_way.spawn(async move {
            let reply = client.send(&question, permit).await;
            Answer { job, question, begun, received: now(), reply }
        });
    }

    fn take(&mut self, answer: Answer, out: &mut Outbox) -> Taken {
        let (mut taken, mut next) = (Taken::default(), Some(answer));
        while let Some(answer) = next {
            taken.lines += 1;
            taken.bytes += answer.reply.as_ref().map_or(0, Vec::len) as u64;
            self.polls.take(&answer, out);
            let more = if taken.bytes < CHUNK_BYTES { self.under_way.try_join_next() } else { None };
            next = more.and_then(Result::ok);
        }
        self.write_state(out);
        taken
    }

    fn write_state(&mut self, out: &mut Outbox) {
        self.polls.write_state(self.client.budget().draw_record(), (self.now)(), out);
        self.is_recorded = true;
    }
}

impl Drop for InfoSource {
    fn drop(&mut self) {
        self.client.budget().end_recording();
    }
}

/// What is due, as soon as it may be asked.
async fn reserve(client: &InfoClient, polls: &Polls, next: &Next, now: i64) -> (Job, Question, Permit) {
    let Next::Now(job) = next else { return pending().await };
    let Some((question, priority)) = polls.question(job, now) else { return pending().await };
    let permit = client.reserve(&question, priority).await;
    (job.clone(), question, permit)
}

async fn rest(next: &Next, now: i64) {
    match next {
        Next::Now(_) => sleep(LOOK_AGAIN).await,
        Next::At(time) => sleep(Duration::from_millis(u64::try_from(time - now).unwrap_or_default())).await,
        Next::Never => pending().await,
    }
}

#[cfg(test)]
pub(crate) mod tests;
