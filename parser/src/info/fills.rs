//! Pages of `userFillsByTime`, of wallets whose fills nobody else tells → `fills-history`, each fill once; and, as
//! `feed-status`, stretches of time of which fills cannot be had any more.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{FeedStatus, Outbox, SourceStatus, Wallet, topics};
use serde::{Deserialize, Serialize};

use super::border::{Border, Item, News};
use super::fill::HistoryFill;
use super::job::Job;
use super::origin::{Origin, SOURCE};
use super::page::elements;
use super::polls::{Polls, Rest};
use super::standing::{Importance, Standing};
use super::state::fills_key;

/// Whose fills are asked for, and how far everybody's were read of whom they ever were: a wallet that is named again
/// goes on where it was, and nothing of it comes twice.
#[derive(Debug, Default)]
pub struct Fills {
    readings: BTreeMap<Wallet, FillsReading>,
    changed: BTreeSet<Wallet>,
    /// Stretches of time, with both ends, of which others have brought the fills.
    covered: Vec<(i64, i64)>,
}

/// How far a wallet's fills were read, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillsReading {
    border: Border,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    doubt: Option<Doubt>,
}

/// A stretch of time up to a fill that nothing joins to what was read before. If all that came since is less than what
/// the exchange remembers, nothing was in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    from: i64,
    to: i64,
    came_since: usize,
}

/// A stretch of time, with both ends, of which fills are or may be missing for good.
struct Missing {
    from: i64,
    to: i64,
    reason: &'static str,
}

/// So many fills are on a page.
const FULL: usize = 2_000;
/// The exchange remembers so many fills of a wallet.
const REMEMBERED: usize = 10_000;
const EVERY: i64 = 60_000;

const CROWDED: &str = "a millisecond fills a page alone";
const FORGOTTEN: &str =
    "the exchange remembers a wallet's latest 10,000 fills: of what was before, some may be missing";

impl Polls {
    /// Asks for the fills of this wallet from here on: first for all that the exchange remembers.
    pub fn follow_fills(&mut self, wallet: Wallet, now: i64) {
        let asked = self.fills.readings.entry(wallet).or_insert_with(FillsReading::new).asked;
        let standing = Standing { every: EVERY, importance: Importance::default() };
        self.schedule.stand(Job::Fills(wallet), standing, asked.unwrap_or(now - EVERY));
    }

    pub(super) fn take_fills(
        &mut self,
        user: Wallet,
        reply: &[u8],
        origin: &Origin<'_>,
        out: &mut Outbox,
    ) -> Result<Rest, String> {
        let Some(reading) = self.fills.readings.get_mut(&user) else { return Ok(Rest::Nothing) };
        let read = |text| HistoryFill::parse(user, text).map(|fill| (fill.read.time, fill.id(), fill));
        let page = elements(reply, reading.border.time, FULL, read)?;
        let (mut place, is_full) = (reading.border.place(), page.len() >= FULL);
        let (news, missing) = reading.pass(page);
        let rest = if is_full && !news.is_end() { Rest::ToCome } else { Rest::Nothing };
        reading.rest(rest, origin.received);
        self.fills.changed.insert(user);
        self.counts.duplicates += news.duplicates;
        for Item { time, value: element, .. } in news.items {
            // The same place whatever the pages' borders cut, and whichever process asks again.
            let index = if place.0 == time { place.1 } else { 0 };
            place = (time, index + 1);
            match element.read {
                Ok(_) if self.fills.are_covered(time) => self.counts.duplicates += 1,
                Ok(fill) => {
                    fill.send(index, origin, out);
                    self.counts.facts += 1;
                }
                Err(reason) => {
                    origin.set_aside(&format!("#{}", element.place), element.text.as_bytes(), &reason, out);
                    self.counts.dead_letters += 1;
                }
            }
        }
        for Missing { from, to, reason } in missing {
            let gap = FeedStatus::of(SOURCE, SourceStatus::Gap, origin.received, reason);
            let part = Some(format!("Fills of {user}").as_str().into());
            out.send(&FeedStatus { part, from_time: Some(from), to_time: Some(to), ..gap });
            self.counts.gaps += 1;
        }
        Ok(rest)
    }
}

impl Fills {
    pub fn restore(&mut self, wallet: Wallet, reading: FillsReading) {
        self.readings.insert(wallet, reading);
    }

    /// From when on the next page is to be asked for.
    pub fn border(&self, wallet: Wallet) -> Option<i64> {
        self.readings.get(&wallet).map(|reading| reading.border.time)
    }

    /// Passes over fills of these stretches of time, with both ends.
    pub fn leave(&mut self, covered: Vec<(i64, i64)>) {
        self.covered = covered;
    }

    fn are_covered(&self, time: i64) -> bool {
        self.covered.iter().any(|(from, to)| (from..=to).contains(&&time))
    }

    pub fn write_state(&mut self, now: i64, out: &mut Outbox) {
        let batch = out.batch(&topics::STATE_PARSER_INFO, 0);
        for wallet in std::mem::take(&mut self.changed) {
            let reading = self.readings.get(&wallet).and_then(|reading| serde_json::to_vec(reading).ok());
            batch.push(now, fills_key(wallet).as_bytes(), reading.as_deref(), &[]);
        }
    }
}

impl FillsReading {
    fn new() -> Self {
        Self { border: Border::at(0), asked: None, doubt: None }
    }

    /// What is new on a page that was asked for from the border on, and of what it says that it is missing.
    fn pass<T>(&mut self, page: Vec<Item<T>>) -> (News<T>, Vec<Missing>) {
        let (from, known) = self.border.place();
        let news = self.border.pass(page, FULL);
        let mut missing = Vec::new();
        let forgotten = |from, to| Missing { from, to, reason: FORGOTTEN };
        if let Some(Item { time: to, .. }) = news.items.first()
            && !news.is_joined
        {
            // The exchange has come to forget what was told before: so much has happened.
            missing.extend(self.doubt.take().map(|doubt| forgotten(doubt.from, doubt.to)));
            match known {
                0 => self.doubt = Some(Doubt { from, to: *to, came_since: 0 }),
                _ => missing.push(forgotten(from, *to)),
            }
        }
        if let Some(doubt) = &mut self.doubt {
            doubt.came_since += news.items.len();
        }
        let is_confirmed = |doubt: &mut Doubt| doubt.came_since >= REMEMBERED || news.unreachable.is_some();
        missing.extend(self.doubt.take_if(is_confirmed).map(|doubt| forgotten(doubt.from, doubt.to)));
        missing.extend(news.unreachable.map(|time| Missing { from: time, to: time, reason: CROWDED }));
        (news, missing)
    }

    /// At the end everything has come that the exchange remembers.
    fn rest(&mut self, rest: Rest, received: i64) {
        self.asked = Some(received).filter(|_| rest == Rest::Nothing);
        if rest == Rest::Nothing {
            self.doubt = None;
        }
    }
}
