//! Random tapes of trades: candles and takers' flow are what a recount of the whole history comes to, the long way.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Interval};

use super::liquidation_windows::same;
use super::liquidations::{Fact, START, clock, wallet};
use super::*;
use crate::{COIN, WALLET, WHOLE};

/// What is booked.
#[derive(Debug, Clone)]
struct Booked {
    coin: usize,
    px: u32,
    sz: u32,
    /// Whether the taker buys.
    buys: bool,
    /// The two legs of a trade, a dust leg, or what a settlement books.
    what: What,
    /// How much earlier than its block it happened.
    earlier: i64,
    takers_leg_first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Trade,
    Dust,
    Settlement,
}

#[derive(Debug, Clone)]
struct Block {
    /// Time since the block before.
    after: i64,
    /// Blocks before it are missing.
    hole: bool,
    booked: Vec<Booked>,
}

fn booked() -> impl Strategy<Value = Booked> {
    let what = prop_oneof![6 => Just(What::Trade), 1 => Just(What::Dust), 1 => Just(What::Settlement)];
    let earlier = prop_oneof![6 => Just(0), 1 => Just(3_000), 1 => Just(9_999)];
    ((0..COINS.len(), 1..9_u32, 1..9_u32), any::<bool>(), what, earlier, any::<bool>()).prop_map(
        |((coin, px, sz), buys, what, earlier, takers_leg_first)| Booked {
            coin,
            px,
            sz,
            buys,
            what,
            earlier,
            takers_leg_first,
        },
    )
}

fn block() -> impl Strategy<Value = Block> {
    let after =
        prop_oneof![Just(70), Just(999), Just(1_000), Just(10_000), Just(59_999), Just(300_000), Just(3_600_000)];
    (after, prop::bool::weighted(0.1), prop::collection::vec(booked(), 0..4)).prop_map(|(after, hole, booked)| Block {
        after,
        hole,
        booked,
    })
}

const COINS: [&str; 3] = ["BTC", "@107", "xyz:CL"];

fn legs(booked: &Booked, block: u64, time: i64, tid: u64) -> Vec<Value> {
    let leg = |user: u64, is_taker: bool| {
        let (tid, dir) = match booked.what {
            What::Trade => (tid, "Open Long"),
            What::Dust => (0, "Spot Dust Conversion"),
            What::Settlement => (tid, "Settlement"),
        };
        json!({
            "block": block, "user": wallet(user), "coin": COINS[booked.coin], "px": format!("{}.5", booked.px),
            "sz": format!("{}.25", booked.sz), "side": (if booked.buys == is_taker { "B" } else { "A" }),
            "time": time - booked.earlier, "startPosition": "0.0", "dir": dir, "closedPnl": "0.0",
            "hash": format!("0x{:064x}", 1), "oid": 1, "crossed": is_taker, "fee": "0.0", "tid": tid,
        })
    };
    match booked.what {
        What::Dust => [leg(1, true)].into(),
        _ if booked.takers_leg_first => [leg(1, true), leg(2, false)].into(),
        _ => [leg(2, false), leg(1, true)].into(),
    }
}

fn facts_of(tape: &[Block]) -> Vec<Fact> {
    let (mut facts, mut number, mut time, mut tid) = (Vec::new(), 1, START, 0);
    for block in tape {
        let before = (number, time);
        number += if block.hole { 10 } else { 1 };
        time += block.after;
        if block.hole {
            let gap =
                json!({ "from_block": before.0 + 1, "to_block": number - 1, "from_time": before.1, "to_time": time });
            facts.push(("gap", gap));
        }
        let mut index = 0;
        for booked in &block.booked {
            tid += 1;
            for mut leg in legs(booked, number, time, tid) {
                leg["index"] = json!(index);
                index += 1;
                facts.push(("fill", leg));
            }
        }
        facts.push(clock(number, time));
    }
    facts
}

