//! Random tapes of trades: candles and takers' flow are what a recount of the whole history comes to, the long way.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Coin, Interval, MarketKind, Side};

use super::liquidation_windows::{comparable, same};
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

/// What of a random tape counts, the holes in it, and the clock. Too late is too late for all.
fn seen(facts: &[Fact]) -> (Vec<Fill>, Vec<(i64, i64)>, i64) {
    let (mut now, mut holes, mut fills) = (START, Vec::new(), Vec::new());
    for (kind, fact) in facts {
        match *kind {
            "clock" => now = fact["time"].as_i64().unwrap(),
            "gap" => holes.push((fact["from_time"].as_i64().unwrap(), fact["to_time"].as_i64().unwrap())),
            _ => {
                let fill: Fill = serde_json::from_value(fact.clone()).unwrap();
                fills.extend(Some(fill).filter(|fill| fill.time >= now - crate::GRACE_MS));
            }
        }
    }
    (fills, holes, now)
}

/// Every bucket that the history up to here has, counted from its beginning: rows by topic and key, without `block` and
/// `clock`.
pub(super) fn recounted(fills: &[Fill], holes: &[(i64, i64)], now: i64) -> BTreeMap<String, Value> {
    let mut buckets: BTreeMap<(&str, Interval, i64), Vec<&Fill>> = BTreeMap::new();
    for fill in fills.iter().filter(|fill| fill.crossed && somebody_traded(fill)) {
        for interval in Interval::ALL {
            buckets.entry((fill.coin.as_str(), interval, interval.bucket(fill.time))).or_default().push(fill);
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

/// The same of all perpetuals together: what takers bought and sold, without a coin in it.
pub(super) fn of_the_market(fills: &[Fill], holes: &[(i64, i64)], now: i64) -> BTreeMap<String, Value> {
    let perpetuals = fills.iter().filter(|fill| fill.coin.kind() == MarketKind::Perp);
    let without_coins: Vec<Fill> = perpetuals.map(|fill| Fill { coin: Coin::new("all"), ..fill.clone() }).collect();
    let rows = recounted(&without_coins, holes, now).into_iter().filter_map(|(key, mut row)| {
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

/// What is told is of no trade: dust that is swept up, and a market that ends.
pub(super) fn somebody_traded(fill: &Fill) -> bool {
    fill.tid != Some(0) && !["Settlement", "Spot Dust Conversion"].contains(&&*fill.dir)
}

fn total(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |sum, amount| sum.plus(amount).unwrap())
}

fn notional(trade: &Fill) -> Amount {
    trade.px.times(trade.sz).unwrap()
}

fn candle(trades: &[&Fill]) -> Value {
    let mut in_order = trades.to_vec();
    in_order.sort_by_key(|trade| (trade.block, trade.index));
    let prices = || in_order.iter().map(|trade| trade.px);
    json!({
        "open": prices().next(), "close": prices().next_back(), "high": prices().max(), "low": prices().min(),
        "volume": total(in_order.iter().map(|trade| trade.sz)),
        "notional": total(in_order.iter().map(|trade| notional(trade))), "trades": in_order.len(),
    })
}

fn flow(trades: &[&Fill]) -> Value {
    let of = |side: Side| trades.iter().filter(|trade| trade.side == side).collect::<Vec<_>>();
    let (bought, sold) = (of(Side::Buy), of(Side::Sell));
    let money = |trades: &[&&Fill]| total(trades.iter().map(|trade| notional(trade)));
    let mut flow = json!({
        "buy_notional": money(&bought), "sell_notional": money(&sold), "buy_trades": bought.len(), "sell_trades": sold.len(),
    });
    if !sold.is_empty() {
        flow["ratio"] = json!(money(&bought).over(money(&sold)).unwrap());
    }
    flow
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
            let (fills, holes, now) = seen(&facts[..=at]);
            let news: BTreeMap<String, Value> = recounted(&fills, &holes, now)
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
            let (fills, holes, now) = seen(&facts[..=at]);
            let news: BTreeMap<String, Value> = of_the_market(&fills, &holes, now)
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
