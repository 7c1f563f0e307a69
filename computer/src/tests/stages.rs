//! What a stage adds to its folds: the clock in its result topics, and the input that it takes.

use alloc::collections::BTreeMap;

use schemas::{Checkpoint, Generation, ResultClock, Topic, kind, topics};

use super::*;

/// All results in one partition, so that each record stands where it was said.
const ONE: Generation = Generation { number: 1, facts: 1, partitions: 1 };

#[test]
fn the_result_topics_are_told_the_time_each_second_behind_what_it_covers() {
    let mut stage = Stage::coin(ONE, 0);
    let mut out = Outbox::new(ONE);
    let facts = scenario();
    for (kind, value) in &facts {
        apply(&mut stage, kind, value, &mut out);
    }
    let mut clocks: BTreeMap<&str, Vec<ResultClock>> = BTreeMap::new();
    for (topic, partition, batch) in out.filled() {
        let mut last = i64::MIN;
        for record in batch.records() {
            let value = record.value.unwrap_or(b"{}");
            if record.headers.get(kind::HEADER) == Some(kind::CLOCK) {
                assert_eq!((record.key, partition), (ResultClock::KEY, 0));
                assert_eq!(record.headers.get("schema"), Some(ResultClock::SCHEMA.as_bytes()));
                let clock: ResultClock = serde_json::from_slice(value).unwrap();
                assert_eq!(record.time, clock.time);
                last = clock.time;
                clocks.entry(topic.name).or_default().push(clock);
            } else if let Some(clock) = serde_json::from_slice::<Value>(value).unwrap()["clock"].as_i64() {
                assert!(clock > last || topic.name == "late-events", "{}: {clock} behind the clock {last}", topic.name);
            }
        }
    }
    let said: Vec<Value> = facts
        .iter()
        .filter(|(kind, _)| *kind == "clock")
        .map(|(_, clock)| serde_json::from_str(clock).unwrap())
        .collect();
    // The scenario has one clock each second, so each of them is told.
    let expected: Vec<ResultClock> = said
        .iter()
        .map(|clock| ResultClock {
            time: clock["time"].as_i64().unwrap(),
            block: clock["block"].as_u64().unwrap(),
            since_time: said[0]["time"].as_i64().unwrap(),
            since_block: said[0]["block"].as_u64().unwrap(),
        })
        .collect();
    let results = [
        "candle-checks",
        "candles",
        "liquidation-cascades",
        "liquidation-heatmap",
        "liquidation-stats",
        "liquidations",
        "long-short-ratios",
        "position-changes",
        "positions",
        "taker-flow",
        "taker-sums",
    ];
    assert_eq!(clocks.keys().copied().collect::<Vec<_>>(), results);
    assert!(clocks.values().all(|told| *told == expected));
}

#[test]
fn clocks_within_a_second_are_told_once() {
    let mut stage = Stage::coin(GENERATION, 3);
    let mut out = Outbox::new(GENERATION);
    for (block, time) in [(1, 5_100), (2, 5_900), (3, 6_000), (4, 6_999), (5, 9_001), (5, 10_001)] {
        apply(&mut stage, "clock", &json!({ "time": time, "block": block }).to_string(), &mut out);
    }
    let mut times = Vec::new();
    for (_, partition, batch) in out.filled().filter(|(topic, ..)| topic.name == "positions") {
        times.extend(batch.records().map(|record| (partition, record.time)));
    }
    assert_eq!(times, [(3, 5_100), (3, 6_000), (3, 9_001)], "and a block that was told is not told again");
}

pub fn context(coin: &str, time: i64, mark: &str) -> String {
    let context = json!({
        "coin": coin, "time": time, "markPx": mark, "oraclePx": "2", "midPx": null, "funding": "0.0", "openInterest": "3",
        "prevDayPx": "1", "dayNtlVlm": "0.0",
    });
    context.to_string()
}

fn marks(out: &mut Outbox) -> Vec<String> {
    said(out).iter().map(|record| record["value"]["mark_px"].as_str().unwrap().into()).collect()
}

#[test]
fn an_older_price_is_not_said_after_a_newer_one_also_not_by_a_successor() {
    let mut stage = Stage::price(GENERATION, 0);
    let mut out = Outbox::new(GENERATION);
    for (time, mark) in [(10, "1"), (12, "2"), (11, "3"), (12, "4")] {
        apply(&mut stage, "context", &context("BTC", time, mark), &mut out);
    }
    assert_eq!(marks(&mut out), ["1", "2", "4"]);
    stage.has_read(0, 4);
    stage.save(&mut out);
    let mut successor = Stage::price(GENERATION, 0);
    for (topic, _, batch) in out.filled() {
        assert_eq!(topic.name, "state.price");
        batch.records().for_each(|record| successor.restore(record.key, record.value.unwrap()).unwrap());
    }
    successor.restored();
    out.clear();
    apply(&mut successor, "context", &context("BTC", 11, "5"), &mut out);
    apply(&mut successor, "context", &context("ETH", 11, "6"), &mut out);
    assert_eq!(marks(&mut out), ["6"]);
    assert_eq!(successor.checkpoint().next, [("asset-contexts/0".into(), 4)].into());
}

