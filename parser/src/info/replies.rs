//! A reply → facts, raw record, dead letters, gaps; and what is now known of whom it is about.

use schemas::{FeedStatus, Outbox, SourceStatus, Wallet};

use super::account::account;
use super::job::Job;
use super::metadata::parse_perp_dexs;
use super::origin::{Origin, SOURCE};
use super::page::elements;
use super::polls::{Answer, Polls, Rest};
use super::state::Part;
use super::update::Update;

/// As many changes on a page may have others behind them: documented of funding, and of every list whose length is
/// not.
const FULL: usize = 500;

impl Polls {
    /// What of it is still to come; or why nothing of it can be understood: then its bytes are set aside.
    pub(super) fn understand(&mut self, answer: &Answer, reply: &[u8], out: &mut Outbox) -> Result<Rest, String> {
        let (request, received) = (answer.question.request(), answer.received);
        let origin = Origin { request: &request, received };
        let facts_before = self.counts.facts;
        let understood = match &answer.job {
            Job::Dexs => self.take_dexes(reply, received),
            Job::Contexts(_) => self.take_contexts(reply, &origin, out),
            Job::Account(user, dex) => self.take_account(*user, dex, reply, &origin, out),
            Job::Ledger(user) => self.take_list(*user, Part::Ledger, reply, &origin, out),
            Job::Funding(user) => self.take_list(*user, Part::Funding, reply, &origin, out),
            Job::Fills(user) => self.take_fills(*user, reply, &origin, out),
            Job::Volumes(dex) => self.take_volumes(dex, reply, received),
            Job::Candles => self.take_candles(&answer.question, reply, &origin, out),
        };
        if let Err(reason) = &understood {
            origin.set_aside("", reply, reason, out);
            self.counts.dead_letters += 1;
        }
        if self.counts.facts > facts_before {
            origin.keep_raw(reply, out);
        }
        understood
    }

    fn take_dexes(&mut self, reply: &[u8], received: i64) -> Result<Rest, String> {
        let names = parse_perp_dexs(reply).map_err(|reject| reject.to_string())?;
        self.learn_dexes(names, received);
        Ok(Rest::Nothing)
    }

    fn take_contexts(&mut self, reply: &[u8], origin: &Origin<'_>, out: &mut Outbox) -> Result<Rest, String> {
        let given = self.contexts.take(reply, origin, out)?;
        self.counts.facts += given.facts;
        self.counts.dead_letters += given.dead_letters;
        Ok(Rest::Nothing)
    }

    /// Each reply is published, also one in which nothing but the time is new: it says that this is still so.
    fn take_account(
        &mut self,
        user: Wallet,
        dex: &str,
        reply: &[u8],
        origin: &Origin<'_>,
        out: &mut Outbox,
    ) -> Result<Rest, String> {
        let (state, text) = account(user, dex, reply, origin.received)?;
        origin.send(&state, &text, out);
        self.counts.facts += 1;
        if let Some(tracked) = self.wallets.change(user, Part::Account) {
            tracked.followed.learn(dex, &state, origin.received);
        }
        Ok(Rest::Nothing)
    }

    fn take_list(
        &mut self,
        user: Wallet,
        part: Part,
        reply: &[u8],
        origin: &Origin<'_>,
        out: &mut Outbox,
    ) -> Result<Rest, String> {
        let reading = self.wallets.change(user, part).and_then(|tracked| tracked.list(part));
        let Some(reading) = reading else { return Ok(Rest::Nothing) };
        let page = elements(reply, reading.border.time, FULL, |text| Update::parse(user, text))?;
        let is_full = page.len() >= FULL;
        let news = reading.border.pass(page, FULL);
        let rest = if is_full && !news.is_end() { Rest::ToCome } else { Rest::Nothing };
        reading.asked = Some(origin.received).filter(|_| rest == Rest::Nothing);
        self.counts.duplicates += news.duplicates;
        for element in news.items.into_iter().map(|item| item.value) {
            match element.read {
                Ok(Update { update, text }) => {
                    origin.send(&update, &text, out);
                    self.counts.facts += 1;
                }
                Err(reason) => {
                    origin.set_aside(&format!("#{}", element.place), element.text.as_bytes(), &reason, out);
                    self.counts.dead_letters += 1;
                }
            }
        }
        if let Some(time) = news.unreachable {
            let gap = FeedStatus::of(SOURCE, SourceStatus::Gap, origin.received, "a millisecond fills a page alone");
            let of = Some(format!("{part:?} of {user}").as_str().into());
            out.send(&FeedStatus { part: of, from_time: Some(time), to_time: Some(time), ..gap });
            self.counts.gaps += 1;
        }
        Ok(rest)
    }
}
