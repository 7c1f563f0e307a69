//! A wallet's fills, asked for page by page of an exchange that remembers the latest only, and by processes that end
//! anywhere.

use schemas::{DeadLetter, Fill, GENERATION, Outbox};

use super::super::job::Job;
use super::super::polls::{Answer, Polls};
use super::super::schedule::Next;
use super::super::spending::SpendingRecord;
use super::super::state::entry;
use super::{Log, NOW, wallet};
use crate::InfoError;

const PAGE: usize = 2_000;
const REMEMBERED: usize = 10_000;

fn fill(time: i64, number: usize) -> String {
    // Dust has no number of its own.
    let tid = if number.is_multiple_of(5) { 0 } else { number };
    format!(
        r#"{{"coin":"BTC","px":"10.0","sz":"1.50","side":"B","time":{time},"startPosition":"{number}.0","dir":"Open Long","closedPnl":"0.0","hash":"0x{:064x}","oid":1,"crossed":true,"fee":"0.0","tid":{tid},"feeToken":"USDC","new":{{"kept":[1.50,"x"]}}}}"#,
        0
    )
}

/// Three to a millisecond, so that pages end in the middle of one.
fn threes(numbers: std::ops::Range<usize>) -> impl Iterator<Item = i64> {
    numbers.map(|number| 1_000 + number as i64 / 3)
}

/// What is asked, the log it is committed to, and who answers.
struct World {
    polls: Polls,
    log: Log,
    now: i64,
    /// Of each fill that there ever was; its place is its number.
    times: Vec<i64>,
    pages: usize,
}

impl World {
    fn new(times: impl IntoIterator<Item = i64>) -> Self {
        let (_, polls) = Polls::open(Vec::new(), GENERATION.number, NOW).unwrap();
        Self { polls, log: Log::default(), now: NOW, times: times.into_iter().collect(), pages: 0 }.following()
    }

    fn following(mut self) -> Self {
        self.polls.follow_fills(wallet(1), self.now);
        self
    }

    /// Another process, which knows what was committed.
    fn restart(self) -> Self {
        let entries = self.log.state.iter().map(|(key, value)| entry(key, value).unwrap()).collect();
        let (_, polls) = Polls::open(entries, GENERATION.number, self.now).unwrap();
        Self { polls, ..self }.following()
    }

    /// As the exchange answers: the oldest first, from a time on.
    fn page(&self) -> String {
        let from = self.border();
        let remembered = self.times.iter().enumerate().skip(self.times.len().saturating_sub(REMEMBERED));
        let page = remembered.filter(|(_, time)| **time >= from).take(PAGE);
        let page: Vec<String> = page.map(|(number, time)| fill(*time, number)).collect();
        format!("[{}]", page.join(","))
    }

    fn border(&self) -> i64 {
        let (question, _) = self.polls.question(&Job::Fills(wallet(1)), self.now).unwrap();
        let asked: serde_json::Value = serde_json::from_str(&question.request()).unwrap();
        asked["startTime"].as_i64().unwrap()
    }

    fn take(&mut self, reply: Result<String, InfoError>) -> Outbox {
        let job = Job::Fills(wallet(1));
        let (question, _) = self.polls.question(&job, self.now).unwrap();
        self.polls.begin(&job);
        let mut out = Outbox::new(GENERATION);
        let (begun, received) = (self.now, self.now);
        let reply = reply.map(String::into_bytes);
        self.polls.take(&Answer { job, question, begun, received, reply }, &mut out);
        self.polls.write_state(SpendingRecord::default(), self.now, &mut out);
        self.pages += 1;
        out
    }

    fn answered(&mut self, reply: impl Into<String>) {
        let mut out = self.take(Ok(reply.into()));
        self.log.commit(&mut out);
    }

    fn is_due(&self) -> bool {
        self.polls.next(self.now) == Next::Now(Job::Fills(wallet(1)))
    }

    /// Page after page, as long as the next one is due at once.
    fn walk(&mut self) {
        self.polls.schedule.remove(&Job::Dexs);
        while self.is_due() {
            self.answered(self.page());
        }
    }

