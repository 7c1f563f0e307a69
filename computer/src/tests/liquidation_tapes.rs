//! Random tapes of liquidations: what is said of them is what a recount of the whole history comes to, the long way.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Fill};

use super::liquidations::{Fact, START, clock, told, wallet};
use super::*;

/// One trade of a random tape.
#[derive(Debug, Clone)]
struct Trade {
    victim: u64,
    coin: usize,
    other: u64,
    px: u32,
    sz: u32,
    method: &'static str,
    deleveraged: bool,
    tid: Option<u64>,
    others_leg_first: bool,
    /// Of the victim's and the other leg.
    seen: [bool; 2],
    /// Whether the exchange names the victim.
    named: bool,
}

fn trade() -> impl Strategy<Value = Trade> {
    let method = prop_oneof![Just("market"), Just("backstop"), Just("somethingNew")];
    let tid = prop_oneof![2 => Just(Some(1)), 2 => Just(Some(0)), 1 => Just(None)];
    let seen = prop_oneof![8 => Just([true, true]), 1 => Just([true, false]), 1 => Just([false, true])];
    let who = (0..3_u64, 0..2_usize, 0..5_u64);
    let how = (method, prop::bool::weighted(0.3), tid, any::<bool>(), seen, prop::bool::weighted(0.95));
    (who, 1..3_u32, 1..3_u32, how).prop_map(|((victim, coin, other), px, sz, how)| {
        let (method, deleveraged, tid, others_leg_first, seen, named) = how;
        let other = if other == victim { 5 } else { other };
        Trade { victim, coin, other, px, sz, method, deleveraged, tid, others_leg_first, seen, named }
    })
}

#[derive(Debug, Clone)]
struct Block {
    /// Time since the block before.
    after: i64,
    /// Blocks before it are missing.
    hole: bool,
    /// Which victims are short in this block.
    short: [bool; 3],
    trades: Vec<Trade>,
    /// Other legs come after all victims' legs.
    apart: bool,
}

fn block() -> impl Strategy<Value = Block> {
    let after =
        prop_oneof![Just(70), Just(1_000), Just(29_999), Just(30_000), Just(59_999), Just(60_000), Just(61_000)];
    let short = prop::array::uniform3(prop::bool::weighted(0.2));
    (after, prop::bool::weighted(0.1), short, prop::collection::vec(trade(), 0..5), any::<bool>())
        .prop_map(|(after, hole, short, trades, apart)| Block { after, hole, short, trades, apart })
}

fn legs_of(block: &Block, number: u64, time: i64) -> Vec<Value> {
    let mut legs = Vec::new();
    for (at, trade) in block.trades.iter().enumerate() {
        let sides = if block.short[trade.victim as usize] { ["B", "A"] } else { ["A", "B"] };
        let fill = |place: usize, user: u64, dir: &str| {
            let mut liquidation = json!({ "markPx": format!("9{at}.5"), "method": trade.method });
            if trade.named {
                liquidation["liquidatedUser"] = json!(wallet(trade.victim));
            }
            let mut fill = json!({
                "block": number, "user": wallet(user), "coin": (["SOL", "@107"][trade.coin]), "px": format!("{}.5", trade.px),
                "sz": format!("{}.0", trade.sz), "side": sides[place], "time": time, "startPosition": format!("{at}0.0"),
                "dir": dir, "closedPnl": format!("-{at}.25"), "hash": format!("0x{:064x}", 0), "oid": 1,
                "crossed": true, "fee": "0.0", "liquidation": liquidation,
            });
            if let Some(tid) = trade.tid {
                fill["tid"] = json!(tid * (at as u64 + 1));
            }
            fill
        };
        let dir = if trade.deleveraged { "Auto-Deleveraging" } else { "Open Long" };
        let both = [fill(0, trade.victim, "Close Long"), fill(1, trade.other, dir)];
        let mut seen: Vec<(bool, Value)> = both
            .into_iter()
            .enumerate()
            .filter(|(place, _)| trade.seen[*place])
            .map(|(place, leg)| (place == 1, leg))
            .collect();
        if trade.others_leg_first {
            seen.reverse();
        }
        legs.extend(seen);
    }
    if block.apart {
        legs.sort_by_key(|(is_others, _)| *is_others);
    }
    let place = |(index, (_, mut leg)): (usize, (bool, Value))| {
        leg["index"] = json!(index);
        leg
    };
    legs.into_iter().enumerate().map(place).collect()
}

fn facts_of(tape: &[Block]) -> Vec<Fact> {
    let (mut facts, mut number, mut time) = (Vec::new(), 1, START);
    for block in tape {
        let before = (number, time);
        number += if block.hole { 10 } else { 1 };
        time += block.after;
        if block.hole {
            let gap =
                json!({ "from_block": before.0 + 1, "to_block": number - 1, "from_time": before.1, "to_time": time });
            facts.push(("gap", gap));
        }
        facts.extend(legs_of(block, number, time).into_iter().map(|leg| ("fill", leg)));
        facts.push(clock(number, time));
    }
    facts
}

