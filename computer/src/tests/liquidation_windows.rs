//! Random liquidation orders: what is said of them by interval, by burst and by price is what a recount of all of them
//! comes to, the long way.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Gap, Interval};

use super::liquidations::{START, wallet};
use super::trades::is_due;
use super::*;

#[derive(Debug, Clone)]
struct Block {
    /// Time since the block before.
    after: i64,
    /// Blocks before it are missing.
    hole: bool,
    orders: Vec<Ordered>,
}

#[derive(Debug, Clone)]
struct Ordered {
    coin: usize,
    victim: u64,
    long: bool,
    method: &'static str,
    px: &'static str,
    sz: u32,
}

fn ordered() -> impl Strategy<Value = Ordered> {
    let method = prop_oneof![4 => Just("market"), 2 => Just("backstop"), 1 => Just("adl"), 1 => Just("somethingNew")];
    let px = prop_oneof![Just("99.99"), Just("100"), Just("100.5"), Just("1234.5"), Just("0.00012345"), Just("5")];
    (0..2_usize, 0..9_u64, prop::bool::weighted(0.8), method, px, 1..4_u32)
        .prop_map(|(coin, victim, long, method, px, sz)| Ordered { coin, victim, long, method, px, sz })
}

fn block() -> impl Strategy<Value = Block> {
    let after = prop_oneof![
        4 => Just(70), 4 => Just(900), 2 => Just(9_999), 1 => Just(10_000), 1 => Just(60_000), 1 => Just(3_000_000),
    ];
    (after, prop::bool::weighted(0.1), prop::collection::vec(ordered(), 0..5)).prop_map(|(after, hole, orders)| Block {
        after,
        hole,
        orders,
    })
}

/// What one processor says at each block, and all orders and holes up to it with its time and that of the one before.
fn run_blocks(name: &str, blocks: &[Block], mut check: impl FnMut(&So, Vec<Value>)) {
    let mut processor =
        crate::coin_stage(&Rules::default()).into_iter().find(|it| it.describe("").name == name).unwrap();
    let mut so = So { orders: Vec::new(), holes: Vec::new(), now: START, previous: 0 };
    let (mut number, mut out) = (1, Outbox::new(GENERATION));
    for (tick, block) in (1..).zip(blocks) {
        let time = so.now + block.after;
        if block.hole {
            so.holes.push((so.now, time));
            processor.gap(&Gap { from_block: number + 1, to_block: number + 9, from_time: so.now, to_time: time });
            number += 9;
        }
        number += 1;
        for ordered in &block.orders {
            let order = order(ordered, number, time);
            processor.fold(&order, &mut out, &mut []);
            so.orders.push(order);
        }
        let previous = if tick == 1 { 0 } else { so.now };
        (so.previous, so.now) = (previous, time);
        processor.tick(
            &Tick { time, block: number, previous, holes: so.holes.clone(), tells_all: false },
            &mut out,
            &mut [],
        );
        processor.begin_tick(tick);
        check(&so, said(&mut out));
    }
}

/// The history up to a block.
pub(super) struct So {
    pub orders: Vec<LiquidationOrder>,
    pub holes: Vec<(i64, i64)>,
    pub now: i64,
    pub previous: i64,
}

impl So {
    fn is_complete(&self, from: i64, to: i64) -> bool {
        self.holes.iter().all(|hole| hole.0 >= to || hole.1 <= from)
    }
}

fn order(ordered: &Ordered, block: u64, time: i64) -> LiquidationOrder {
    let (px, sz): (Amount, Amount) = (ordered.px.parse().unwrap(), Amount::from(i64::from(ordered.sz)));
    let order = json!({
        "coin": (["BTC", "kPEPE"][ordered.coin]), "wallet": wallet(ordered.victim), "block": block, "time": time,
        "side": (if ordered.long { "long" } else { "short" }), "method": ordered.method, "fills": 1, "size": sz,
        "notional": px.times(sz).unwrap(), "average_px": px, "mark_px": px, "closed_pnl": "0", "remaining": "0",
    });
    serde_json::from_value(order).unwrap()
}

/// The rows that are said of a history are those that are due and are not as they were said last.
fn check_rows(
    name: &str,
    blocks: &[Block],
    recount: fn(&So) -> BTreeMap<String, Value>,
    is_told: fn(&So, &Value) -> bool,
) {
    let mut told = BTreeMap::new();
    run_blocks(name, blocks, |so, said| {
        let news: BTreeMap<String, Value> = recount(so)
            .into_iter()
            .map(|(key, row)| (key, comparable(&row)))
            .filter(|(key, row)| is_told(so, row) && told.get(key) != Some(row))
            .collect();
        let said: BTreeMap<String, Value> =
            said.iter().map(|it| (it["key"].as_str().unwrap().to_string(), comparable(&it["value"]))).collect();
        same(&said, &news);
        told.extend(news);
    });
}

