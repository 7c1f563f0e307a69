//! A tape that is heard with interruptions: each trade is published once, or lies in a stretch that was said.

use std::collections::BTreeSet;

use proptest::prelude::*;
use schemas::{GENERATION, Outbox, SourceStatus};
use serde_json::Value;

use super::super::feed::{Event, Feed};
use super::{Log, lost, subscribed, trade, trades};

const COINS: [&str; 3] = ["BTC", "ETH", "xyz:CL"];

#[derive(Debug, Clone)]
enum Step {
    /// So many trades happen; frames hold at most so many, and some begin with the trade before.
    Trades {
        count: usize,
        at_once: usize,
        repeats: bool,
    },
    /// The connection is lost, and with it the last so many trades.
    Lose {
        under_way: usize,
    },
    /// A connection with backlogs of so many trades, on which trades happen while it is subscribed, coin by coin;
    /// it may end before everything is subscribed.
    Connect {
        backlogs: [usize; 3],
        meanwhile: usize,
        is_whole: bool,
        settles: bool,
    },
    Commit,
    /// Everything since the last commit is forgotten, and a new process begins.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..40, 1usize..20, any::<bool>()).prop_map(|(count, at_once, repeats)| Step::Trades { count, at_once, repeats }),
        1 => (0usize..20).prop_map(|under_way| Step::Lose { under_way }),
        2 => ([backlog(), backlog(), backlog()], 0usize..5, prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(backlogs, meanwhile, is_whole, settles)| Step::Connect { backlogs, meanwhile, is_whole, settles }),
        2 => Just(Step::Commit),
        1 => Just(Step::Kill),
    ]
}

/// As long as the exchange's, longer than what is remembered, or none at all.
fn backlog() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0usize), 4 => 1usize..90]
}

/// Coin and milliseconds after the trade before.
fn tape() -> impl Strategy<Value = Vec<(usize, i64)>> {
    let later = prop_oneof![Just(0i64), 1i64..50, 3_000i64..10_000];
    prop::collection::vec((0usize..COINS.len(), later), 1500..1501)
}

struct World {
    /// Coin, time and tid.
    tape: Vec<(usize, i64, u64)>,
    happened: usize,
    /// The coins that are subscribed, while there is a connection.
    heard: Option<BTreeSet<usize>>,
    feed: Feed,
    out: Outbox,
    log: Log,
}

impl World {
    fn new(tape: &[(usize, i64)]) -> Self {
        let mut time = 1_000_000;
        let trades = tape.iter().zip(1..).map(|((coin, later), tid)| {
            time += later;
            (*coin, time, tid)
        });
        let (tape, log) = (trades.collect(), Log::default());
        let (feed, out) = (log.feed(&COINS), Outbox::new(GENERATION));
        Self { tape, happened: 0, heard: None, feed, out, log }
    }

    fn now(&self) -> i64 {
        self.tape[..self.happened].last().map_or(1_000_000, |(_, time, _)| *time) + 500
    }

    fn take(&mut self, event: &Event) {
        self.feed.take(event, &mut self.out);
    }

    fn send(&mut self, sent: &[(usize, i64, u64)]) {
        let texts: Vec<String> = sent.iter().map(|(coin, time, tid)| trade(COINS[*coin], *time, *tid)).collect();
        let received = self.now();
        self.take(&Event::Frame { bytes: trades(&texts).into_bytes(), received });
    }

    fn happen(&mut self, count: usize, at_once: usize, repeats: bool) {
        let from = self.happened;
        self.happened = (from + count).min(self.tape.len());
        let heard = self.heard.clone().unwrap_or_default();
        let news: Vec<_> =
            self.tape[from..self.happened].iter().filter(|(coin, ..)| heard.contains(coin)).copied().collect();
        let mut before: Vec<(usize, i64, u64)> = Vec::new();
        for run in news.chunk_by(|left, right| left.0 == right.0).flat_map(|run| run.chunks(at_once)) {
            let repeated = before.last().filter(|(coin, ..)| repeats && *coin == run[0].0);
            let frame: Vec<_> = repeated.into_iter().chain(run).copied().collect();
            self.send(&frame);
            before = run.to_vec();
        }
    }

    fn lose(&mut self, under_way: usize) {
        if self.heard.take().is_some() {
            self.happen(under_way, 1, false);
            self.take(&lost(self.now()));
        }
    }

    fn connect(&mut self, backlogs: [usize; 3], meanwhile: usize, is_whole: bool, settles: bool) {
        self.lose(0);
        self.take(&Event::Opened);
        for (coin, length) in backlogs.into_iter().enumerate().take(if is_whole { 3 } else { 2 }) {
            let of_coin: Vec<_> =
                self.tape[..self.happened].iter().filter(|(other, ..)| *other == coin).copied().collect();
            let backlog = &of_coin[of_coin.len().saturating_sub(length)..];
            if !backlog.is_empty() {
                self.send(backlog);
            }
            self.heard.get_or_insert_default().insert(coin);
            self.happen(meanwhile, 3, false);
        }
        if is_whole {
            self.take(&subscribed(&COINS, self.now()));
            if settles {
                self.happen(meanwhile, 3, true);
                self.take(&Event::Settled { time: self.now() });
            }
        }
    }

    fn commit(&mut self) {
        self.feed.write_state(&mut self.out);
        self.log.commit(&mut self.out);
    }

    fn kill(&mut self) {
        self.out.clear();
        self.heard = None;
        self.feed = self.log.feed(&COINS);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Trades { count, at_once, repeats } => self.happen(count, at_once, repeats),
            Step::Lose { under_way } => self.lose(under_way),
            Step::Connect { backlogs, meanwhile, is_whole, settles } => {
                self.connect(backlogs, meanwhile, is_whole, settles);
            }
            Step::Commit => self.commit(),
            Step::Kill => self.kill(),
        }
    }

    /// What was published, and of what was neither published nor said to be missing.
    fn verdict(&self) -> (Vec<u64>, Vec<u64>) {
        let tid = |fact: &String| serde_json::from_str::<Value>(fact).unwrap()["tid"].as_u64().unwrap();
        let published: Vec<u64> = self.log.trades.iter().map(tid).collect();
        let (gaps, known) = (self.log.gaps(), published.iter().collect::<BTreeSet<_>>());
        let connected = self.log.statuses.iter().find(|status| status.status == SourceStatus::Connected);
        let since = connected.map_or(i64::MAX, |status| status.time);
        let is_said = |time: i64| time <= since || gaps.iter().any(|(from, to)| *from <= time && time <= *to);
        let happened = self.tape[..self.happened].iter();
        let unsaid = happened.filter(|(_, time, tid)| !known.contains(tid) && !is_said(*time));
        (published.clone(), unsaid.map(|(_, _, tid)| *tid).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_trade_is_published_once_or_lies_in_a_gap_that_was_said(tape in tape(), steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new(&tape);
        steps.iter().for_each(|step| world.step(step));
        world.connect([30, 30, 30], 1, true, true);
        world.commit();
        let (published, unsaid) = world.verdict();
        let mut once = published.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), published.len(), "a trade was published twice");
        prop_assert_eq!(unsaid, Vec::<u64>::new(), "trades are missing and no gap says so");
        prop_assert_eq!(&world.log.letters, &Vec::<String>::new());
    }
}
