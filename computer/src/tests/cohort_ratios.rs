//! Random markets over hours: each bucket of each kind of ratio is what a recount of the whole history comes to, the long
//! way, and is final once.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::Amount;

use super::cohort_history::{COINS, recounted};
use super::liquidation_windows::same;
use super::liquidations::{Fact, START, clock, wallet};
use super::*;

#[derive(Debug, Clone)]
struct Block {
    after: After,
    /// Blocks before it are missing.
    hole: bool,
    deals: Vec<Deal>,
    /// Of a coin, how much the exchange says is open, and how much earlier it was heard.
    contexts: Vec<(usize, &'static str, i64)>,
}

/// How long after the block before it comes.
#[derive(Debug, Clone, Copy)]
enum After {
    Ms(i64),
    /// So long after the next hour has begun.
    TheHour(i64),
}

/// A wallet's position becomes another one.
#[derive(Debug, Clone)]
struct Deal {
    coin: usize,
    wallet: u64,
    size: &'static str,
    px: &'static str,
    dir: &'static str,
    /// How much earlier than its block it happened; a wallet's deals are in the order of time.
    earlier: i64,
}

fn deal() -> impl Strategy<Value = Deal> {
    let size = prop_oneof![
        3 => Just("0"), 2 => Just("1"), 2 => Just("-1"), 1 => Just("0.25"), 1 => Just("-7.5"), 1 => Just("300"),
        1 => Just("-5000"),
    ];
    let px = prop_oneof![Just("100.5"), Just("1000"), Just("9999.9"), Just("20000")];
    let earlier = prop_oneof![4 => Just(0), 1 => Just(3_000), 1 => Just(9_999)];
    let dir = prop_oneof![6 => Just(""), 1 => Just("Settlement")];
    (0..2_usize, 0..8_u64, size, px, dir, earlier).prop_map(|(coin, wallet, size, px, dir, earlier)| Deal {
        coin,
        wallet,
        size,
        px,
        dir,
        earlier,
    })
}

fn block() -> impl Strategy<Value = Block> {
    let ms = prop_oneof![
        4 => Just(70), 4 => Just(1_000), 4 => Just(9_950), 2 => Just(59_999), 2 => Just(1_790_000), 1 => Just(7_300_000),
    ];
    let of_hour = prop_oneof![Just(0), Just(2_500), Just(-1)];
    let after = prop_oneof![3 => ms.prop_map(After::Ms), 1 => of_hour.prop_map(After::TheHour)];
    let open = prop_oneof![2 => Just("100"), 1 => Just("7.75"), 1 => Just("3000.5"), 1 => Just("0.0")];
    let context = (0..2_usize, open, prop_oneof![3 => Just(0), 1 => Just(600), 1 => Just(5_000)]);
    let (deals, contexts) = (prop::collection::vec(deal(), 0..6), prop::collection::vec(context, 0..3));
    (after, prop::bool::weighted(0.1), deals, contexts).prop_map(|(after, hole, deals, contexts)| Block {
        after,
        hole,
        deals,
        contexts,
    })
}

fn facts_of(tape: &[Block]) -> Vec<Fact> {
    let (mut facts, mut number, mut time) = (Vec::new(), 1, START);
    let mut held: BTreeMap<(usize, u64), (Amount, i64)> = BTreeMap::new();
    let mut heard = [0; 2];
    for block in tape {
        let before = (number, time);
        number += if block.hole { 10 } else { 1 };
        time += match block.after {
            After::Ms(ms) => ms,
            After::TheHour(ms) => (3_600_000 - time % 3_600_000 + ms).max(1),
        };
        if block.hole {
            let gap =
                json!({ "from_block": before.0 + 1, "to_block": number - 1, "from_time": before.1, "to_time": time });
            facts.push(("gap", gap));
        }
        for (index, deal) in block.deals.iter().enumerate() {
            let (size, changed_at) = held.entry((deal.coin, deal.wallet)).or_insert((Amount::ZERO, 0));
            let becomes: Amount = deal.size.parse().unwrap();
            let change = becomes.minus(*size).unwrap();
            if change.is_zero() {
                continue;
            }
            let happened = if time - deal.earlier < *changed_at { time } else { time - deal.earlier };
            facts.push((
                "fill",
                json!({
                    "block": number, "index": index, "user": wallet(deal.wallet + 1), "coin": COINS[deal.coin], "px": deal.px,
                    "sz": change.magnitude(), "side": (if change.sign() > 0 { "B" } else { "A" }), "time": happened,
                    "startPosition": size, "dir": deal.dir, "closedPnl": "0.0", "hash": format!("0x{:064x}", 1), "oid": 1,
                    "crossed": true, "fee": "0.0", "tid": number,
                }),
            ));
            (*size, *changed_at) = (becomes, happened);
        }
        for &(coin, open_interest, earlier) in &block.contexts {
            heard[coin] = heard[coin].max(time - earlier);
            facts.push((
                CONTEXT,
                json!({
                    "coin": COINS[coin], "time": heard[coin], "openInterest": open_interest, "markPx": "1", "oraclePx": "1",
                    "funding": "0.0", "prevDayPx": "1", "dayNtlVlm": "0.0",
                }),
            ));
        }
        facts.push(clock(number, time));
    }
    // Whatever is over is final at the end.
    facts.push(clock(number + 1, time + 71_000));
    facts
}

/// What a stage says of them, each bucket once.
fn finals(out: &mut Outbox) -> BTreeMap<String, Value> {
    let mut finals = BTreeMap::new();
    for record in said(out) {
        if record["topic"] == "long-short-ratios" && record["value"]["final"] == json!(true) {
            let (key, mut value) = (record["key"].as_str().unwrap().to_string(), record["value"].clone());
            value.as_object_mut().unwrap().retain(|name, _| name != "clock" && name != "block");
            assert_eq!(finals.insert(key.clone(), value), None, "{key} is final twice");
        }
    }
    finals
}

/// Whom the second of two hours knows, and the first one knew otherwise, comes late into the first.
#[test]
fn what_comes_late_is_of_the_hour_before_and_of_those_who_belonged_to_a_cohort_then() {
    let deal = |wallet, size, earlier| Deal { coin: 0, wallet, size, px: "1000", dir: "", earlier };
    let block =
        |after, deals: &[Deal]| Block { after, hole: false, deals: deals.into(), contexts: [(0, "50", 0)].into() };
    let first_hour = [deal(0, "300", 0), deal(1, "-7.5", 0), deal(2, "-1", 0), deal(3, "1", 0)];
    let second_hour = [deal(0, "1", 0), deal(1, "-5000", 0), deal(2, "0", 0)];
    let late = [deal(0, "-1", 3_000), deal(1, "300", 3_000), deal(2, "300", 3_000), deal(3, "0", 9_999)];
    let tape = [
        block(After::Ms(1_000), &first_hour),
        block(After::TheHour(0), &[]),
        block(After::Ms(1_000), &second_hour),
        block(After::TheHour(0), &[]),
        block(After::Ms(70), &late),
    ];
    let facts = facts_of(&tape);
    is_as_recounted(&facts);
    is_the_same_in_pieces(facts);
}

fn is_as_recounted(facts: &[Fact]) {
    let (mut stage, mut out) = (Stage::coin(GENERATION, 0), Outbox::new(GENERATION));
    for (offset, (kind, fact)) in (0..).zip(facts) {
        apply_fact(&mut stage, offset, kind, &fact.to_string(), &mut out);
    }
    same(&finals(&mut out), &recounted(facts));
}

/// A position grows on the side it is on, and what the exchange says is open changes, within a minute and after it.
#[test]
fn coverage_is_told_at_the_end_of_a_bucket_and_alone_it_is_no_news() {
    let deal = |size, earlier| Deal { coin: 0, wallet: 1, size, px: "1000", dir: "", earlier };
    let block = |after, deals: &[Deal], contexts: &[(usize, &'static str, i64)]| Block {
        after: After::Ms(after),
        hole: false,
        deals: deals.into(),
        contexts: contexts.into(),
    };
    let tape = [
        block(30_000, &[deal("1", 0)], &[(0, "100", 0)]),
        block(1_000, &[], &[]),
        // Neither is a reason to tell a ratio.
        block(1_000, &[deal("300", 0)], &[(0, "3000.5", 0)]),
        block(1_000, &[], &[(0, "7.75", 0)]),
        block(1_000, &[], &[]),
        // Told late, of the minute before.
        block(30_000, &[deal("0.25", 9_999)], &[(0, "100", 5_000), (0, "50", 0)]),
        block(5_000, &[], &[]),
    ];
    let facts = facts_of(&tape);
    is_as_recounted(&facts);
    let (mut stage, mut out) = (Stage::coin(GENERATION, 0), Outbox::new(GENERATION));
    let mut told = Vec::new();
    for (offset, (kind, fact)) in (0..).zip(&facts) {
        apply_fact(&mut stage, offset, kind, &fact.to_string(), &mut out);
        let is_minute = |row: &&Value| row["topic"] == "long-short-ratios" && row["value"]["interval"] == "1m";
        let rows = said(&mut out);
        let rows = rows.iter().filter(is_minute).map(|row| &row["value"]);
        told.extend(rows.map(|row| {
            let minute = (row["time"].as_i64().unwrap() - START).div_euclid(60_000);
            (minute, row["final"].as_bool().unwrap(), row["oi_coverage_pct"].as_str().map(ToString::to_string))
        }));
    }
    let coverage = |text: &str| Some(text.to_string());
    // A quarter of a coin, and nothing on the other side, of two times a hundred.
    let last = [(0, true, coverage("0.12")), (1, true, coverage("0.25")), (2, false, coverage("0.25"))];
    assert_eq!(told, [&[(0, false, None), (1, false, coverage("0.12"))][..], &last].concat());
}

fn is_the_same_in_pieces(facts: Vec<Fact>) {
    let records: Vec<(&str, String)> = facts.into_iter().map(|(kind, value)| (kind, value.to_string())).collect();
    let (mut whole, mut pieces) = whole_and_in_pieces(&records);
    assert_eq!(said(&mut whole), said(&mut pieces));
}

proptest! {
    #![proptest_config(at_first(32))]

    #[test]
    fn ratios_are_those_of_the_whole_history(tape in prop::collection::vec(block(), 1..24)) {
        is_as_recounted(&facts_of(&tape));
    }

    #[test]
    fn a_restored_stage_says_the_same_of_any_cohorts(tape in prop::collection::vec(block(), 1..8)) {
        is_the_same_in_pieces(facts_of(&tape));
    }
}