/// Shows the first row that differs.
pub(super) fn same(said: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>) {
    for key in said.keys().chain(expected.keys()) {
        assert_eq!(said.get(key), expected.get(key), "{key}");
    }
}

/// Without what says only how far the clock was; decimals by what they are, not by how they are written.
pub(super) fn comparable(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        if fields.contains_key("final") {
            fields.remove("clock");
            fields.remove("block");
        }
        for field in fields.values_mut() {
            *field = comparable(field);
        }
    }
    match value.as_str().map(str::parse::<Amount>) {
        Some(Ok(exact)) => json!(exact.shortest()),
        _ => value,
    }
}

fn notional(orders: &[&LiquidationOrder]) -> Amount {
    orders.iter().fold(Amount::ZERO, |sum, order| sum.plus(order.notional.unwrap()).unwrap())
}

fn crosses_a_second(so: &So) -> bool {
    so.now / 1_000 > so.previous / 1_000
}

fn by_bucket(so: &So, intervals: &[Interval]) -> BTreeMap<(String, Interval, i64), Vec<LiquidationOrder>> {
    let mut buckets: BTreeMap<(String, Interval, i64), Vec<LiquidationOrder>> = BTreeMap::new();
    for order in &so.orders {
        for &interval in intervals {
            let key = (order.coin.to_string(), interval, interval.bucket(order.time));
            buckets.entry(key).or_default().push(order.clone());
        }
    }
    buckets
}

pub(super) fn stats(so: &So) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for ((coin, interval, start), orders) in by_bucket(so, &Interval::ALL) {
        let end = start + interval.length_ms();
        let side = |side: &str| {
            let mut methods: BTreeMap<String, Vec<&LiquidationOrder>> = BTreeMap::new();
            orders
                .iter()
                .filter(|order| order.side.name() == side)
                .for_each(|order| methods.entry(order.method.to_string()).or_default().push(order));
            let row = |orders: Vec<&LiquidationOrder>| json!({ "orders": orders.len(), "notional": notional(&orders) });
            methods.into_iter().map(|(method, orders)| (method, row(orders))).collect::<serde_json::Map<_, _>>()
        };
        let mut row = json!({
            "coin": coin, "interval": interval, "time": start, "long": side("long"), "short": side("short"),
            "complete": so.is_complete(start, end), "final": end + crate::GRACE_MS <= so.now,
        });
        let mut counted: Vec<&LiquidationOrder> = orders.iter().filter(|order| *order.method != *"adl").collect();
        counted.sort_by_key(|order| (order.notional.unwrap().negated(), order.block, order.wallet));
        if let Some(largest) = counted.first() {
            row["largest"] = json!({
                "wallet": largest.wallet, "side": largest.side, "method": largest.method, "block": largest.block,
                "time": largest.time, "notional": largest.notional, "average_px": largest.average_px,
            });
        }
        rows.insert(format!("{coin}|{interval}|{start}"), row);
    }
    rows
}

pub(super) fn cascades(so: &So) -> BTreeMap<String, Value> {
    let mut bursts: Vec<Vec<&LiquidationOrder>> = Vec::new();
    for order in so.orders.iter().filter(|order| *order.method != *"adl") {
        let of_side =
            |burst: &&mut Vec<&LiquidationOrder>| (&burst[0].coin, burst[0].side) == (&order.coin, order.side);
        match bursts.iter_mut().rfind(of_side) {
            Some(burst) if order.time - burst.last().unwrap().time < 10_000 => burst.push(order),
            _ => bursts.push([order].into()),
        }
    }
    let mut rows = BTreeMap::new();
    for (at, burst) in bursts.iter().enumerate() {
        let (first, last) = (burst[0], burst[burst.len() - 1]);
        let mut victims: Vec<_> = burst.iter().map(|order| order.wallet).collect();
        victims.sort_unstable();
        victims.dedup();
        if victims.len() < 5 {
            continue;
        }
        let next = bursts[at + 1..].iter().find(|other| (&other[0].coin, other[0].side) == (&first.coin, first.side));
        let end = (last.time + 10_000).min(next.map_or(i64::MAX, |next| next[0].time));
        let mut seconds: BTreeMap<i64, Vec<&LiquidationOrder>> = BTreeMap::new();
        burst.iter().for_each(|order| seconds.entry(order.time / 1_000 * 1_000).or_default().push(order));
        let mut peaks: Vec<(Amount, i64)> =
            seconds.iter().map(|(second, orders)| (notional(orders), -second)).collect();
        peaks.sort_unstable();
        let (peak, second) = peaks[peaks.len() - 1];
        let key = format!("{}|{}|{}", first.coin, first.side.name(), first.block);
        let row = json!({
            "coin": first.coin, "side": first.side, "first_block": first.block, "last_block": last.block,
            "first_time": first.time, "last_time": last.time, "orders": burst.len(), "notional": notional(burst),
            "peak_time": -second, "peak_notional": peak, "first_mark_px": first.mark_px, "last_mark_px": last.mark_px,
            "complete": so.is_complete(first.time, end), "final": end <= so.now,
        });
        rows.insert(key, row);
    }
    rows
}

