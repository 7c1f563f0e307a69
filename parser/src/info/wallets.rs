//! The wallets that are followed, as many as there is room for, and which of them have to be written down.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Amount, Outbox, Wallet, topics};
use serde::Serialize;

use super::border::Border;
use super::candles::Candles;
use super::fills::Fills;
use super::followed::Followed;
use super::job::Job;
use super::standing::{FUNDING_EVERY, SMALLEST_EVERY, Standing};
use super::state::{BudgetRecord, Entry, Part, Reading, key};

#[derive(Debug, Default)]
pub struct Wallets {
    all: BTreeMap<Wallet, Tracked>,
    changed: BTreeSet<(Wallet, Part)>,
}

#[derive(Debug)]
pub struct Tracked {
    pub followed: Followed,
    pub ledger: Reading,
    pub funding: Reading,
}

/// More could not be asked often enough to say anything about them.
const MOST_WALLETS: usize = 10_000;
/// A wallet's lists are read from so long before it is followed: its latest funding is among that.
const BEFORE_FOLLOWING_MS: i64 = 3_600_000;

impl Wallets {
    /// Goes on with what the state says. Of a wallet that is not followed any more, its lists say nothing.
    pub fn restore(
        &mut self,
        entries: Vec<Entry>,
        fills: &mut Fills,
        candles: &mut Candles,
        budget: &mut BudgetRecord,
        now: i64,
    ) {
        let mut lists = Vec::new();
        for entry in entries {
            match entry {
                Entry::Account(wallet, followed) => drop(self.all.insert(wallet, Tracked::new(followed, now))),
                Entry::Ledger(wallet, reading) => lists.push((wallet, Part::Ledger, reading)),
                Entry::Funding(wallet, reading) => lists.push((wallet, Part::Funding, reading)),
                Entry::Fills(wallet, reading) => fills.restore(wallet, reading),
                Entry::Candles(coin, reading) => candles.restore(coin, reading),
                Entry::Budget(record) => *budget = record,
            }
        }
        for (wallet, part, reading) in lists {
            if let Some(list) = self.all.get_mut(&wallet).and_then(|tracked| tracked.list(part)) {
                *list = reading;
            }
        }
    }

    /// Where there is no room left, the least important goes, and is given back; `None` when that would be this one.
    pub fn follow(&mut self, wallet: Wallet, notional: Amount, at_risk: bool, now: i64) -> Option<Option<Wallet>> {
        if let Some(tracked) = self.all.get_mut(&wallet) {
            (tracked.followed.notional, tracked.followed.at_risk) = (notional, at_risk);
            self.changed.insert((wallet, Part::Account));
            return Some(None);
        }
        let followed = Followed { notional, at_risk, ..Followed::default() };
        let is_full = self.all.len() >= MOST_WALLETS;
        let least = self.least_important().filter(|_| is_full);
        if least.is_some_and(|least| self.all[&least].importance() >= followed.standing("").importance) {
            return None;
        }
        self.all.insert(wallet, Tracked::new(followed, now));
        self.changed.extend([Part::Account, Part::Ledger, Part::Funding].map(|part| (wallet, part)));
        Some(least)
    }

    fn least_important(&self) -> Option<Wallet> {
        self.all.iter().min_by_key(|(_, tracked)| tracked.importance()).map(|(wallet, _)| *wallet)
    }

    pub fn unfollow(&mut self, wallet: Wallet) {
        if self.all.remove(&wallet).is_some() {
            self.changed.extend([Part::Account, Part::Ledger, Part::Funding].map(|part| (wallet, part)));
        }
    }

    pub fn get(&self, wallet: Wallet) -> Option<&Tracked> {
        self.all.get(&wallet)
    }

    /// Something of it changes: it has to be written down.
    pub fn change(&mut self, wallet: Wallet, part: Part) -> Option<&mut Tracked> {
        let tracked = self.all.get_mut(&wallet)?;
        self.changed.insert((wallet, part));
        Some(tracked)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Wallet, &Tracked)> {
        self.all.iter().map(|(wallet, tracked)| (*wallet, tracked))
    }

    pub fn write_state(&mut self, now: i64, out: &mut Outbox) {
        let batch = out.batch(&topics::STATE_PARSER_INFO, 0);
        for (wallet, part) in std::mem::take(&mut self.changed) {
            let value = self.all.get(&wallet).and_then(|tracked| tracked.written(part));
            batch.push(now, key(wallet, part).as_bytes(), value.as_deref(), &[]);
        }
    }
}

impl Tracked {
    fn new(followed: Followed, now: i64) -> Self {
        let reading = Reading { border: Border::at(now - BEFORE_FOLLOWING_MS), asked: None };
        Self { followed, ledger: reading.clone(), funding: reading }
    }

    pub fn list(&mut self, part: Part) -> Option<&mut Reading> {
        match part {
            Part::Account => None,
            Part::Ledger => Some(&mut self.ledger),
            Part::Funding => Some(&mut self.funding),
        }
    }

    fn importance(&self) -> super::standing::Importance {
        self.followed.standing("").importance
    }

    /// What is to be asked of it, how often, and when it was asked last: what was never asked is due at once.
    pub fn jobs(&self, wallet: Wallet, dexes: &BTreeSet<String>, now: i64) -> Vec<(Job, Standing, i64)> {
        let known = self.followed.accounts.iter();
        let dexes: BTreeSet<&String> = dexes.iter().chain(known.map(|(dex, _)| dex)).collect();
        let account = |dex: &String| {
            let (standing, account) = (self.followed.standing(dex), self.followed.accounts.get(dex));
            // New ones are equally old, so that the important go first.
            let asked = account.and_then(|account| account.asked).unwrap_or(now - standing.every.max(SMALLEST_EVERY));
            (Job::Account(wallet, dex.clone()), standing, asked)
        };
        let mut jobs: Vec<_> = dexes.into_iter().map(account).collect();
        let ledger = Standing::of_ledger(self.followed.standing(""));
        let funding = ledger.every(FUNDING_EVERY);
        for (job, standing, list) in
            [(Job::Ledger(wallet), ledger, &self.ledger), (Job::Funding(wallet), funding, &self.funding)]
        {
            jobs.push((job, standing, list.asked.unwrap_or(now - standing.every)));
        }
        jobs
    }

    fn written(&self, part: Part) -> Option<Vec<u8>> {
        fn json<T: Serialize>(value: &T) -> Option<Vec<u8>> {
            serde_json::to_vec(value).ok()
        }
        match part {
            Part::Account => json(&self.followed),
            Part::Ledger => json(&self.ledger),
            Part::Funding => json(&self.funding),
        }
    }
}
