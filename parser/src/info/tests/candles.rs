//! Candles of the busiest markets, asked for by processes that end anywhere, of an exchange that tells too much, too
//! late, or nothing.

use std::collections::BTreeMap;

use schemas::{GENERATION, Outbox};
use serde_json::{Value, json};

use super::super::job::{Job, Kind};
use super::super::polls::{Answer, Polls};
use super::super::priority::Priority;
use super::super::question::Question;
use super::super::schedule::Next;
use super::super::spending::SpendingRecord;
use super::super::state::entry;
use super::{Log, NOW};
use crate::InfoError;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// The start of the minute that holds it.
const THIS_MINUTE: i64 = NOW - NOW % MINUTE;

fn candle(coin: &str, start: i64) -> String {
    let end = start + MINUTE - 1;
    format!(
        r#"{{"t":{start},"T":{end},"s":"{coin}","i":"1m","o":"1.50","c":"2.0","h":"2.5","l":"1.0","v":"7.10","n":3,"new":[1.50]}}"#
    )
}

fn page(coin: &str, starts: impl IntoIterator<Item = i64>) -> String {
    let candles: Vec<String> = starts.into_iter().map(|start| candle(coin, start)).collect();
    format!("[{}]", candles.join(","))
}

/// Each market with what was traded of it in a day.
fn contexts(markets: &[(&str, &str)], delisted: &[&str]) -> String {
    let universe = markets.iter().map(|(coin, _)| json!({ "name": coin, "isDelisted": delisted.contains(coin) }));
    let contexts = markets.iter().map(|(_, volume)| json!({ "dayNtlVlm": volume }));
    json!([{ "universe": universe.collect::<Vec<_>>() }, contexts.collect::<Vec<_>>()]).to_string()
}

struct World {
    polls: Polls,
    log: Log,
    now: i64,
}

impl World {
    fn new(markets: &[(&str, &str)]) -> Self {
        let mut world = Self::behind(Log::default(), NOW);
        world.learn(contexts(markets, &[]));
        world
    }

    fn behind(log: Log, now: i64) -> Self {
        let entries = log.state.iter().map(|(key, value)| entry(key, value).unwrap()).collect();
        let (_, mut polls) = Polls::open(entries, GENERATION.number, now).unwrap();
        polls.poll_candles(now);
        polls.schedule.remove(&Job::Dexs);
        Self { polls, log, now }
    }

    /// Another process, which knows what was committed.
    fn restart(self, markets: &[(&str, &str)]) -> Self {
        let mut world = Self::behind(self.log, self.now);
        world.learn(contexts(markets, &[]));
        world
    }

    fn learn(&mut self, contexts: String) {
        let mut out = self.take(&Job::Volumes(String::new()), Ok(contexts));
        self.log.commit(&mut out);
    }

    fn take(&mut self, job: &Job, reply: Result<String, InfoError>) -> Outbox {
        let (question, _) = self.polls.question(job, self.now).unwrap();
        self.polls.begin(job);
        let (job, begun, received, mut out) = (job.clone(), self.now, self.now, Outbox::new(GENERATION));
        self.polls.take(&Answer { job, question, begun, received, reply: reply.map(String::into_bytes) }, &mut out);
        self.polls.write_state(SpendingRecord::default(), received, &mut out);
        out
    }

    fn answered(&mut self, reply: impl Into<String>) {
        let mut out = self.take(&Job::Candles, Ok(reply.into()));
        self.log.commit(&mut out);
    }

    fn failed(&mut self, status: u16) {
        let mut out = self.take(&Job::Candles, Err(InfoError::Status { url: "u".to_owned(), status }));
        self.log.commit(&mut out);
    }

    /// Which market would be asked for next, from when, and to when.
    fn question(&self) -> (String, i64, i64) {
        let (question, priority) = self.polls.question(&Job::Candles, self.now).unwrap();
        assert_eq!(priority, Priority::Candles);
        let Question::Candles { req } = question else { panic!("{question:?}") };
        (req.coin.to_string(), req.start_time, req.end_time)
    }

    /// Every minute from where the question begins, the one that is not over among them.
    fn all_since(&self) -> Vec<i64> {
        let (_, start, _) = self.question();
        (start / MINUTE..=self.now / MINUTE).map(|minute| minute * MINUTE).collect()
    }

