//! The whales that are told of at each block are those of a recount of the whole history, also by tasks that are dropped
//! and made again after every record.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Generation, Topic, WhaleRule, topics};

use super::liquidation_windows::{comparable, same};
use super::liquidations::START;
use super::whale_recount::{Known, recounted};
use super::whale_tapes::{COINS, Told, block, tape_of};
use super::*;

/// Two lanes of changes for the one task that is run.
const TWO: Generation = Generation { number: 1, facts: 1, partitions: 2 };

/// A record and the lane that it is in.
type InALane = (usize, &'static str, String);

fn records_of(told: &Told, stage: &Stage) -> Vec<InALane> {
    let lane = |topic: &Topic| stage.lanes().position(|(its, ..)| its == topic).unwrap();
    let changes = lane(&topics::POSITION_CHANGES);
    let of_coin = |coin: &str| changes + COINS.iter().position(|it| *it == coin).unwrap();
    let mut records = Vec::new();
    records.extend(told.account.iter().map(|it| (lane(&topics::ACCOUNT_STATES), "", json!(it).to_string())));
    records.extend(told.watch.iter().map(|it| (lane(&topics::WHALE_WATCHES), "", json!(it).to_string())));
    records.extend(told.flow.iter().map(|it| (lane(&topics::LEDGER_UPDATES), "", json!(it).to_string())));
    records.extend(told.changes.iter().map(|it| (of_coin(it.coin.as_str()), "change", json!(it).to_string())));
    records.extend(told.market.iter().map(|it| (of_coin(it.coin.as_str()), "market", json!(it).to_string())));
    let clock = json!({ "time": told.time, "block": told.number }).to_string();
    records.extend([(changes, "clock", clock.clone()), (changes + 1, "clock", clock)]);
    records
}

fn take(stage: &mut Stage, lane: usize, offset: u64, (_, kind, value): &InALane, out: &mut Outbox) {
    give(stage, lane, offset, (!kind.is_empty()).then_some(*kind), value, out);
}

/// What was said of the whales by key, and beside it of accounts and risks.
fn rows(out: &mut Outbox) -> (BTreeMap<String, Value>, Known) {
    let (mut whales, mut known) = (BTreeMap::new(), Known::new());
    for record in said(out).into_iter().filter(|record| record["key"] != "clock") {
        let key = record["key"].as_str().unwrap().to_string();
        match record["topic"].as_str().unwrap() {
            "whale-activities" => drop(whales.insert(key, comparable(&record["value"]))),
            _ => drop(known.insert(key, record["value"].clone())),
        }
    }
    (whales, known)
}

fn rules() -> impl Strategy<Value = Rules> {
    prop_oneof![Just(("100000", "0.0001")), Just(("40000", "0.0002")), Just(("0", "0")), Just(("90000.5", "0.00005"))]
        .prop_map(|(floor, share)| Rules {
            whales: WhaleRule { floor: floor.parse().unwrap(), share_of_volume: share.parse().unwrap() },
            ..Rules::default()
        })
}

proptest! {
    #[test]
    fn whales_are_those_of_the_whole_history(blocks in prop::collection::vec(block(), 1..14), rules in rules()) {
        let tape = tape_of(&blocks);
        let (mut stage, mut out, mut next) = (crate::WALLET.task_by(&rules, TWO, 0), Outbox::new(TWO), [0; 8]);
        let mut known = Known::new();
        for at in 0..tape.len() {
            for record in records_of(&tape[at], &stage) {
                take(&mut stage, record.0, next[record.0], &record, &mut out);
                next[record.0] += 1;
                go_on_with_what_there_is(&mut stage, &mut out);
            }
            prop_assert_eq!(stage.set_aside(), []);
            let (whales, new) = rows(&mut out);
            known.extend(new);
            let expected = recounted(&tape[..=at], &known, &rules.whales);
            same(&whales, &expected.into_iter().map(|(key, row)| (key, comparable(&row))).collect());
        }
    }

    #[test]
    fn a_task_that_is_made_again_after_every_record_tells_the_same_whales(
        blocks in prop::collection::vec(block(), 1..7), rules in rules(),
    ) {
        let task = || crate::WALLET.task_by(&rules, TWO, 0);
        let (mut through, mut whole, mut pieces) = (task(), Outbox::new(TWO), Outbox::new(TWO));
        let mut lanes: [Vec<InALane>; 8] = Default::default();
        let mut state: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for record in tape_of(&blocks).iter().flat_map(|told| records_of(told, &task())) {
            let lane = record.0;
            take(&mut through, lane, lanes[lane].len() as u64, &record, &mut whole);
            go_on_with_what_there_is(&mut through, &mut whole);
            lanes[lane].push(record);
            let mut again = task();
            state.iter().for_each(|(key, value)| again.restore(key, value).unwrap());
            again.restored();
            let from: Vec<u64> = again.lanes().map(|(.., next)| next.unwrap_or_default()).collect();
            for (lane, from) in from.into_iter().enumerate() {
                for (offset, record) in lanes[lane].iter().enumerate().skip(from as usize) {
                    take(&mut again, lane, offset as u64, record, &mut pieces);
                }
            }
            go_on_with_what_there_is(&mut again, &mut pieces);
            let mut saved = Outbox::new(TWO);
            again.save(&mut saved);
            for record in saved.filled().flat_map(|(_, _, batch)| batch.records()) {
                match record.value {
                    Some(value) => state.insert(record.key.to_vec(), value.to_vec()),
                    None => state.remove(record.key),
                };
            }
        }
        same(&rows(&mut whole).0, &rows(&mut pieces).0);
    }
}

#[test]
fn a_threshold_follows_the_volume_and_never_falls_below_the_floor() {
    let threshold = |volume: Option<&str>| {
        let volume = volume.map(|volume| volume.parse::<Amount>().unwrap());
        crate::whale_rule::threshold(&WhaleRule::default(), volume).to_string()
    };
    for (volume, expected) in [
        (None, "100000"),
        (Some("0.0"), "100000"),
        (Some("999999999.99"), "100000"),
        (Some("1000000000.01"), "100000.000001"),
        (Some("2213456789.12"), "221345.678912"),
    ] {
        assert_eq!(threshold(volume), expected, "{volume:?}");
    }
}

#[test]
fn the_risk_is_of_what_the_block_leaves_also_when_that_is_what_was_there_before() {
    let one = Generation { number: 1, facts: 1, partitions: 1 };
    let none = WhaleRule { floor: Amount::ZERO, share_of_volume: Amount::ZERO };
    let (mut stage, mut out) =
        (crate::WALLET.task_by(&Rules { whales: none, ..Rules::default() }, one, 0), Outbox::new(one));
    let change = |block: i64, oid: i64, side: &str, sz: &str, before: &str, after: &str| {
        let wallet = super::liquidations::wallet(1);
        json!({
            "coin": "BTC", "wallet": wallet, "time": START + block * 1_000, "block": block, "index": oid, "side": side, "px": "100",
            "sz": sz, "dir": "", "before": before, "after": after, "cost": "1000", "oid": oid, "crossed": true,
        })
    };
    let tiers = json!([{ "lower_bound": "0.0", "max_leverage": 20 }]);
    let market = json!({ "coin": "BTC", "time": START, "mark_px": "100", "margin_tiers": tiers });
    let clock = |block: i64| ("clock", json!({ "time": START + block * 1_000, "block": block }));
    let records = [
        ("market", market),
        ("change", change(1, 1, "B", "10", "0", "10")),
        clock(1),
        ("change", change(2, 2, "A", "1", "10", "9")),
        ("change", change(2, 3, "B", "1", "9", "10")),
        clock(2),
    ];
    for (offset, (kind, value)) in records.into_iter().enumerate() {
        give(&mut stage, 0, offset as u64, Some(kind), &value.to_string(), &mut out);
        go_on_with_what_there_is(&mut stage, &mut out);
    }
    let said =
        rows(&mut out).0.into_values().map(|row| (row["order"]["oid"].clone(), row["order"]["leverage"].clone()));
    assert_eq!(said.collect::<Vec<_>>(), [(json!(1), json!(10)), (json!(2), Value::Null), (json!(3), json!(10))]);
}
