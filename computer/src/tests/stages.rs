//! What a stage adds to its folds: the clock in its result topics, and the input that it takes.

use alloc::collections::BTreeMap;

use schemas::{Checkpoint, Generation, ResultClock, Topic, kind, topics};

use super::*;

/// All results in one partition, so that each record stands where it was said.
const ONE: Generation = Generation { number: 1, partitions: 1 };

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
        "candles",
        "liquidation-cascades",
        "liquidation-heatmap",
        "liquidation-stats",
        "liquidations",
        "long-short-ratios",
        "positions",
        "taker-flow",
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

fn context(coin: &str, time: i64, mark: &str) -> String {
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
    stage.save(stage.input(), 4, &mut out);
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
    assert_eq!(successor.checkpoint().next, [("asset-contexts".into(), 4)].into());
}

#[test]
fn a_stage_takes_its_own_kind_of_event_and_no_other() {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "kind", b"context");
    let context = context("BTC", 1, "1");
    let record = Record { time: 0, key: b"", value: Some(context.as_bytes()), headers: Headers(&headers) };
    let mut out = Outbox::new(GENERATION);
    assert!(Stage::price(GENERATION, 0).apply(&record, &mut out).is_ok());
    let refused = Stage::coin(GENERATION, 0).apply(&record, &mut out).unwrap_err();
    assert_eq!(refused.reason, "a record of unknown kind \"context\"");
}

#[test]
fn every_stage_says_what_it_reads_and_where_its_state_is() {
    let listed: Vec<(&str, &Topic, &Topic)> =
        crate::stages().iter().map(|stage| (stage.name, stage.input, stage.state)).collect();
    let coin = ("coin", &topics::FILLS, &topics::STATE_COIN);
    assert_eq!(listed, [coin, ("price", &topics::ASSET_CONTEXTS, &topics::STATE_PRICE)]);
    let stages: Vec<&str> = crate::processors().iter().map(|processor| processor.stage).collect();
    assert_eq!((stages[0], stages[stages.len() - 1]), ("coin", "price"));
    assert_eq!(Stage::price(GENERATION, 2).checkpoint(), &Checkpoint { generation: 1, ..Checkpoint::default() });
}
