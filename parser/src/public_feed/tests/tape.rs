//! A tape that is heard on several connections, with interruptions: each trade is published once, or lies in a gap that
//! was said of its coin; and no gap is said of a coin that was heard all the time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use schemas::{Coin, GENERATION, Outbox};
use serde_json::Value;

use super::super::event::{Event, What};
use super::super::feed::Feed;
use super::{Log, trade, trades};

const COINS: [&str; 5] = ["BTC", "ETH", "SOL", "xyz:CL", "@1"];
const CONNECTIONS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// So many trades happen; frames hold at most so many, and some begin with the trade before. What a connection is
    /// behind with comes later.
    Trades {
        count: usize,
        at_once: usize,
        repeats: bool,
        behind: Option<usize>,
    },
    /// A connection is lost, and with it the last so many trades.
    Lose {
        on: usize,
        under_way: usize,
    },
    /// A connection is opened, or asks for what is new to it, with backlogs of so many trades, and trades happen
    /// meanwhile; it may end before everything is subscribed.
    Subscribe {
        on: usize,
        backlogs: [usize; COINS.len()],
        meanwhile: usize,
        is_whole: bool,
        settles: bool,
    },
    /// A market is listed that was not, or not any more; what nobody has noticed yet is not undone.
    List(usize),
    /// Newer metadata; a coin may be carried elsewhere from here on. The connection before gives it back at once, or
    /// brings it for a while.
    Follow {
        moved: usize,
        to: usize,
        at_once: bool,
    },
    Commit,
    /// Everything since the last commit is forgotten, and a new process begins.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let (coin, on) = (0usize..COINS.len(), 0usize..CONNECTIONS);
    let behind = prop::option::weighted(0.2, 0usize..CONNECTIONS);
    let backlogs = [backlog(), backlog(), backlog(), backlog(), backlog()];
    prop_oneof![
        8 => (1usize..60, 1usize..20, any::<bool>(), behind)
            .prop_map(|(count, at_once, repeats, behind)| Step::Trades { count, at_once, repeats, behind }),
        2 => (on.clone(), 0usize..20).prop_map(|(on, under_way)| Step::Lose { on, under_way }),
        6 => (on.clone(), backlogs, 0usize..5, prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(on, backlogs, meanwhile, is_whole, settles)| Step::Subscribe { on, backlogs, meanwhile, is_whole, settles }),
        1 => coin.clone().prop_map(Step::List),
        2 => (coin, on, any::<bool>()).prop_map(|(moved, to, at_once)| Step::Follow { moved, to, at_once }),
        3 => Just(Step::Commit),
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
    prop::collection::vec((0usize..COINS.len(), later), 2500..2501)
}

/// Coin, time and tid.
type Made = (usize, i64, u64);

struct World {
    to_come: VecDeque<Made>,
    happened: Vec<Made>,
    listed: BTreeSet<usize>,
    /// Which connection is to carry which coin.
    carriers: BTreeMap<usize, usize>,
    /// What is subscribed on each connection, while it is open, and what is under way on it.
    open: [Option<BTreeSet<usize>>; CONNECTIONS],
    under_way: [VecDeque<Vec<Made>>; CONNECTIONS],
    /// Of each coin, how much had happened when it was first said to be followed: now, and when it was committed.
    promised: [BTreeMap<usize, usize>; 2],
    /// When which coin was not heard; without an end, it is not heard now.
    unheard: Vec<(usize, i64, Option<i64>)>,
    /// Until when each coin was heard at the last commit, by whichever connection carried it then.
    committed: [i64; COINS.len()],
    feed: Feed,
    out: Outbox,
    log: Log,
}

impl World {
    fn new(tape: &[(usize, i64)]) -> Self {
        let mut time = 1_000_000;
        let made = tape.iter().zip(1..).map(|((coin, later), tid)| {
            time += later;
            (*coin, time, tid)
        });
        let log = Log::default();
        let carriers: BTreeMap<usize, usize> = (0..COINS.len()).map(|coin| (coin, coin % CONNECTIONS)).collect();
        let mut world = Self {
            to_come: made.collect(),
            happened: Vec::new(),
            listed: carriers.keys().copied().collect(),
            carriers,
            open: Default::default(),
            under_way: Default::default(),
            promised: Default::default(),
            unheard: (0..COINS.len()).map(|coin| (coin, 0, None)).collect(),
            committed: [1_000_000; COINS.len()],
            feed: log.feed(&COINS),
            out: Outbox::new(GENERATION),
            log,
        };
        world.carry();
        world
    }

    fn now(&self) -> i64 {
        self.happened.last().map_or(1_000_000, |(_, time, _)| *time) + 500
    }

    fn carry(&mut self) {
        let carriers = self.carriers.iter().map(|(coin, on)| (Coin::new(COINS[*coin]), *on)).collect();
        let was_heard = self.feed.cursor().heard_until > 0;
        self.feed.carry(carriers, self.now(), was_heard);
    }