/// Every bucket that the history up to here has, counted from its beginning: rows by key, without `block` and `clock`.
fn recounted(facts: &[Fact]) -> BTreeMap<String, Value> {
    let mut buckets: BTreeMap<(String, Interval, i64), Vec<&Value>> = BTreeMap::new();
    let (mut now, mut holes) = (START, Vec::new());
    for (kind, fact) in facts {
        match *kind {
            "clock" => now = fact["time"].as_i64().unwrap(),
            "gap" => holes.push((fact["from_time"].as_i64().unwrap(), fact["to_time"].as_i64().unwrap())),
            _ => {
                let (time, is_trade) = (fact["time"].as_i64().unwrap(), fact["dir"] == "Open Long");
                // Too late is too late for all.
                if is_trade && fact["crossed"] == json!(true) && time >= now - crate::GRACE_MS {
                    for interval in Interval::ALL {
                        let key = (fact["coin"].as_str().unwrap().to_string(), interval, interval.bucket(time));
                        buckets.entry(key).or_default().push(fact);
                    }
                }
            }
        }
    }
    let mut rows = BTreeMap::new();
    for ((coin, interval, start), trades) in buckets {
        let end = start + interval.length_ms();
        let complete = !holes.iter().any(|(from, to)| *from < end && start < *to);
        let is_final = end + crate::GRACE_MS <= now;
        let place = format!("{coin}|{interval}|{start}");
        let common =
            json!({ "coin": coin, "interval": interval, "time": start, "complete": complete, "final": is_final });
        let with = |more: Value| {
            let mut row = common.clone();
            row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            row
        };
        rows.insert(format!("candles {place}"), with(candle(&trades)));
        rows.insert(format!("taker-flow {place}"), with(flow(&trades)));
    }
    rows
}

/// The same of all perpetuals together: without a coin in it.
fn of_the_market(facts: &[Fact]) -> BTreeMap<String, Value> {
    let is_spot = |fact: &Value| fact["coin"] == "@107";
    let without_coins = facts.iter().filter(|(_, fact)| !is_spot(fact)).map(|(kind, fact)| {
        let mut fact = fact.clone();
        if *kind == "fill" {
            fact["coin"] = json!("all");
        }
        (*kind, fact)
    });
    let rows = recounted(&without_coins.collect::<Vec<_>>()).into_iter().filter_map(|(key, mut row)| {
        row.as_object_mut().unwrap().remove("coin");
        Some((String::from(key.strip_prefix("taker-flow all|")?), row))
    });
    rows.collect()
}

/// To the partitions where they belong: what is of no coin, to each.
fn append(topology: &mut Topology, kind: &str, fact: &Value) {
    let (mut told, mut headers) = (Outbox::new(GENERATION), Vec::new());
    Headers::write(&mut headers, "kind", kind.as_bytes());
    let all = 0..GENERATION.partitions(&topics::FILLS);
    let coins = fact["coin"].as_str().map(|coin| schemas::partition_of(coin.as_bytes(), GENERATION.partitions));
    for partition in coins.map_or(all, |partition| partition..partition + 1) {
        let value = fact.to_string();
        told.batch(&topics::FILLS, partition).push(0, b"", Some(value.as_bytes()), &headers);
    }
    topology.append(&told);
}

fn amount(trade: &Value, field: &str) -> Amount {
    trade[field].as_str().unwrap().parse().unwrap()
}

fn total(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |sum, amount| sum.plus(amount).unwrap())
}

fn notional(trade: &Value) -> Amount {
    amount(trade, "px").times(amount(trade, "sz")).unwrap()
}

fn candle(trades: &[&Value]) -> Value {
    let mut in_order = trades.to_vec();
    in_order.sort_by_key(|trade| (trade["block"].as_u64(), trade["index"].as_u64()));
    let prices = || in_order.iter().map(|trade| amount(trade, "px"));
    json!({
        "open": prices().next(), "close": prices().next_back(), "high": prices().max(), "low": prices().min(),
        "volume": total(in_order.iter().map(|trade| amount(trade, "sz"))),
        "notional": total(in_order.iter().map(|trade| notional(trade))), "trades": in_order.len(),
    })
}

fn flow(trades: &[&Value]) -> Value {
    let of = |side: &str| trades.iter().filter(|trade| trade["side"] == side).collect::<Vec<_>>();
    let (bought, sold) = (of("B"), of("A"));
    let money = |trades: &[&&Value]| total(trades.iter().map(|trade| notional(trade)));
    let mut flow = json!({
        "buy_notional": money(&bought), "sell_notional": money(&sold), "buy_trades": bought.len(), "sell_trades": sold.len(),
    });
    if !sold.is_empty() {
        flow["ratio"] = json!(money(&bought).over(money(&sold)).unwrap());
    }
    flow
}

/// Without what says only how far the clock was; decimals by what they are, not by how they are written.
fn comparable(value: &Value) -> Value {
    let mut value = value.clone();
    let fields = value.as_object_mut().unwrap();
    fields.remove("clock");
    fields.remove("block");
    for field in fields.values_mut() {
        if let Some(Ok(exact)) = field.as_str().map(str::parse::<Amount>) {
            *field = json!(exact.shortest());
        }
    }
    value
}

