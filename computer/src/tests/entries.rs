//! Random fills of a wallet, some of them unseen: entry price and realised profit of what it holds are what all fills that
//! were seen since come to, the long way.

use proptest::prelude::*;
use schemas::{Amount, Position, PositionSide};

use super::*;

#[derive(Debug, Clone)]
struct Traded {
    buys: bool,
    px: u32,
    sz: u32,
    /// A source of before fees were said.
    fee: Option<i32>,
    seen: bool,
}

fn traded() -> impl Strategy<Value = Traded> {
    let fee = prop_oneof![6 => (-3..9_i32).prop_map(Some), 1 => Just(None)];
    (any::<bool>(), 1..9_u32, 1..5_u32, fee, prop::bool::weighted(0.85)).prop_map(|(buys, px, sz, fee, seen)| Traded {
        buys,
        px,
        sz,
        fee,
        seen,
    })
}

/// The fills that are seen, as an exchange writes them that keeps average prices.
fn fills(tape: &[Traded]) -> Vec<Fill> {
    let (mut size, mut cost, mut fills) = (Amount::ZERO, Amount::ZERO, Vec::new());
    for (index, traded) in tape.iter().enumerate() {
        let px: Amount = format!("{}.5", traded.px).parse().unwrap();
        let change = Amount::from(i64::from(traded.sz) * if traded.buys { 1 } else { -1 });
        let after = size.plus(change).unwrap();
        let closes = size.sign() * change.sign() < 0;
        let closed = if closes { size.magnitude().min(change.magnitude()) } else { Amount::ZERO };
        let entry = if size.is_zero() { Amount::ZERO } else { cost.over(size.magnitude()).unwrap() };
        let gain = px.minus(entry).unwrap().times(closed).unwrap();
        let pnl = if size.sign() > 0 { gain } else { gain.negated() };
        let opened = change.magnitude().minus(closed).unwrap();
        cost = cost.minus(entry.times(closed).unwrap()).unwrap().plus(px.times(opened).unwrap()).unwrap();
        if traded.seen {
            let mut fill = json!({
                "block": 7, "index": index, "user": format!("0x{:040x}", 1), "coin": "BTC", "px": px,
                "sz": change.magnitude(), "side": (if traded.buys { "B" } else { "A" }), "time": 1000 + index,
                "startPosition": size, "dir": "", "closedPnl": pnl, "hash": format!("0x{:064x}", 0), "oid": 1,
                "crossed": true,
            });
            if let Some(fee) = traded.fee {
                fill["fee"] = json!(format!("{fee}.25"));
            }
            fills.push(serde_json::from_value(fill).unwrap());
        }
        size = after;
    }
    fills
}

/// What a fill closes, and what it opens.
fn parts(fill: &Fill) -> (Amount, Amount) {
    let before = fill.start_position;
    let closes = before.sign() * fill.side.sign() < 0;
    let closed = if closes { before.magnitude().min(fill.sz) } else { Amount::ZERO };
    (closed, fill.sz.minus(closed).unwrap())
}

fn fee_of(fill: &Fill, part: Amount) -> Option<Amount> {
    if part == fill.sz { fill.fee } else { fill.fee.map(|fee| fee.times(part).unwrap().over(fill.sz).unwrap()) }
}

/// When it was opened, what was paid for it, and what it has realised.
type Known = (Option<i64>, Option<Amount>, Option<Amount>);