/// Prices of the orders, and where they lie in steps of a five-hundredth, a thousandth and a two-hundredth.
fn step(px: Amount, interval: Interval) -> (Amount, Amount) {
    let (low, high) = step_of_text(&px.to_string(), interval);
    (low.parse().unwrap(), high.parse().unwrap())
}

fn step_of_text(px: &str, interval: Interval) -> (&'static str, &'static str) {
    use Interval::{FourHours, OneHour};
    match (px, interval) {
        ("99.99", FourHours) => ("99.9", "100"),
        ("99.99", OneHour) => ("99.9", "100"),
        ("99.99", _) => ("99.95", "100"),
        ("100", FourHours) => ("100", "100.5"),
        ("100", _) => ("100", "100.1"),
        ("100.5", FourHours) => ("100.5", "101"),
        ("100.5", _) => ("100.5", "100.6"),
        ("1234.5", FourHours) => ("1230", "1235"),
        ("1234.5", _) => ("1234", "1235"),
        ("0.00012345", FourHours) => ("0.000123", "0.0001235"),
        ("0.00012345", _) => ("0.0001234", "0.0001235"),
        ("5", FourHours) => ("5", "5.01"),
        ("5", OneHour) => ("5", "5.01"),
        ("5", _) => ("5", "5.005"),
        _ => panic!("{px}"),
    }
}

/// In steps of price as they are told of each price and interval.
pub(super) fn cells(so: &So, step: fn(Amount, Interval) -> (Amount, Amount)) -> BTreeMap<String, Value> {
    use Interval::{FifteenMinutes, FiveMinutes, FourHours, OneHour};
    let mut rows = BTreeMap::new();
    for ((coin, interval, start), orders) in by_bucket(so, &[FiveMinutes, FifteenMinutes, OneHour, FourHours]) {
        let mut prices: BTreeMap<(Amount, Amount), Vec<&LiquidationOrder>> = BTreeMap::new();
        for order in orders.iter().filter(|order| *order.method != *"adl") {
            prices.entry(step(order.average_px.unwrap(), interval)).or_default().push(order);
        }
        let end = start + interval.length_ms();
        for ((low, high), orders) in prices {
            let of = |side: &str| orders.iter().copied().filter(|order| order.side.name() == side).collect::<Vec<_>>();
            let (long, short) = (of("long"), of("short"));
            let row = json!({
                "coin": coin, "interval": interval, "time": start, "price_low": low, "price_high": high,
                "long_orders": long.len(), "short_orders": short.len(), "long_notional": notional(&long),
                "short_notional": notional(&short), "complete": so.is_complete(start, end),
                "final": end + crate::GRACE_MS <= so.now,
            });
            rows.insert(format!("{coin}|{interval}|{start}|{low}"), row);
        }
    }
    rows
}

proptest! {
    #[test]
    fn statistics_are_those_of_all_orders(blocks in prop::collection::vec(block(), 1..20)) {
        let is_told = |so: &So, row: &Value| {
            row["final"] == json!(true) && crosses_a_second(so)
                || is_due(row["interval"].as_str().unwrap(), so.previous, so.now)
        };
        check_rows("liquidation-stats", &blocks, stats, is_told);
    }

    #[test]
    fn cascades_are_the_bursts_of_all_orders(blocks in prop::collection::vec(block(), 1..30)) {
        check_rows("liquidation-cascades", &blocks, cascades, |_, _| true);
    }

    #[test]
    fn cells_are_those_of_all_orders(blocks in prop::collection::vec(block(), 1..20)) {
        check_rows("liquidation-heatmap", &blocks, |so| cells(so, step), |so, _| crosses_a_second(so));
    }
}
