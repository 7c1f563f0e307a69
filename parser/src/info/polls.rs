//! What is followed → what is to be asked next; replies → facts and state. Knows no socket and no clock.

use std::collections::BTreeSet;

use schemas::{Amount, Outbox, Wallet, topics};

use super::candles::Candles;
use super::client::InfoError;
use super::contexts::Contexts;
use super::fills::Fills;
use super::job::Job;
use super::priority::Priority;
use super::question::Question;
use super::schedule::{Next, Schedule};
use super::setbacks::Setbacks;
use super::spending::SpendingRecord;
use super::standing::{Importance, Standing};
use super::state::{BUDGET, BudgetRecord, Entry, Part};
use super::wallets::Wallets;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct Polls {
    generation: u32,
    pub(super) wallets: Wallets,
    pub(super) fills: Fills,
    pub(super) contexts: Contexts,
    pub(super) candles: Candles,
    pub(super) counts: Counts,
    pub(super) setbacks: Setbacks,
    pub(super) schedule: Schedule,
    pub(super) dexes: BTreeSet<String>,
    contexts_every: Option<i64>,
    /// Whether only accounts are asked for.
    leaves_lists: bool,
}

/// What has come of what was asked.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub requests: u64,
    pub failed: u64,
    pub refused: u64,
    pub facts: u64,
    pub duplicates: u64,
    pub gaps: u64,
    pub dead_letters: u64,
}

/// A question that was asked, and what came of it.
#[derive(Debug)]
pub struct Answer {
    pub job: Job,
    pub question: Question,
    pub begun: i64,
    pub received: i64,
    pub reply: Result<Vec<u8>, InfoError>,
}

/// Whether there is more behind what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    Nothing,
    ToCome,
}

/// A new dex is known after at most this long.
const DEXS_EVERY: i64 = 60_000;
const TOO_MANY_REQUESTS: u16 = 429;
const NOT_UNDERSTOOD: u16 = 422;

impl Polls {
    /// What was spent by then, and what there is to ask.
    pub fn open(entries: Vec<Entry>, generation: u32, now: i64) -> Result<(SpendingRecord, Self), SourceError> {
        let (mut wallets, mut fills, mut candles) = (Wallets::default(), Fills::default(), Candles::default());
        let mut budget = BudgetRecord::default();
        wallets.restore(entries, &mut fills, &mut candles, &mut budget, now);
        if ![0, generation].contains(&budget.generation) {
            return Err(SourceError::Generation { found: budget.generation });
        }
        let (contexts, counts, setbacks, schedule, contexts_every, leaves_lists) = Default::default();
        let dexes = BTreeSet::from([String::new()]);
        let mut polls = Self {
            generation,
            wallets,
            fills,
            contexts,
            candles,
            counts,
            setbacks,
            schedule,
            dexes,
            contexts_every,
            leaves_lists,
        };
        polls.schedule.stand(Job::Dexs, metadata(DEXS_EVERY), now - DEXS_EVERY);
        polls.stand_all(now);
        Ok((budget.spending, polls))
    }

    pub fn follow(&mut self, wallet: Wallet, notional: Amount, at_risk: bool, now: i64) -> bool {
        let Some(gone) = self.wallets.follow(wallet, notional, at_risk, now) else { return false };
        if let Some(gone) = gone {
            self.unfollow(gone);
        }
        self.stand(wallet, now);
        true
    }

    pub fn holds(&mut self, wallet: Wallet, dex: &str, now: i64) {
        let known = self.wallets.get(wallet).and_then(|tracked| tracked.followed.accounts.get(dex));
        if known.is_some_and(|account| account.holds) {
            return;
        }
        if let Some(tracked) = self.wallets.change(wallet, Part::Account) {
            tracked.followed.accounts.entry(dex.to_owned()).or_default().holds = true;
        }
        self.stand(wallet, now);
    }

    pub fn unfollow(&mut self, wallet: Wallet) {
        let jobs = self.wallets.get(wallet).map(|tracked| tracked.jobs(wallet, &self.dexes, 0));
        jobs.into_iter().flatten().for_each(|(job, ..)| self.schedule.remove(&job));
        self.wallets.unfollow(wallet);
    }

    pub fn poll_contexts(&mut self, every: i64, now: i64) {
        self.contexts_every = Some(every);
        self.stand_all(now);
    }

    pub fn learn_dexes(&mut self, names: Vec<String>, now: i64) {
        let before = self.dexes.len();
        self.dexes.extend(names);
        if self.dexes.len() > before {
            self.stand_all(now);
        }
    }