    fn told(&self) -> Vec<i64> {
        let start = |text: &String| serde_json::from_str::<Value>(text).unwrap()["t"].as_i64().unwrap();
        self.log.candles.iter().map(start).collect()
    }
}

const ONE: [(&str, &str); 1] = [("BTC", "5.0")];

#[test]
fn a_candle_goes_on_as_it_was_written() {
    let mut world = World::new(&ONE);
    let (coin, start, end) = world.question();
    let last = THIS_MINUTE - 2 * MINUTE;
    assert_eq!((coin.as_str(), start, end), ("BTC", last - 59 * MINUTE, last + MINUTE - 1), "the last hour");
    let (question, _) = world.polls.question(&Job::Candles, NOW).unwrap();
    let request = format!(
        r#"{{"type":"candleSnapshot","req":{{"coin":"BTC","interval":"1m","startTime":{start},"endTime":{end}}}}}"#
    );
    assert_eq!(question.request(), request);
    world.answered(page("BTC", [last]));
    let fields = candle("BTC", last);
    assert_eq!(world.log.candles, [format!(r#"{{"asked_at":{NOW},{}"#, fields.strip_prefix('{').unwrap())]);
    assert_eq!(world.log.raw, [page("BTC", [last])], "of what facts were made of");
}

#[test]
fn each_minute_comes_once_and_when_it_is_over_whenever_processes_are_killed() {
    let mut world = World::new(&ONE);
    let (_, first, _) = world.question();
    for step in 0..600 {
        world.now += 17_003;
        let reply = page("BTC", world.all_since());
        let mut out = world.take(&Job::Candles, Ok(reply));
        // Every third is killed before it has committed, every fifth behind that.
        if step % 3 != 0 {
            world.log.commit(&mut out);
        }
        if step % 3 == 0 || step % 5 == 0 {
            world = world.restart(&ONE);
        }
        let newest = world.told().last().copied().unwrap_or(first);
        assert!(newest + MINUTE + 90_000 <= world.now, "it was not over for long enough");
    }
    let last = (world.now - 90_000) / MINUTE * MINUTE - MINUTE;
    let all: Vec<i64> = (first / MINUTE..=last / MINUTE).map(|minute| minute * MINUTE).collect();
    assert_eq!(world.told(), all);
}

#[test]
fn minutes_without_trades_are_absent_and_those_that_an_exchange_tells_late_come() {
    let mut world = World::new(&ONE);
    let last = THIS_MINUTE - 2 * MINUTE;
    world.answered(page("BTC", [last - 9 * MINUTE, last - 7 * MINUTE]));
    world.now += 30 * MINUTE;
    assert_eq!(world.question().1, last - 6 * MINUTE, "behind the newest that was told");
    world.answered("[]");
    world.answered(page("BTC", [last - 9 * MINUTE, last - 7 * MINUTE, last, last + 3 * MINUTE]));
    assert_eq!(world.told(), [-9, -7, 0, 3].map(|after| last + after * MINUTE));
    assert_eq!((world.polls.counts.duplicates, world.polls.counts.gaps), (2, 0));
}

#[test]
fn the_busiest_take_turns_and_each_is_asked_for_once_an_hour() {
    let names: Vec<(String, String)> = (0..70).map(|number| (format!("C{number}"), format!("{number}.5"))).collect();
    let mut markets: Vec<(&str, &str)> = names.iter().map(|(name, volume)| (&**name, &**volume)).collect();
    markets.push(("GONE", "1000.0"));
    let mut world = World::behind(Log::default(), NOW);
    assert_eq!(world.polls.next(NOW), Next::Now(Job::Volumes(String::new())));
    world.learn(contexts(&markets, &["GONE"]));
    let (mut asked, mut order, mut weight) = (BTreeMap::<String, usize>::new(), Vec::new(), 0);
    while world.now < NOW + 2 * HOUR {
        match world.polls.next(world.now) {
            Next::Now(Job::Candles) => {
                let (coin, ..) = world.question();
                let reply = page(&coin, world.all_since());
                weight += world.polls.question(&Job::Candles, world.now).unwrap().0.price().of(reply.as_bytes());
                *asked.entry(coin.clone()).or_default() += 1;
                order.push(coin);
                world.answered(reply);
            }
            Next::Now(Job::Volumes(_)) => world.learn(contexts(&markets, &["GONE"])),
            Next::At(time) => world.now = time,
            next => panic!("{next:?}"),
        }
    }
    assert_eq!(order[..3], ["C69", "C68", "C67"], "the most traded first");
    assert_eq!((asked.len(), asked.values().all(|times| *times == 2)), (50, true), "{asked:?}");
    assert!((18..=19).contains(&(weight / 120)), "{} a minute", weight / 120);
}

#[test]
fn who_is_delisted_is_not_asked_for_and_goes_on_where_it_was_when_it_comes_back() {
    let markets = [("BTC", "5.0"), ("SOL", "7.0")];
    let mut world = World::new(&markets);
    let reply = page("SOL", world.all_since());
    world.answered(reply);
    let told = world.told().len();
    world.learn(contexts(&markets, &["SOL"]));
    for _ in 0..3 {
        assert_eq!(world.question().0, "BTC");
        world.answered("[]");
        world.now += HOUR;
    }
    world.learn(contexts(&markets, &["SOL", "BTC"]));
    assert_eq!(world.polls.question(&Job::Candles, world.now), None);
    assert_eq!(world.polls.next(world.now), Next::At(world.now + HOUR), "nobody is left but the volumes");
    world = world.restart(&markets);
    assert_eq!(world.question().0, "SOL");
    let reply = page("SOL", world.all_since());
    world.answered(reply);
    assert_eq!(world.told().len(), told + 180);
    assert_eq!(world.told().windows(2).find(|pair| pair[0] + MINUTE != pair[1]), None);
}

#[test]
fn what_is_no_candle_is_set_aside_once_and_what_is_no_page_whole() {
    let mut world = World::new(&ONE);
    let last = THIS_MINUTE - 2 * MINUTE;
    let (bad, other) = (r#"{"t":"never"}"#, candle("SOL", last - MINUTE));
    let reply = format!("[{},{other},{},{bad}]", candle("BTC", last - MINUTE), candle("BTC", last));
    // Nobody knows of which minute it is: it may come again behind the newest that was told.
    for reply in ["null", &reply, &format!("[{bad}]"), "[]"] {
        world.answered(reply);
        world = world.restart(&ONE);
    }
    assert_eq!(world.told(), [last - MINUTE, last]);
    let letters: Vec<_> = world.log.letters.iter().map(|letter| letter.text.as_deref().unwrap()).collect();
    assert_eq!(letters, ["null", &other, bad]);
    assert!(world.log.letters[2].position.ends_with("}#3"), "{}", world.log.letters[2].position);
    world.learn(r#"[{"universe":[{"name":"BTC"}]},[]]"#.to_owned());
    assert!(world.log.letters[3].reason.contains("not as many as markets"));
}

#[test]
fn what_the_exchange_has_forgotten_is_said_and_the_rest_comes() {
    let mut world = World::new(&ONE);
    let last = THIS_MINUTE - 2 * MINUTE;
    world.answered(page("BTC", [last]));
    world.now += 5_010 * MINUTE;
    world = world.restart(&ONE);
    assert_eq!(world.question().1, last + 11 * MINUTE);
    let reply = page("BTC", world.all_since());
    world.answered(reply);
    assert_eq!(world.told().len(), 1 + 5_000);
    let [gap] = world.log.statuses.as_slice() else { panic!("{:?}", world.log.statuses) };
    assert_eq!(gap.part.as_deref(), Some("Candles of BTC"));
    assert_eq!((gap.from_time, gap.to_time), (Some(last + MINUTE), Some(last + 11 * MINUTE - 1)));
}

#[test]
fn an_endpoint_that_does_not_answer_is_left_alone_and_others_are_next() {
    let mut world = World::new(&[("BTC", "5.0"), ("SOL", "7.0")]);
    world.failed(429);
    assert_eq!((world.polls.counts.refused, world.question().0.as_str()), (1, "BTC"));
    assert_eq!(world.polls.setbacks.not_before(Kind::Candles), NOW + 1_000);
    world.now += HOUR;
    world.failed(422);
    assert_eq!(world.polls.setbacks.not_before(Kind::Candles), world.now + 600_000);
    assert_eq!(world.polls.setbacks.not_before(Kind::Account), i64::MIN);
    world.now += 600_000;
    assert_eq!(world.question().1, THIS_MINUTE - 61 * MINUTE, "from where it was asked first");
}
