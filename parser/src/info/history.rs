//! A wallet and two times → every fill between them once, page by page, to `fills-history`; and what of them cannot be
//! had.

use schemas::{FeedStatus, Fill, Outbox, SourceStatus, Wallet};

use super::border::Border;
use super::client::{InfoClient, InfoError};
use super::fill::HistoryFill;
use super::origin::{Origin, SOURCE};
use super::page::elements;
use super::question::Question;
use crate::dead_letter::Reject;

#[derive(Debug)]
pub struct History {
    client: InfoClient,
    user: Wallet,
    from: i64,
    to: i64,
    border: Border,
    /// The time of the first fill, and how many there were.
    first: Option<i64>,
    given: usize,
    /// The time of the last fill, and the place of the next one at this time.
    place: (i64, u32),
    is_over: bool,
}

/// One page of a history.
#[derive(Debug)]
pub struct HistoryPage {
    /// In the order of their times.
    fills: Vec<HistoryFill>,
    /// Stretches of time of which fills are or may be missing for good.
    missing: Vec<FeedStatus>,
    request: String,
    reply: Vec<u8>,
    received: i64,
    rejects: Rejects,
}

/// Elements that are no fills: their place, their text and the reason.
type Rejects = Vec<(usize, String, String)>;

/// So many fills are on a page.
const FULL: usize = 2_000;
/// The exchange remembers so many fills of a wallet.
const REMEMBERED: usize = 10_000;

impl History {
    pub fn new(client: InfoClient, user: Wallet, from: i64, to: i64) -> Self {
        let border = Border::at(from);
        Self { client, user, from, to, border, first: None, given: 0, place: (from, 0), is_over: from > to }
    }

    /// The next page, asked for at `now`; `None` at the end. After an error, or given up while it waits, it is asked
    /// for again.
    pub async fn next(&mut self, now: i64) -> Result<Option<HistoryPage>, InfoError> {
        if self.is_over {
            return Ok(None);
        }
        let (user, start_time, end_time) = (self.user, self.border.time, self.to);
        let question = Question::Fills { user, start_time, end_time };
        let reply = self.client.ask(&question).await?;
        self.take(question.request(), reply, now).map(Some)
    }

    fn take(&mut self, request: String, reply: Vec<u8>, received: i64) -> Result<HistoryPage, InfoError> {
        match self.read(&reply, received) {
            Ok((fills, rejects, missing)) => Ok(HistoryPage { fills, missing, request, reply, received, rejects }),
            Err(reason) => Err(InfoError::Reply { reject: Reject::Fill { reason }, bytes: reply }),
        }
    }

    fn read(&mut self, reply: &[u8], received: i64) -> Result<(Vec<HistoryFill>, Rejects, Vec<FeedStatus>), String> {
        let read = |text| HistoryFill::parse(self.user, text).map(|fill| (fill.read.time, fill.id(), fill));
        let page = elements(reply, self.border.time, FULL, read)?;
        let news = self.border.pass(page, FULL);
        self.is_over = news.is_end() || self.border.time > self.to;
        let crowded = |time| self.missing_between(time, time, received, "a millisecond fills a page alone");
        let mut missing: Vec<FeedStatus> = news.unreachable.map(crowded).into_iter().collect();
        let (mut fills, mut rejects) = (Vec::new(), Vec::new());
        for element in news.items.into_iter().map(|item| item.value) {
            match element.read {
                Ok(fill) => fills.push(self.placed(fill)),
                Err(reason) => rejects.push((element.place, element.text.to_owned(), reason)),
            }
        }
        self.first = self.first.or(fills.first().map(|fill| fill.read.time));
        self.given += fills.len();
        missing.extend(self.forgotten(received).filter(|_| self.is_over));
        Ok((fills, rejects, missing))
    }

    /// The same place whatever the pages' borders cut, and whichever process asks again.
    fn placed(&mut self, mut fill: HistoryFill) -> HistoryFill {
        let time = fill.read.time;
        let index = if self.place.0 == time { self.place.1 } else { 0 };
        self.place = (time, index + 1);
        fill.read.index = index;
        fill
    }

    /// What was before the first fill: nothing, if these are all fills up to now and the exchange remembers more.
    fn forgotten(&self, now: i64) -> Option<FeedStatus> {
        let first = self.first.unwrap_or(self.to.saturating_add(1));
        let is_whole = self.to >= now && self.given < REMEMBERED;
        let reason = "the exchange remembers a wallet's latest 10,000 fills: of what was before, some may be missing";
        (first > self.from && !is_whole).then(|| self.missing_between(self.from, first - 1, now, reason))
    }

    fn missing_between(&self, from: i64, to: i64, now: i64, reason: &str) -> FeedStatus {
        let gap = FeedStatus::of(SOURCE, SourceStatus::Gap, now, reason);
        let part = Some(format!("Fills of {}", self.user).as_str().into());
        FeedStatus { part, from_time: Some(from), to_time: Some(to), ..gap }
    }
}

impl HistoryPage {
    pub fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.fills.iter().map(|fill| &fill.read)
    }

    /// Stretches of time of which fills are or may be missing for good.
    pub fn missing(&self) -> &[FeedStatus] {
        &self.missing
    }

    /// Everything that is to be committed of it: the fills, the reply as it was, what is missing, and what could not
    /// be understood.
    pub fn set_down(&self, out: &mut Outbox) {
        let origin = Origin { request: &self.request, received: self.received };
        if !self.fills.is_empty() {
            origin.keep_raw(&self.reply, out);
        }
        self.fills.iter().for_each(|fill| fill.send(&origin, out));
        self.missing.iter().for_each(|gap| out.send(gap));
        for (place, text, reason) in &self.rejects {
            origin.set_aside(&format!("#{place}"), text.as_bytes(), reason, out);
        }
    }
}
