//! Random changes of a few wallets over months of event time, and the tasks that they run through: those of the wallet
//! stage, each with its lanes, and the one that sums them up. Any of them may be dropped at a clock and made anew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{
    Amount, Coin, Gap, MarketRatio, MarketState, Message, PositionChange, ResultClock, Side, TakerSum, Wallet,
    WalletDistribution, WalletSummary, kind, partition_of,
};

use super::*;
use crate::{Topology, WALLET, WHOLE};

/// What happens at once; then the clock comes.
#[derive(Debug, Clone)]
pub struct Step {
    later_ms: i64,
    changes: Vec<Changed>,
    marks: Vec<(usize, u32)>,
    /// Blocks between the clock before and this one are missing.
    hole: bool,
    /// The tasks are dropped and go on from what they saved.
    begins_anew: bool,
}

#[derive(Debug, Clone)]
struct Changed {
    wallet: usize,
    coin: usize,
    buys: bool,
    px: u32,
    sz: u32,
    crossed: bool,
    pnl: Option<i32>,
    fee: Option<i32>,
    in_another_token: bool,
    cost: Option<u32>,
    seen: bool,
    dir: &'static str,
}

pub const COINS: [&str; 3] = ["BTC", "ETH", "xyz:CL"];
const WALLETS: usize = 5;
const START: i64 = 1_782_636_000_000 - 12_345;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

pub fn tape() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

fn step() -> impl Strategy<Value = Step> {
    let later = prop_oneof![
        4 => 0..5 * SECOND,
        4 => 20 * SECOND..90 * SECOND,
        3 => HOUR / 2..5 * HOUR,
        2 => Just(HOUR),
        2 => 20 * HOUR..30 * HOUR,
        1 => 6 * 24 * HOUR..9 * 24 * HOUR,
        1 => 29 * 24 * HOUR..33 * 24 * HOUR,
    ];
    let changes = prop::collection::vec(changed(), 0..4);
    // Now and then somebody is among the largest.
    let mark = prop_oneof![3 => 1..30_000_u32, 1 => 100_000..3_000_000_u32];
    let marks = prop::collection::vec((0..COINS.len(), mark), 0..2);
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (later, changes, marks, flags).prop_map(|(later_ms, changes, marks, (hole, begins_anew))| Step {
        later_ms,
        changes,
        marks,
        hole,
        begins_anew,
    })
}

fn changed() -> impl Strategy<Value = Changed> {
    let of = (0..WALLETS, 0..COINS.len(), any::<bool>(), 1..20_000_u32, 1..6_u32);
    let pnl = prop_oneof![9 => (-9_000..9_000_i32).prop_map(Some), 1 => Just(None)];
    let fee = prop_oneof![12 => (-3..9_i32).prop_map(Some), 1 => Just(None)];
    let cost = prop_oneof![5 => (1..60_000_u32).prop_map(Some), 1 => Just(None)];
    let dir = prop_oneof![12 => Just(""), 1 => Just("Settlement")];
    let rest = (any::<bool>(), pnl, fee, prop::bool::weighted(0.1), cost, prop::bool::weighted(0.9), dir);
    (of, rest).prop_map(|((wallet, coin, buys, px, sz), (crossed, pnl, fee, in_another_token, cost, seen, dir))| {
        Changed { wallet, coin, buys, px, sz, crossed, pnl, fee, in_another_token, cost, seen, dir }
    })
}

/// What is said up to each clock, and what it was said of.
#[derive(Default)]
pub struct Moment {
    pub clock: i64,
    pub block: u64,
    pub previous: i64,
    pub changes: usize,
    pub marks: usize,
    pub holes: usize,
    pub summaries: Vec<WalletSummary>,
    pub distributions: Vec<WalletDistribution>,
    pub ratios: Vec<MarketRatio>,
}

#[derive(Default)]
pub struct Played {
    pub changes: Vec<PositionChange>,
    pub marks: Vec<MarketState>,
    pub holes: Vec<(i64, i64)>,
    pub moments: Vec<Moment>,
}

pub fn play(tape: &[Step]) -> Played {
    let (mut tasks, mut played) = (Tasks::new(), Played::default());
    let (mut held, mut clock, mut previous) = (BTreeMap::new(), START, 0);
    for (block, step) in (100..).zip(tape) {
        clock += step.later_ms;
        if step.hole {
            tasks.gap(block, previous, clock);
            played.holes.push((previous, clock));
        }
        for (index, changed) in (0..).zip(&step.changes) {
            if let Some(change) = changed.in_block(block, index, clock, &mut held) {
                tasks.told.send(&change);
                played.changes.push(change);
            }
        }
        for (coin, px) in &step.marks {
            let mark = mark(COINS[*coin], *px, clock);
            tasks.told.send(&mark);
            played.marks.push(mark);
        }
        let (summaries, distributions, ratios) = tasks.clock(clock, block);
        let (changes, marks, holes) = (played.changes.len(), played.marks.len(), played.holes.len());
        let told = Moment { clock, block, previous, changes, marks, holes, summaries, distributions, ratios };
        played.moments.push(told);
        previous = clock;
        if step.begins_anew {
            tasks.begin_anew();
        }
    }
    played
}