/// The same of a random tape.
fn recounted_of(facts: &[Fact]) -> BTreeMap<String, Value> {
    let of_kind = |kind: &'static str| facts.iter().filter(move |(its, _)| *its == kind).map(|(_, fact)| fact);
    let fills: Vec<Fill> = of_kind("fill").map(|fill| serde_json::from_value(fill.clone()).unwrap()).collect();
    let time = |gap: &Value, name: &str| gap[name].as_i64().unwrap();
    let holes: Vec<(i64, i64)> = of_kind("gap").map(|gap| (time(gap, "from_time"), time(gap, "to_time"))).collect();
    recounted(&fills, &holes, time(&facts.last().unwrap().1, "time"))
}

/// Everything that the history so far comes to, counted from its beginning: rows by key, `clock` left out.
pub(super) fn recounted(fills: &[Fill], holes: &[(i64, i64)], now: i64) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    let orders = recounted_orders(fills);
    for (key, legs) in &orders {
        rows.insert(format!("order|{}|{}|{}|{}", key.1, key.2, key.0, key.3), order_row(key, legs));
    }
    for (key, row) in recounted_episodes(&orders, holes, now) {
        rows.insert(key, row);
    }
    rows
}

/// Block, coin, victim, method.
type OrderKey = (u64, String, String, String);

fn recounted_orders(fills: &[Fill]) -> Vec<(OrderKey, Vec<&Fill>)> {
    fills.chunk_by(|one, other| one.block == other.block).flat_map(orders_of_block).collect()
}

fn orders_of_block(fills: &[Fill]) -> Vec<(OrderKey, Vec<&Fill>)> {
    let victim = |fill: &Fill| fill.liquidation.as_ref().and_then(|liquidation| liquidation.liquidated_user);
    let mut used = alloc::vec![false; fills.len()];
    let mut orders: Vec<(OrderKey, Vec<&Fill>)> = Vec::new();
    for leg in fills.iter().filter(|fill| victim(fill) == Some(fill.user)) {
        let is_twin = |other: &Fill| {
            let tid = leg.tid.filter(|tid| *tid != 0);
            (&other.coin, victim(other)) == (&leg.coin, victim(leg))
                && other.user != leg.user
                && other.side != leg.side
                && other.tid.filter(|tid| *tid != 0) == tid
                && (tid.is_some() || (other.px, other.sz) == (leg.px, leg.sz))
        };
        let twin = (0..fills.len()).find(|&at| !used[at] && is_twin(&fills[at]));
        let deleveraged = twin.is_some_and(|at| {
            used[at] = true;
            &*fills[at].dir == "Auto-Deleveraging"
        });
        let method = if deleveraged { "adl" } else { &*leg.liquidation.as_ref().unwrap().method };
        let key = (leg.block, leg.coin.to_string(), leg.user.to_string(), method.to_string());
        match orders.iter_mut().find(|(other, _)| *other == key) {
            Some((_, legs)) => legs.push(leg),
            None => orders.push((key, [leg].into())),
        }
    }
    orders.sort_by_key(|(_, legs)| legs.last().unwrap().index);
    orders
}

/// The orders as they are told, in the order in which they happened.
pub(super) fn orders(fills: &[Fill]) -> Vec<LiquidationOrder> {
    let row = |(key, legs): &(OrderKey, Vec<&Fill>)| serde_json::from_value(order_row(key, legs)).unwrap();
    recounted_orders(fills).iter().map(row).collect()
}

fn total(parts: impl Iterator<Item = Amount>) -> Amount {
    parts.fold(Amount::ZERO, |sum, part| sum.plus(part).unwrap())
}

/// Size, notional, average price and profit of some fills.
fn sums(legs: &[&Fill]) -> (Amount, Amount, Option<Amount>, Amount) {
    let size = total(legs.iter().map(|leg| leg.sz));
    let notional = total(legs.iter().map(|leg| leg.px.times(leg.sz).unwrap()));
    (size, notional, notional.over(size).ok(), total(legs.iter().map(|leg| leg.closed_pnl.unwrap())))
}

fn order_row(key: &OrderKey, legs: &[&Fill]) -> Value {
    let (size, notional, average_px, closed_pnl) = sums(legs);
    let last = legs.last().unwrap();
    json!({
        "coin": key.1, "wallet": key.2, "side": side(last), "method": key.3, "block": key.0, "time": last.time,
        "fills": legs.len(), "size": size, "notional": notional, "average_px": average_px,
        "mark_px": last.liquidation.as_ref().unwrap().mark_px, "closed_pnl": closed_pnl,
        "remaining": last.end_position().unwrap(),
    })
}

fn side(leg: &Fill) -> &'static str {
    if leg.side == schemas::Side::Sell { "long" } else { "short" }
}