    fn stand_all(&mut self, now: i64) {
        for dex in self.dexes.iter().filter(|_| self.contexts_every.is_some()) {
            let every = self.contexts_every.unwrap_or_default();
            self.schedule.stand(Job::Contexts(dex.clone()), metadata(every), now - every);
        }
        let wallets: Vec<Wallet> = self.wallets.iter().map(|(wallet, _)| wallet).collect();
        wallets.into_iter().for_each(|wallet| self.stand(wallet, now));
        self.stand_candles(now);
    }

    /// What is known of the wallet has changed, and with it how often it is to be asked.
    pub(super) fn stand(&mut self, wallet: Wallet, now: i64) {
        let jobs = self.wallets.get(wallet).map(|tracked| tracked.jobs(wallet, &self.dexes, now));
        let leaves_lists = self.leaves_lists;
        let is_left = |job: &Job| leaves_lists && matches!(job, Job::Ledger(_) | Job::Funding(_));
        for (job, standing, asked) in jobs.into_iter().flatten().filter(|(job, ..)| !is_left(job)) {
            self.schedule.stand(job, standing, asked);
        }
    }

    pub fn leave_lists(&mut self) {
        self.leaves_lists = true;
        let wallets = self.wallets.iter().map(|(wallet, _)| wallet);
        wallets
            .flat_map(|wallet| [Job::Ledger(wallet), Job::Funding(wallet)])
            .for_each(|job| self.schedule.remove(&job));
    }

    pub fn next(&self, now: i64) -> Next {
        self.schedule.next(now, |kind| self.setbacks.not_before(kind))
    }

    pub fn question(&self, job: &Job, now: i64) -> Option<(Question, Priority)> {
        let question = match job {
            Job::Dexs => Question::Dexs,
            Job::Contexts(dex) | Job::Volumes(dex) => Question::Contexts { dex: dex.clone() },
            Job::Account(user, dex) => Question::Account { user: *user, dex: dex.clone() },
            Job::Ledger(user) => {
                Question::Ledger { user: *user, start_time: self.wallets.get(*user)?.ledger.border.time }
            }
            Job::Funding(user) => {
                Question::Funding { user: *user, start_time: self.wallets.get(*user)?.funding.border.time }
            }
            Job::Fills(user) => Question::Fills { user: *user, start_time: self.fills.border(*user)? },
            Job::Candles => self.candles.question(now)?,
        };
        let priority = match job {
            Job::Account(user, dex) if self.wallets.get(*user)?.followed.standing(dex).importance.risk.is_some() => {
                Priority::AtRisk
            }
            Job::Volumes(_) => Priority::Candles,
            _ => question.priority(),
        };
        Some((question, priority))
    }

    pub fn begin(&mut self, job: &Job) {
        self.schedule.begin(job);
    }

    pub fn take(&mut self, answer: &Answer, out: &mut Outbox) {
        self.counts.requests += 1;
        let Answer { job, begun, received, .. } = answer;
        if !self.schedule.holds(job) {
            return;
        }
        self.candles.end(&answer.question, *received);
        let outcome = match &answer.reply {
            Ok(reply) => self.understand(answer, reply, out).map_err(|reason| (true, reason)),
            Err(error) => Err(self.failure(error)),
        };
        match &outcome {
            Ok(_) => self.setbacks.succeed(job.kind()),
            Err((is_known, reason)) => {
                self.counts.failed += 1;
                self.setbacks.fail(job.kind(), *is_known, *begun, *received, reason);
            }
        }
        self.schedule.end(job, *received);
        if let Ok(Rest::ToCome) = outcome {
            self.schedule.hurry(job, *received);
        }
        if let Some(wallet) = job.wallet() {
            self.stand(wallet, *received);
        }
    }

    /// Whether the endpoint knows the question, and what happened.
    fn failure(&mut self, error: &InfoError) -> (bool, String) {
        let status = if let InfoError::Status { status, .. } = error { Some(*status) } else { None };
        self.counts.refused += u64::from(status == Some(TOO_MANY_REQUESTS));
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
        (status != Some(NOT_UNDERSTOOD), format!("{error}{cause}"))
    }

    /// Everything that has changed since it was written last, and what was spent.
    pub fn write_state(&mut self, spending: SpendingRecord, now: i64, out: &mut Outbox) {
        self.wallets.write_state(now, out);
        self.fills.write_state(now, out);
        self.candles.write_state(now, out);
        let Ok(value) = serde_json::to_vec(&BudgetRecord { generation: self.generation, spending }) else { return };
        out.batch(&topics::STATE_PARSER_INFO, 0).push(now, BUDGET.as_bytes(), Some(&value), &[]);
    }
}

fn metadata(every: i64) -> Standing {
    Standing { every, importance: Importance::default() }
}