fn mark(coin: &str, px: u32, time: i64) -> MarketState {
    // Now and then there is a state without a mark: the last one counts.
    let mark_px = (!px.is_multiple_of(10)).then(|| format!("{px}.5").parse().unwrap());
    MarketState {
        coin: Coin::new(coin),
        time,
        mark_px,
        open_interest: (!px.is_multiple_of(7)).then(|| format!("{}.25", px % 500).parse().unwrap()),
        day_notional: None,
        margin_tiers: Vec::new(),
        delisted: false,
    }
}

impl Changed {
    fn in_block(
        &self,
        block: u64,
        index: u32,
        time: i64,
        held: &mut BTreeMap<(usize, usize), i64>,
    ) -> Option<PositionChange> {
        let held = held.entry((self.wallet, self.coin)).or_default();
        let (before, by) = (*held, i64::from(self.sz) * if self.buys { 1 } else { -1 });
        *held += by;
        let amount = |whole: i32, places: &str| -> Amount { format!("{whole}.{places}").parse().unwrap() };
        self.seen.then(|| PositionChange {
            coin: Coin::new(COINS[self.coin]),
            wallet: wallet(self.wallet),
            time,
            block,
            index,
            side: if self.buys { Side::Buy } else { Side::Sell },
            px: format!("{}.25", self.px).parse().unwrap(),
            sz: Amount::from(i64::from(self.sz)),
            dir: self.dir.into(),
            before: Amount::from(before),
            after: Amount::from(*held),
            known: None,
            cost: self.cost.map(|cost| Amount::from(i64::from(cost))),
            oid: 1,
            crossed: self.crossed,
            closed_pnl: self.pnl.map(|pnl| amount(pnl, "125")),
            fee: self.fee.map(|fee| if fee == 0 { Amount::ZERO } else { amount(fee, "1") }),
            fee_token: self.in_another_token.then(|| "USDH".into()),
            liquidation: None,
        })
    }
}

pub fn wallet(n: usize) -> Wallet {
    let mut bytes = [0; 20];
    bytes[16..].copy_from_slice(&(n as u32).to_be_bytes());
    Wallet(bytes)
}

struct Tasks {
    topology: Topology,
    /// What was told since the last clock.
    told: Outbox,
    told_at: i64,
}

impl Tasks {
    fn new() -> Self {
        let topology = Topology::of(&[&WALLET, &WHOLE], GENERATION, Rules::default());
        Self { topology, told: Outbox::new(GENERATION), told_at: 0 }
    }

    fn gap(&mut self, block: u64, from_time: i64, to_time: i64) {
        let gap = Gap { from_block: block, to_block: block, from_time, to_time };
        each_partition().for_each(|partition| self.told.send_gap(PositionChange::TOPIC, partition, &gap));
    }

    fn clock(&mut self, time: i64, block: u64) -> (Vec<WalletSummary>, Vec<WalletDistribution>, Vec<MarketRatio>) {
        let clock = ResultClock { time, block, since_time: START, since_block: 1 };
        each_partition().for_each(|partition| self.told.send_clock(PositionChange::TOPIC, partition, &clock));
        let of_coins = 0..GENERATION.partitions(TakerSum::TOPIC);
        of_coins.for_each(|partition| self.told.send_clock(TakerSum::TOPIC, partition, &clock));
        self.topology.append(&self.told);
        self.told.clear();
        let mut out = Outbox::new(GENERATION);
        self.topology.go_on(&mut out);
        assert_eq!(self.topology.set_aside(), []);
        let clocks = of_topic(&out, WalletDistribution::TOPIC).filter(|(_, record)| is_clock(record)).count();
        assert_eq!(clocks, usize::from(time / SECOND > self.told_at / SECOND), "who reads it is told the time");
        self.told_at = time;
        let (distributions, ratios) = (told(&out, WalletDistribution::TOPIC), told(&out, MarketRatio::TOPIC));
        (told(&out, WalletSummary::TOPIC), distributions, ratios)
    }

    fn begin_anew(&mut self) {
        let mut out = Outbox::new(GENERATION);
        let tasks = self.topology.tasks().len();
        for task in 0..tasks {
            self.topology.replace(task, &mut out).unwrap();
        }
        assert_eq!(out.records(), 0, "nothing is said when a task is saved");
    }
}

fn each_partition() -> impl Iterator<Item = u32> {
    0..GENERATION.partitions(PositionChange::TOPIC)
}

fn told<M: serde::de::DeserializeOwned>(out: &Outbox, topic: &schemas::Topic) -> Vec<M> {
    let results = of_topic(out, topic).filter(|(_, record)| !is_clock(record));
    results
        .map(|(partition, record)| {
            if topic.name == "wallet-summaries" {
                assert_eq!(partition, partition_of(record.key, GENERATION.partitions));
            }
            serde_json::from_slice(record.value.unwrap()).unwrap()
        })
        .collect()
}

fn of_topic<'a>(out: &'a Outbox, topic: &'a schemas::Topic) -> impl Iterator<Item = (u32, Record<'a>)> {
    let batches = out.filled().filter(|(its, ..)| its.name == topic.name);
    batches.flat_map(|(_, partition, batch)| batch.records().map(move |record| (partition, record)))
}

fn is_clock(record: &Record<'_>) -> bool {
    record.headers.get(kind::HEADER) == Some(kind::CLOCK)
}