#[test]
fn what_no_fold_can_read_is_set_aside_in_its_turn() {
    let context = context("BTC", 1, "1");
    let mut out = Outbox::new(GENERATION);
    let mut price = Stage::price(GENERATION, 0);
    apply(&mut price, "context", &context, &mut out);
    assert_eq!((price.set_aside(), marks(&mut out)), (Vec::new(), Vec::from(["1".into()])));
    let mut coin = Stage::coin(GENERATION, 3);
    apply_at(&mut coin, 7, "context", &context, &mut out);
    assert_eq!(coin.set_aside(), [], "with the block that it stands in");
    apply_at(&mut coin, 8, "clock", r#"{"time":1,"block":1}"#, &mut out);
    let set_aside = coin.set_aside();
    let [record] = set_aside.as_slice() else { panic!("{set_aside:?}") };
    assert_eq!((record.topic.name, record.partition, record.offset), ("fills", 3, 7));
    assert_eq!(
        (record.reason.as_str(), record.value.as_slice()),
        ("a record of unknown kind \"context\"", context.as_bytes())
    );
}

#[test]
fn a_successor_that_has_read_nothing_has_nothing_to_save() {
    let (mut stage, mut out) = (Stage::coin(GENERATION, 0), Outbox::new(GENERATION));
    apply_at(&mut stage, 41, "clock", r#"{"time":1,"block":1}"#, &mut out);
    assert!(stage.has_gone_on());
    stage.save(&mut out);
    assert!(!stage.has_gone_on());
    let mut successor = Stage::coin(GENERATION, 0);
    for (_, _, batch) in out.filled().filter(|(topic, ..)| topic.name == "state.coin") {
        batch.records().for_each(|record| successor.restore(record.key, record.value.unwrap()).unwrap());
    }
    successor.restored();
    assert!(!successor.has_gone_on(), "it would say that nothing was read");
    assert_eq!(successor.lanes().map(|(topic, _, next)| (topic.name, next)).next(), Some(("fills", Some(42))));
}

/// Contexts are beside the clocks: whether one is missing must be said before a clock is applied.
#[test]
fn a_clock_waits_for_what_was_written_beside_it_before() {
    let (mut stage, mut out) = (Stage::coin(ONE, 0), Outbox::new(ONE));
    let lane_of = |stage: &Stage, name: &str| stage.lanes().position(|(topic, ..)| topic.name == name).unwrap();
    let (contexts, markets) = (lane_of(&stage, "asset-contexts"), lane_of(&stage, "markets"));
    let candles = lane_of(&stage, "exchange-candles");
    let tell_the_time = |stage: &mut Stage, block: u64, out: &mut Outbox| {
        give(stage, 0, block, Some("clock"), &json!({ "time": 10_000 + block, "block": block }).to_string(), out);
    };
    let give_a_context = |stage: &mut Stage, offset: u64, time: i64, out: &mut Outbox| {
        give(stage, contexts, offset, Some("context"), &context("BTC", time, "60000.0"), out);
    };
    tell_the_time(&mut stage, 1, &mut out);
    [markets, candles].into_iter().for_each(|lane| stage.has_all_of(lane));
    assert_eq!((stage.go_on(&mut out), stage.checkpoint().block), (Some(contexts), 0), "nobody has said what there is");
    stage.ends_at(contexts, 2);
    tell_the_time(&mut stage, 2, &mut out);
    give_a_context(&mut stage, 0, 1_000, &mut out);
    assert_eq!((stage.go_on(&mut out), stage.checkpoint().block), (None, 0), "one more was there");
    give_a_context(&mut stage, 1, 2_000, &mut out);
    [markets, candles].into_iter().for_each(|lane| stage.has_all_of(lane));
    assert_eq!((stage.go_on(&mut out), stage.checkpoint().block), (Some(contexts), 1), "the second clock came after");
    give_a_context(&mut stage, 2, 9_500, &mut out);
    assert_eq!((stage.go_on(&mut out), stage.checkpoint().block), (None, 2), "what comes later is there already");
    assert_eq!(stage.late_beside(), 0);
}

#[test]
fn every_stage_says_what_it_reads_and_where_its_state_is() {
    let listed: Vec<(&str, &Topic, &Topic)> =
        crate::stages().iter().map(|stage| (stage.name, stage.inputs[0].topic, stage.state)).collect();
    let coin = ("coin", &topics::FILLS, &topics::STATE_COIN);
    let wallet = ("wallet", &topics::POSITION_CHANGES, &topics::STATE_WALLET);
    let market = ("market", &topics::POSITION_RISKS, &topics::STATE_MARKET);
    let whole = ("whole", &topics::WALLET_SUMS, &topics::STATE_WHOLE);
    assert_eq!(listed, [coin, ("price", &topics::ASSET_CONTEXTS, &topics::STATE_PRICE), wallet, market, whole]);
    assert_eq!(Stage::price(GENERATION, 2).checkpoint(), &Checkpoint { generation: 1, ..Checkpoint::default() });
}