/// Of what is held after these fills of one wallet in one coin, which is not nothing.
pub(super) fn recounted(fills: &[&Fill]) -> Known {
    let size = fills[fills.len() - 1].end_position().unwrap();
    let is_miss = |at: usize| {
        let known = if at == 0 { Amount::ZERO } else { fills[at - 1].end_position().unwrap() };
        known != fills[at].start_position
    };
    let opens = |at: usize| {
        let (before, after) = (fills[at].start_position.sign(), fills[at].end_position().unwrap().sign());
        after != 0 && before != after
    };
    let first = (0..fills.len()).rev().find(|&at| opens(at) || is_miss(at)).unwrap();
    let (mut cost, mut realised) = (None, Some(Amount::ZERO));
    let mut add = |pnl: Amount, fee: Option<Amount>| {
        realised = realised.zip(fee).map(|(sum, fee)| sum.plus(pnl).unwrap().minus(fee).unwrap());
    };
    for (at, fill) in fills.iter().enumerate().skip(first) {
        let (closed, opened) = parts(fill);
        let pnl = fill.closed_pnl.unwrap();
        if at == first && opens(at) {
            cost = Some(fill.px.times(opened).unwrap());
            add(Amount::ZERO, fee_of(fill, opened));
            continue;
        }
        if !closed.is_zero() {
            let gain = if size.sign() > 0 { pnl } else { pnl.negated() };
            let had_cost = fill.px.times(closed).unwrap().minus(gain).unwrap();
            let left = fill.end_position().unwrap().magnitude();
            cost = match cost {
                Some(cost) => Some(cost.minus(had_cost).unwrap()),
                None => Some(had_cost.over(closed).unwrap().times(left).unwrap()),
            };
            add(pnl, fee_of(fill, closed));
        } else {
            cost = cost.map(|cost| cost.plus(fill.px.times(opened).unwrap()).unwrap());
            add(Amount::ZERO, fee_of(fill, opened));
        }
    }
    (opens(first).then_some(fills[first].time), cost, realised)
}

#[test]
fn what_is_closed_is_remembered_for_a_while_and_then_forgotten() {
    let hour = 3_600_000;
    let mut processor = crate::coin_stage(&Rules::default()).remove(0);
    let fill = |block: u64, start: &str, side: &str| -> Fill {
        let (_, bytes) =
            examples::of(&schemas::topics::FILLS).into_iter().find(|(case, _)| case == "fill-open-long").unwrap();
        let mut fill: Value = serde_json::from_slice(&bytes).unwrap();
        fill["block"] = json!(block);
        (fill["startPosition"], fill["side"], fill["sz"]) = (json!(start), json!(side), json!("2.0"));
        serde_json::from_value(fill).unwrap()
    };
    let mut ticks = 0;
    let mut said_after = |fill: Option<&Fill>, time: i64| {
        let mut out = Outbox::new(GENERATION);
        if let Some(fill) = fill {
            processor.fold(fill, &mut out, &mut []);
        }
        processor.tick(
            &Tick { time, block: 9, previous: time - 60_000, holes: Vec::new(), tells_all: false },
            &mut out,
            &mut [],
        );
        ticks += 1;
        processor.begin_tick(ticks);
        (said(&mut out).len(), processor.entries())
    };
    let (opens, closes, older) = (fill(7, "0.0", "B"), fill(8, "2.0", "A"), fill(6, "0.0", "B"));
    assert_eq!(said_after(Some(&opens), opens.time), (2, 1), "the change and the position");
    assert_eq!(said_after(Some(&closes), opens.time), (3, 1), "flat, which ends its key, and remembered");
    assert_eq!(said_after(Some(&older), opens.time + 60_000), (0, 1), "older than what is known");
    assert_eq!(said_after(None, opens.time + hour - 1), (0, 1));
    assert_eq!(said_after(None, opens.time + hour), (0, 0), "forgotten");
}

proptest! {
    #[test]
    fn entries_and_profits_are_those_of_all_fills_that_were_seen(tape in prop::collection::vec(traded(), 1..25)) {
        let fills = fills(&tape);
        let mut processor = crate::coin_stage(&Rules::default()).remove(0);
        let mut out = Outbox::new(GENERATION);
        for (at, fill) in fills.iter().enumerate() {
            processor.fold(fill, &mut out, &mut []);
            let tick = at as u64 + 1;
            processor.tick(&Tick { time: fill.time, block: 7, previous: 0, holes: Vec::new(), tells_all: false }, &mut out, &mut []);
            processor.begin_tick(tick);
            let said = said(&mut out);
            let position = said.iter().find(|record| record["topic"] == "positions").unwrap();
            if fill.end_position().unwrap().is_zero() {
                prop_assert_eq!(&position["value"]["side"], "flat");
                continue;
            }
            let position: Position = serde_json::from_value(position["value"].clone()).unwrap();
            prop_assert!(position.side != PositionSide::Flat);
            let known = (position.opened_at, position.entry_px, position.realised_pnl);
            let (opened_at, cost, realised) = recounted(&fills[..=at].iter().collect::<Vec<_>>());
            let entry_px = cost.map(|cost| cost.over(position.size.magnitude()).unwrap());
            prop_assert_eq!(known, (opened_at, entry_px, realised));
        }
    }
}
