//! Replies to `candleSnapshot`, of the markets that are traded most, one after the other → `exchange-candles`: each
//! minute's candle once, when the minute has been over for a while. And, as `feed-status`, minutes of which candles
//! cannot be had any more.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemas::{Amount, Coin, ExchangeCandle, FeedStatus, Interval, Outbox, SourceStatus, topics};

use super::border::Border;
use super::job::Job;
use super::object::with_front;
use super::origin::{Origin, SOURCE};
use super::page::elements;
use super::polls::{Polls, Rest};
use super::question::{CandleStretch, Question};
use super::standing::{Importance, Standing};
use super::state::{Reading, candles_key};
use super::volumes::volumes;

/// Whose candles are asked for, and how far everybody's were read of whom they ever were: the border is the start of
/// the newest minute that was told. A market that comes back among the busiest goes on where it was.
#[derive(Debug, Default)]
pub struct Candles {
    is_wanted: bool,
    /// By dex: its listed markets, and what was traded of each in a day.
    volumes: BTreeMap<String, Vec<(Coin, Amount)>>,
    /// The most traded first.
    busiest: Vec<Coin>,
    readings: BTreeMap<Coin, Reading>,
    changed: BTreeSet<Coin>,
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// So many markets are asked for, each once an hour.
const BUSIEST: usize = 50;
/// Trades of a minute may still be on their way into its candle for so long.
const SETTLED_AFTER: i64 = 90_000;
/// The exchange remembers so many candles of a market.
const REMEMBERED: i64 = 5_000;
const VOLUMES_EVERY: i64 = HOUR;
/// Of a dex of which they are not known yet.
const FIRST_VOLUMES_EVERY: i64 = MINUTE;

const FORGOTTEN: &str = "the exchange remembers the latest 5,000 candles of a market";

impl Polls {
    pub fn poll_candles(&mut self, now: i64) {
        self.candles.is_wanted = true;
        self.stand_candles(now);
    }

    /// What is listed and traded may have changed.
    pub(super) fn stand_candles(&mut self, now: i64) {
        if !self.candles.is_wanted {
            return;
        }
        for dex in &self.dexes {
            let is_known = self.candles.volumes.contains_key(dex);
            let every = if is_known { VOLUMES_EVERY } else { FIRST_VOLUMES_EVERY };
            // What was never asked goes first: without it no candle can be asked for.
            self.schedule.stand(Job::Volumes(dex.clone()), standing(every), 0);
        }
        match self.candles.every() {
            Some(every) => self.schedule.stand(Job::Candles, standing(every), now - every),
            None => self.schedule.remove(&Job::Candles),
        }
    }

    pub(super) fn take_volumes(&mut self, dex: &str, reply: &[u8], received: i64) -> Result<Rest, String> {
        self.candles.learn(dex, volumes(reply)?);
        self.stand_candles(received);
        Ok(Rest::Nothing)
    }

    pub(super) fn take_candles(
        &mut self,
        question: &Question,
        reply: &[u8],
        origin: &Origin<'_>,
        out: &mut Outbox,
    ) -> Result<Rest, String> {
        let Question::Candles { req: CandleStretch { coin, start_time, end_time, .. } } = question else {
            return Ok(Rest::Nothing);
        };
        let Some(reading) = self.candles.readings.get_mut(coin) else { return Ok(Rest::Nothing) };
        let read = |text| parse(coin, text, origin.received).map(|told| (told.candle.time, String::new(), told));
        let full = usize::try_from(REMEMBERED).unwrap_or(usize::MAX);
        let mut page = elements(reply, reading.border.time, full, read)?;
        // A minute that is not over may still change.
        page.retain(|item| item.time <= *end_time);
        let forgotten_from = reading.border.time + MINUTE;
        if forgotten_from < *start_time {
            let gap = FeedStatus::of(SOURCE, SourceStatus::Gap, origin.received, FORGOTTEN);
            let part = Some(format!("Candles of {coin}").as_str().into());
            out.send(&FeedStatus { part, from_time: Some(forgotten_from), to_time: Some(*start_time - 1), ..gap });
            self.counts.gaps += 1;
            reading.border = Border::at(*start_time - MINUTE);
        }
        let news = reading.border.pass(page, full);
        self.counts.duplicates += news.duplicates;
        for element in news.items.into_iter().map(|item| item.value) {
            match element.read {
                Ok(Told { candle, text }) => {
                    origin.send(&candle, &text, out);
                    self.counts.facts += 1;
                }
                Err(reason) => {
                    origin.set_aside(&format!("#{}", element.place), element.text.as_bytes(), &reason, out);
                    self.counts.dead_letters += 1;
                }
            }
        }
        Ok(Rest::Nothing)
    }
}

impl Candles {
    pub fn restore(&mut self, coin: Coin, reading: Reading) {
        self.readings.insert(coin, reading);
    }