fn recounted_episodes(orders: &[(OrderKey, Vec<&Fill>)], holes: &[(i64, i64)], now: i64) -> Vec<(String, Value)> {
    let mut episodes: Vec<Vec<&(OrderKey, Vec<&Fill>)>> = Vec::new();
    for order in orders {
        let of_victim = |episode: &&mut Vec<&(OrderKey, Vec<&Fill>)>| {
            (&episode[0].0.1, &episode[0].0.2) == (&order.0.1, &order.0.2)
        };
        let latest = episodes.iter_mut().rfind(of_victim);
        let first_of = |order: &(OrderKey, Vec<&Fill>)| order.1[0].time;
        match latest {
            Some(episode)
                if side(episode[0].1[0]) == side(order.1[0])
                    && first_of(order) - first_of(episode.last().unwrap()) < 60_000 =>
            {
                episode.push(order);
            }
            _ => episodes.push([order].into()),
        }
    }
    let next_of = |at: usize| {
        let victim = |at: usize| (&episodes[at][0].0.1, &episodes[at][0].0.2);
        (at + 1..episodes.len()).find(|&later| victim(later) == victim(at)).map(|later| episodes[later][0].1[0].time)
    };
    (0..episodes.len()).map(|at| episode_row(&episodes[at], holes, now, next_of(at))).collect()
}

fn episode_row(
    orders: &[&(OrderKey, Vec<&Fill>)],
    holes: &[(i64, i64)],
    now: i64,
    next: Option<i64>,
) -> (String, Value) {
    let legs_where = |is_so: &dyn Fn(&str) -> bool| -> Vec<&Fill> {
        orders.iter().filter(|(key, _)| is_so(&key.3)).flat_map(|(_, legs)| legs.iter().copied()).collect()
    };
    let (all, adl) = (legs_where(&|_| true), legs_where(&|method| method == "adl"));
    let (size, notional, average_px, _) = sums(&legs_where(&|method| method != "adl"));
    let backstop_notional = sums(&legs_where(&|method| method == "backstop")).1;
    let (first, last) = (orders[0], orders.last().unwrap());
    let (first_time, last_time) = (first.1[0].time, last.1[0].time);
    let side = side(first.1[0]);
    let end = next.unwrap_or(i64::MAX).min(last_time + 60_000);
    let complete = holes.iter().all(|&(from, to)| from >= end || to <= first_time);
    let (block, coin, wallet) = (first.0.0, &first.0.1, &first.0.2);
    let row = json!({
        "coin": coin, "wallet": wallet, "side": side, "first_block": block, "last_block": last.0.0,
        "first_time": first_time, "last_time": last_time, "orders": orders.len(), "fills": all.len(),
        "size": size, "notional": notional, "average_px": average_px, "backstop_notional": backstop_notional,
        "adl_size": sums(&adl).0, "adl_notional": sums(&adl).1, "closed_pnl": sums(&all).3,
        "remaining": last.1.last().unwrap().end_position().unwrap(), "complete": complete,
        "final": end <= now,
    });
    (format!("episode|{coin}|{wallet}|{block}|{side}"), row)
}

/// Without what says only how far the clock was, and with what is absent written out.
fn comparable(value: &Value) -> Value {
    let mut value = value.clone();
    let fields = value.as_object_mut().unwrap();
    fields.remove("clock");
    if fields.get("average_px").is_none() {
        fields.insert("average_px".into(), Value::Null);
    }
    for amount in fields.values_mut() {
        if let Some(Ok(exact)) = amount.as_str().map(str::parse::<Amount>) {
            *amount = json!(exact.shortest());
        }
    }
    value
}

proptest! {
    /// At each clock exactly those rows are said that the history up to it has and the one before had not.
    #[test]
    fn orders_and_episodes_are_those_of_the_whole_history(tape in prop::collection::vec(block(), 1..12)) {
        let facts = facts_of(&tape);
        let told = told(&facts);
        let clocks = (0..facts.len()).filter(|&at| facts[at].0 == "clock");
        let mut before = BTreeMap::new();
        for (at, told) in clocks.zip(told) {
            let after = recounted_of(&facts[..=at]);
            let news: Vec<(String, Value)> = after
                .iter()
                .filter(|(key, row)| before.get(*key) != Some(*row))
                .map(|(key, row)| (key.clone(), comparable(row)))
                .collect();
            let said: Vec<(String, Value)> = told
                .iter()
                .map(|record| (record["key"].as_str().unwrap().to_string(), comparable(&record["value"])))
                .collect();
            prop_assert_eq!(said, news);
            before = after;
        }
    }

    #[test]
    fn a_restored_stage_says_the_same_of_any_tape(tape in prop::collection::vec(block(), 1..6)) {
        let records: Vec<(&str, String)> =
            facts_of(&tape).into_iter().map(|(kind, value)| (kind, value.to_string())).collect();
        let (mut whole, mut pieces) = whole_and_in_pieces(&records);
        prop_assert_eq!(said(&mut whole), said(&mut pieces));
    }
}