    fn take(&mut self, on: usize, what: What) {
        let event = Event { on, time: self.now(), what };
        self.feed.take(&event, &mut self.out);
    }

    fn happen(&mut self, count: usize, at_once: usize, repeats: bool) {
        let (from, count) = (self.happened.len(), count.min(self.to_come.len()));
        let listed = self.listed.clone();
        self.happened.extend(self.to_come.drain(..count).filter(|(coin, ..)| listed.contains(coin)));
        for (on, open) in self.open.iter().enumerate() {
            let is_heard = |(coin, ..): &&Made| open.as_ref().is_some_and(|coins| coins.contains(coin));
            let news: Vec<Made> = self.happened[from..].iter().filter(is_heard).copied().collect();
            let mut before: Vec<Made> = Vec::new();
            for run in news.chunk_by(|left, right| left.0 == right.0).flat_map(|run| run.chunks(at_once)) {
                let repeated = before.last().filter(|(coin, ..)| repeats && *coin == run[0].0);
                self.under_way[on].push_back(repeated.into_iter().chain(run).copied().collect());
                before = run.to_vec();
            }
        }
    }

    fn arrive(&mut self, on: usize) {
        while let Some(frame) = self.under_way[on].pop_front() {
            let texts: Vec<String> = frame.iter().map(|(coin, time, tid)| trade(COINS[*coin], *time, *tid)).collect();
            self.take(on, What::Frame(trades(&texts).into_bytes()));
        }
    }

    fn arrive_except(&mut self, behind: Option<usize>) {
        (0..CONNECTIONS).filter(|on| Some(*on) != behind).for_each(|on| self.arrive(on));
    }

    fn lose(&mut self, on: usize, under_way: usize) {
        let since = self.heard_until(on);
        if self.open[on].take().is_some() {
            self.under_way[on].clear();
            self.miss(on, since);
            self.happen(under_way, 1, false);
            self.arrive_except(None);
            self.take(on, What::Lost { reason: "gone".to_owned() });
        }
    }

    fn heard_until(&self, on: usize) -> i64 {
        self.under_way[on].front().map_or(self.now(), |frame| frame[0].1)
    }

    /// The coins that a connection was to carry are not heard any more.
    fn miss(&mut self, on: usize, since: i64) {
        let missed = self.carriers.iter().filter(|(_, carrier)| **carrier == on);
        self.unheard.extend(missed.map(|(coin, _)| (*coin, since, None)));
    }

    fn subscribe(
        &mut self,
        on: usize,
        backlogs: [usize; COINS.len()],
        meanwhile: usize,
        is_whole: bool,
        settles: bool,
    ) {
        self.arrive(on);
        if self.open[on].is_none() {
            self.take(on, What::Opened);
            self.open[on] = Some(BTreeSet::new());
        }
        let share: BTreeSet<usize> = self.carriers.iter().filter(|(_, at)| **at == on).map(|(coin, _)| *coin).collect();
        self.open[on].as_mut().unwrap().retain(|coin| share.contains(coin));
        let new: Vec<usize> = share.difference(self.open[on].as_ref().unwrap()).copied().collect();
        let asked = new.len() - usize::from(!is_whole && !new.is_empty());
        for coin in new.into_iter().take(asked) {
            let of_coin: Vec<Made> = self.happened.iter().filter(|(other, ..)| *other == coin).copied().collect();
            let backlog = &of_coin[of_coin.len().saturating_sub(backlogs[coin])..];
            if !backlog.is_empty() {
                self.under_way[on].push_back(backlog.to_vec());
            }
            self.open[on].as_mut().unwrap().insert(coin);
            self.happen(meanwhile, 3, false);
            self.arrive_except(None);
        }
        if self.open[on].as_ref() == Some(&share) {
            self.promise(on, &share);
            if settles {
                self.happen(meanwhile, 3, true);
                self.arrive_except(None);
                self.take(on, What::Settled);
            }
        }
    }

    fn promise(&mut self, on: usize, share: &BTreeSet<usize>) {
        for coin in share {
            self.promised[0].entry(*coin).or_insert(self.happened.len());
        }
        let now = self.now();
        let ended = self.unheard.iter_mut().filter(|(coin, _, until)| until.is_none() && share.contains(coin));
        ended.for_each(|(_, _, until)| *until = Some(now));
        let coins = share.iter().map(|coin| Coin::new(COINS[*coin])).collect();
        self.take(on, What::Subscribed { coins, edition: 0 });
    }

    /// Nothing is promised of a market that was delisted, until it is followed again: from its listing on, which no
    /// metadata had told of before.
    fn follow(&mut self, moved: usize, to: usize, at_once: bool) {
        self.arrive_except(None);
        let now = self.now();
        for coin in 0..COINS.len() {
            let (is_listed, carrier) = (self.listed.contains(&coin), self.carriers.get(&coin).copied());
            match carrier {
                Some(_) if !is_listed => drop(self.carriers.remove(&coin)),
                Some(on) if coin == moved && on != to => drop(self.carriers.insert(coin, to)),
                None if is_listed => drop(self.carriers.insert(coin, to)),
                _ => continue,
            }
            self.unheard.push((coin, now, None));
            if let Some(coins) = carrier.filter(|_| at_once || !is_listed).and_then(|on| self.open[on].as_mut()) {
                coins.remove(&coin);
            }
        }
        self.carry();
    }