    fn fills(&self) -> Vec<Fill> {
        self.log.fills.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    fn numbers(&self) -> Vec<usize> {
        let start = |fill: Fill| fill.start_position.to_string();
        self.fills().into_iter().map(|fill| start(fill).strip_suffix(".0").unwrap().parse().unwrap()).collect()
    }

    fn missing(&self) -> Vec<(i64, i64)> {
        let part = format!("Fills of {}", wallet(1));
        assert!(self.log.statuses.iter().all(|gap| gap.part.as_deref() == Some(&part)));
        self.log.statuses.iter().map(|gap| (gap.from_time.unwrap(), gap.to_time.unwrap())).collect()
    }
}

#[test]
fn each_fill_comes_once_whatever_the_pages_borders_cut_and_wherever_a_process_ends() {
    let mut world = World::new(threes(0..7_000));
    let first = world.page();
    while world.numbers().len() < 7_000 {
        // One is killed before its commit, the next one behind it.
        drop(world.take(Ok(world.page())));
        world = world.restart();
        world.answered(world.page());
        world = world.restart();
    }
    assert_eq!(world.log.raw.concat()[..first.len()], first);
    world.times.extend(threes(7_000..7_010));
    world.answered(world.page());
    assert_eq!(world.numbers(), (0..7_010).collect::<Vec<_>>());
    assert_eq!(world.missing(), [], "the exchange remembers more than that");
    let front = format!(r#"{{"block":1000000000000,"index":1,"user":"{}","#, wallet(1));
    assert_eq!(world.log.fills[1], format!("{front}{}", &fill(1_000, 1)[1..]));
    let places = world.fills().iter().enumerate().all(|(number, fill)| fill.index as usize == number % 3);
    assert!(places, "also where a page ended in the middle of a millisecond");
    assert!(world.fills().iter().all(|fill| fill.user == wallet(1)));
}

#[test]
fn the_next_page_is_due_at_once_and_what_is_new_a_minute_later() {
    let mut world = World::new(threes(0..7_000));
    world.walk();
    assert_eq!((world.numbers().len(), world.pages), (7_000, 4));
    assert_eq!(world.border(), 1_000 + 6_999 / 3, "from the last millisecond, not from the one behind it");
    assert_eq!(world.polls.next(world.now), Next::At(world.now + 60_000));
    world.times.extend(threes(7_000..7_001));
    world.now += 60_000;
    world.walk();
    assert_eq!((world.numbers().len(), world.pages), (7_001, 5));
    assert_eq!(world.polls.counts.duplicates, 6 + 1, "what was known of the borders' milliseconds");
}

#[test]
fn an_exchange_that_refuses_is_asked_for_the_same_page_again() {
    let mut world = World::new(threes(0..5_000));
    world.polls.schedule.remove(&Job::Dexs);
    world.answered(world.page());
    let (border, told) = (world.border(), world.numbers().len());
    for status in [429, 502] {
        let mut out = world.take(Err(InfoError::Status { url: "u".to_owned(), status }));
        world.log.commit(&mut out);
        assert_eq!((world.border(), world.is_due(), world.numbers().len()), (border, false, told));
        world.now += 62_000;
    }
    world.walk();
    assert_eq!((world.numbers(), world.missing()), ((0..5_000).collect(), vec![]));
}

#[test]
fn a_millisecond_that_fills_a_page_is_said_to_be_incomplete_and_the_rest_comes() {
    let crowd = std::iter::repeat_n(5_000, 2_300).chain([5_000, 5_001, 5_002, 5_002]);
    let mut world = World::new(threes(0..1_500).chain(crowd));
    world.walk();
    let numbers = world.numbers();
    assert_eq!(numbers[..3_500], (0..3_500).collect::<Vec<_>>());
    assert_eq!(numbers[3_500..], [3_801, 3_802, 3_803]);
    // Nobody knows any more how many there are: what was before the first may have been forgotten.
    assert_eq!(world.missing(), [(0, 1_000), (5_000, 5_000)]);
}

#[test]
fn what_the_exchange_had_forgotten_before_the_first_fill_is_said() {
    let mut world = World::new(threes(0..10_600));
    world.walk();
    assert_eq!(world.numbers(), (600..10_600).collect::<Vec<_>>());
    assert_eq!(world.missing(), [(0, 1_200)], "some of the first fill's own millisecond may be missing too");
    world.times.extend(threes(10_600..10_700));
    world.now += 60_000;
    world.walk();
    assert_eq!((world.numbers().len(), world.missing().len()), (10_100, 1));
}

#[test]
fn what_the_exchange_forgets_between_two_pages_is_said() {
    let mut world = World::new(threes(0..2_500));
    world.answered(world.page());
    world = world.restart();
    assert_eq!(world.border(), 1_666);
    world.times.extend(threes(2_500..13_000));
    world.walk();
    let expected: Vec<usize> = (0..2_000).chain(3_000..13_000).collect();
    assert_eq!(world.numbers(), expected);
    // That it forgets says also that it may have done so before.
    assert_eq!(world.missing(), [(0, 1_000), (1_666, 2_000)]);
    world.now += 60_000;
    world = world.restart();
    world.times.extend(threes(13_000..23_005));
    world.walk();
    assert_eq!(world.missing()[2..], [(5_333, 5_335)]);
    assert_eq!(world.numbers()[12_000..], (13_005..23_005).collect::<Vec<_>>());
}

#[test]
fn nothing_is_missing_when_an_exchange_that_is_behind_tells_less_than_before() {
    let mut world = World::new(threes(0..900));
    world.walk();
    world.times.truncate(300);
    for _ in 0..2 {
        world.now += 60_000;
        world.walk();
    }
    world.times.extend(threes(300..1_000));
    world.now += 60_000;
    world.walk();
    assert_eq!((world.numbers(), world.missing()), ((0..1_000).collect(), vec![]));
}

#[test]
fn what_others_have_brought_is_passed_over_and_keeps_its_place() {
    let mut world = World::new(threes(0..7_000));
    world.polls.fills.leave(vec![(0, 1_099), (2_000, 2_001)]);
    world.walk();
    let expected: Vec<usize> = (300..3_000).chain(3_006..7_000).collect();
    assert_eq!(world.numbers(), expected);
    assert_eq!(world.polls.counts.duplicates, 6 + 306);
    assert!(world.fills().iter().all(|fill| fill.block == 1_000_000_000_000));
}

#[test]
fn a_wallet_that_is_named_again_goes_on_where_it_was() {
    let mut world = World::new(threes(0..100));
    world.walk();
    assert!(world.polls.follow(wallet(1), 1_000.into(), true, NOW));
    world.polls.unfollow(wallet(1));
    let mut out = Outbox::new(GENERATION);
    world.polls.write_state(SpendingRecord::default(), NOW, &mut out);
    world.log.commit(&mut out);
    world = world.restart();
    world.times.extend(threes(100..120));
    world.now += 600_000;
    world.walk();
    assert_eq!(world.numbers(), (0..120).collect::<Vec<_>>());
}

#[test]
fn what_is_no_fill_is_set_aside_once_and_what_is_no_page_whole() {
    let mut world = World::new([]);
    let bad = r#"{"coin":"BTC","time":1000}"#;
    let page = format!("[{},{bad},{}]", fill(1_000, 1), fill(1_001, 2));
    for reply in ["null", &page, &page, "[]"] {
        world.answered(reply);
        world = world.restart();
    }
    assert_eq!(world.numbers(), [1, 2]);
    let told = |letter: &DeadLetter| (letter.text.clone().unwrap(), letter.position.ends_with("}#1"));
    let letters: Vec<_> = world.log.letters.iter().map(told).collect();
    assert_eq!(letters, [("null".to_owned(), false), (bad.to_owned(), true)]);
    assert_eq!(world.missing(), []);
}