/// Whether a bucket of this interval is told by this clock, although it is not final.
pub(super) fn is_due(interval: &str, previous: i64, now: i64) -> bool {
    let every = match interval {
        "1m" => 1_000,
        "5m" => 5_000,
        "15m" => 15_000,
        "30m" => 30_000,
        _ => 60_000,
    };
    now / every > previous / every
}

proptest! {
    /// At each second exactly those buckets are said that are due or final, and are not as they were said last.
    #[test]
    fn candles_and_flows_are_those_of_the_whole_history(tape in prop::collection::vec(block(), 1..14)) {
        let facts = facts_of(&tape);
        let (mut stage, mut out) = (Stage::coin(GENERATION, 0), Outbox::new(GENERATION));
        let (mut told, mut previous) = (BTreeMap::new(), 0);
        for (at, (kind, fact)) in facts.iter().enumerate() {
            apply(&mut stage, kind, &fact.to_string(), &mut out);
            if *kind != "clock" {
                continue;
            }
            let now = fact["time"].as_i64().unwrap();
            let is_told = |row: &Value| {
                let is_final = row["final"] == json!(true) && now / 1_000 > previous / 1_000;
                is_final || is_due(row["interval"].as_str().unwrap(), previous, now)
            };
            let news: BTreeMap<String, Value> = recounted(&facts[..=at])
                .into_iter()
                .map(|(key, row)| (key, comparable(&row)))
                .filter(|(key, row)| is_told(row) && told.get(key) != Some(row))
                .collect();
            let ours = |record: &&Value| {
                let topic = record["topic"].as_str().unwrap();
                ["candles", "taker-flow"].contains(&topic) && record["value"].get("coin").is_some()
            };
            let key = |record: &Value| {
                format!("{} {}", record["topic"].as_str().unwrap(), record["key"].as_str().unwrap())
            };
            let said: BTreeMap<String, Value> = said(&mut out)
                .iter()
                .filter(ours)
                .map(|record| (key(record), comparable(&record["value"])))
                .collect();
            same(&said, &news);
            told.extend(news);
            previous = now;
        }
    }

    /// The same of all perpetuals together, which is summed up over several tasks; any of them may be made anew.
    #[test]
    fn flows_of_the_market_are_those_of_the_whole_history(
        tape in prop::collection::vec(block(), 1..14),
        replaced in prop::collection::vec(prop::option::weighted(0.3, 0..64_usize), 14),
    ) {
        let facts = facts_of(&tape);
        let mut topology = Topology::of(&[&COIN, &WALLET, &WHOLE], GENERATION, Rules::default());
        let (mut told, mut previous, mut replaced) = (BTreeMap::new(), 0, replaced.into_iter());
        for (at, (kind, fact)) in facts.iter().enumerate() {
            append(&mut topology, kind, fact);
            if *kind != "clock" {
                continue;
            }
            let mut out = Outbox::new(GENERATION);
            topology.go_on(&mut out);
            prop_assert_eq!(topology.set_aside(), []);
            let now = fact["time"].as_i64().unwrap();
            let is_told = |row: &Value| {
                let is_final = row["final"] == json!(true) && now / 1_000 > previous / 1_000;
                is_final || is_due(row["interval"].as_str().unwrap(), previous, now)
            };
            let news: BTreeMap<String, Value> = of_the_market(&facts[..=at])
                .into_iter()
                .map(|(key, row)| (key, comparable(&row)))
                .filter(|(key, row)| is_told(row) && told.get(key) != Some(row))
                .collect();
            let ours = |record: &&Value| record["topic"] == "market-taker-flow" && record["key"] != "clock";
            let said: BTreeMap<String, Value> = said(&mut out)
                .iter()
                .filter(ours)
                .map(|record| (record["key"].as_str().unwrap().into(), comparable(&record["value"])))
                .collect();
            same(&said, &news);
            told.extend(news);
            previous = now;
            if let Some(Some(task)) = replaced.next() {
                let tasks = topology.tasks().len();
                topology.replace(task % tasks, &mut Outbox::new(GENERATION)).unwrap();
            }
        }
    }

    #[test]
    fn a_restored_stage_says_the_same_of_any_trades(tape in prop::collection::vec(block(), 1..6)) {
        let records: Vec<(&str, String)> =
            facts_of(&tape).into_iter().map(|(kind, value)| (kind, value.to_string())).collect();
        let (mut whole, mut pieces) = whole_and_in_pieces(&records);
        prop_assert_eq!(said(&mut whole), said(&mut pieces));
    }
}