    /// All minutes that are over, of the market that was asked for longest ago; of a new one, those of the last hour.
    pub fn question(&self, now: i64) -> Option<Question> {
        let asked = |coin: &&Coin| self.readings.get(*coin).and_then(|reading| reading.asked);
        let coin = self.busiest.iter().min_by_key(asked)?;
        let last = Interval::OneMinute.bucket(now - SETTLED_AFTER - MINUTE);
        let known = self.readings.get(coin).map(|reading| reading.border.time);
        let next = known.unwrap_or(last - HOUR) + MINUTE;
        let start_time = next.clamp(last - (REMEMBERED - 1) * MINUTE, last);
        let (coin, interval, end_time) = (coin.clone(), Interval::OneMinute, last + MINUTE - 1);
        Some(Question::Candles { req: CandleStretch { coin, interval, start_time, end_time } })
    }

    /// Whatever came of it, others are next.
    pub fn end(&mut self, question: &Question, received: i64) {
        let Question::Candles { req: CandleStretch { coin, start_time, .. } } = question else { return };
        let new = || Reading { border: Border::at(start_time - MINUTE), asked: None };
        self.readings.entry(coin.clone()).or_insert_with(new).asked = Some(received);
        self.changed.insert(coin.clone());
    }

    pub fn write_state(&mut self, now: i64, out: &mut Outbox) {
        let batch = out.batch(&topics::STATE_PARSER_INFO, 0);
        for coin in std::mem::take(&mut self.changed) {
            let reading = self.readings.get(&coin).and_then(|reading| serde_json::to_vec(reading).ok());
            batch.push(now, candles_key(&coin).as_bytes(), reading.as_deref(), &[]);
        }
    }

    fn learn(&mut self, dex: &str, volumes: Vec<(Coin, Amount)>) {
        self.volumes.insert(dex.to_owned(), volumes);
        let mut all: Vec<&(Coin, Amount)> = self.volumes.values().flatten().collect();
        all.sort_by_key(|(_, volume)| Reverse(*volume));
        self.busiest = all.into_iter().take(BUSIEST).map(|(coin, _)| coin.clone()).collect();
    }

    /// How often any of them is asked for, so that each is once an hour; nothing, when there is none.
    fn every(&self) -> Option<i64> {
        HOUR.checked_div(i64::try_from(self.busiest.len()).ok()?)
    }
}

fn standing(every: i64) -> Standing {
    Standing { every, importance: Importance::default() }
}

struct Told {
    candle: ExchangeCandle,
    /// As it goes on.
    text: String,
}

fn parse(coin: &Coin, text: &str, received: i64) -> Result<Told, String> {
    let text = with_front(&format!(r#""asked_at":{received},"#), text).map_err(not_a_candle)?;
    let candle: ExchangeCandle = serde_json::from_str(&text).map_err(not_a_candle)?;
    let is_asked_for = candle.coin == *coin && candle.interval == Interval::OneMinute;
    is_asked_for.then_some(Told { candle, text }).ok_or_else(|| not_a_candle("of another market or interval"))
}

fn not_a_candle(reason: impl std::fmt::Display) -> String {
    format!("not a candle: {reason}")
}