    fn commit(&mut self) {
        self.feed.write_state(&mut self.out);
        self.log.commit(&mut self.out);
        self.promised[1] = self.promised[0].clone();
        self.committed =
            std::array::from_fn(|coin| self.carriers.get(&coin).map_or(self.now(), |on| self.heard_until(*on)));
    }

    fn kill(&mut self) {
        self.out.clear();
        (self.open, self.under_way) = Default::default();
        self.promised[0] = self.promised[1].clone();
        self.unheard.extend(self.carriers.keys().map(|coin| (*coin, self.committed[*coin], None)));
        self.feed = self.log.feed(&COINS);
        self.carry();
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Trades { count, at_once, repeats, behind } => {
                self.happen(count, at_once, repeats);
                self.arrive_except(behind);
            }
            Step::Lose { on, under_way } => self.lose(on, under_way),
            Step::Subscribe { on, backlogs, meanwhile, is_whole, settles } => {
                self.subscribe(on, backlogs, meanwhile, is_whole, settles);
            }
            Step::List(coin) if self.listed.contains(&coin) != self.carriers.contains_key(&coin) => {}
            Step::List(coin) if self.listed.contains(&coin) => drop(self.listed.remove(&coin)),
            Step::List(coin) => drop(self.listed.insert(coin)),
            Step::Follow { moved, to, at_once } => self.follow(moved, to, at_once),
            Step::Commit => self.commit(),
            Step::Kill => self.kill(),
        }
    }

    fn end(&mut self) {
        self.follow(COINS.len(), 0, true);
        for on in 0..CONNECTIONS {
            self.subscribe(on, [30; COINS.len()], 1, true, true);
        }
        self.commit();
    }

    /// From when to when something was said to be missing of which coin.
    fn said(&self) -> Vec<(usize, i64, i64)> {
        let gaps = self.log.statuses.iter().filter_map(|status| Some((status, status.from_time?, status.to_time?)));
        let coins = |(status, from, to): (&schemas::FeedStatus, i64, i64)| {
            let names = status.reason.split_once(" missing of ").unwrap().1.split(", ");
            let place = |name: &str| COINS.iter().position(|coin| *coin == name).unwrap();
            names.map(|name| (place(name), from, to)).collect::<Vec<_>>()
        };
        gaps.flat_map(coins).collect()
    }

    fn published(&self) -> Vec<u64> {
        let tid = |fact: &String| serde_json::from_str::<Value>(fact).unwrap()["tid"].as_u64().unwrap();
        self.log.trades.iter().map(tid).collect()
    }

    /// What was promised, and neither published nor said to be missing.
    fn unsaid(&self) -> Vec<Made> {
        let (said, published) = (self.said(), self.published().into_iter().collect::<BTreeSet<_>>());
        let is_said =
            |made: &Made| said.iter().any(|(coin, from, to)| *coin == made.0 && *from <= made.1 && made.1 <= *to);
        let promised = |at: usize, made: &Made| self.promised[1].get(&made.0).is_some_and(|since| at >= *since);
        let happened = self.happened.iter().enumerate();
        let missing =
            happened.filter(|(at, made)| promised(*at, made) && !published.contains(&made.2) && !is_said(made));
        missing.map(|(_, made)| *made).collect()
    }

    /// What was said to be missing while it was heard.
    fn said_for_nothing(&self) -> Vec<(usize, i64, i64)> {
        let is_of = |(coin, from, to): &(usize, i64, i64), unheard: &(usize, i64, Option<i64>)| {
            *coin == unheard.0 && *from <= unheard.2.unwrap_or(i64::MAX) && unheard.1 <= to + SLACK_MS
        };
        self.said().into_iter().filter(|said| !self.unheard.iter().any(|unheard| is_of(said, unheard))).collect()
    }
}

/// A gap may end where a backlog begins that just does not reach back.
const SLACK_MS: i64 = 15_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn each_trade_is_published_once_or_lies_in_a_gap_that_was_said(tape in tape(), steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(&tape);
        steps.iter().for_each(|step| world.step(step));
        world.end();
        let published = world.published();
        let mut once = published.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), published.len(), "a trade was published twice");
        prop_assert_eq!(world.unsaid(), Vec::<Made>::new(), "trades are missing and no gap says so");
        prop_assert_eq!(world.said_for_nothing(), Vec::<(usize, i64, i64)>::new(), "what was heard is said to be missing");
        prop_assert_eq!(&world.log.letters, &Vec::<String>::new());
    }
}
