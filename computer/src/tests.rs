//! Goldens: what each processor makes of the examples of the topic it reads. `GOLDEN=write cargo test -p computer`
//! writes them anew; then they are read before they are committed.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

extern crate std;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::Any;
use std::fs;
use std::path::Path;

use proptest::prelude::ProptestConfig;
use schemas::{
    Account, AccountState, AssetContext, Candle, ExchangeCandle, Fill, GENERATION, Headers, LedgerUpdate,
    LiquidationOrder, Market, MarketState, Outbox, PositionChange, PositionRisk, Record, TakerSum, WalletSum,
    WhaleWatch, examples, topics,
};
use serde_json::{Value, json};

use crate::processor::{Run, Tick};
use crate::{Rules, Stage, Topology};

mod accounts;
mod candle_checks;
mod cohort_history;
mod cohort_ratios;
mod entries;
mod liquidation_maps;
mod liquidation_price;
mod liquidation_tapes;
mod liquidation_windows;
mod liquidations;
mod market_ratios;
mod ratio_rows;
mod recordings;
mod settlements;
mod simulated_hour;
mod stages;
mod topologies;
mod trades;
mod wallet_spreads;
mod wallet_tapes;
mod wallets;
mod whale_flows;
mod whale_recount;
mod whale_tapes;
mod whales;

fn event(topic: &str, case: &str, bytes: &[u8]) -> Option<Box<dyn Any>> {
    match (topic, case.split('-').next()) {
        ("fills", Some("fill")) => Some(Box::new(serde_json::from_slice::<Fill>(bytes).unwrap())),
        ("fills", _) => None,
        ("liquidations", Some("order")) => Some(Box::new(serde_json::from_slice::<LiquidationOrder>(bytes).unwrap())),
        ("liquidations", _) => None,
        ("position-changes", Some("clock" | "gap")) => None,
        ("position-changes", Some("market")) => Some(Box::new(serde_json::from_slice::<MarketState>(bytes).unwrap())),
        ("position-changes", _) => Some(Box::new(serde_json::from_slice::<PositionChange>(bytes).unwrap())),
        ("candles", Some("clock")) => None,
        ("candles", _) => Some(Box::new(serde_json::from_slice::<Candle>(bytes).unwrap())),
        ("exchange-candles", _) => Some(Box::new(serde_json::from_slice::<ExchangeCandle>(bytes).unwrap())),
        ("markets", _) => Some(Box::new(serde_json::from_slice::<Market>(bytes).unwrap())),
        ("asset-contexts", _) => Some(Box::new(serde_json::from_slice::<AssetContext>(bytes).unwrap())),
        ("wallet-sums", Some("clock" | "gap")) => None,
        ("taker-sums", Some("clock" | "gap")) => None,
        ("taker-sums", _) => Some(Box::new(serde_json::from_slice::<TakerSum>(bytes).unwrap())),
        ("wallet-sums", _) => Some(Box::new(serde_json::from_slice::<WalletSum>(bytes).unwrap())),
        ("account-states", _) => Some(Box::new(serde_json::from_slice::<AccountState>(bytes).unwrap())),
        ("ledger-updates", _) => Some(Box::new(serde_json::from_slice::<LedgerUpdate>(bytes).unwrap())),
        ("accounts" | "position-risks", Some("clock" | "gap")) => None,
        ("accounts", _) => Some(Box::new(serde_json::from_slice::<Account>(bytes).unwrap())),
        ("position-risks", _) => Some(Box::new(serde_json::from_slice::<PositionRisk>(bytes).unwrap())),
        ("whale-watches", _) => Some(Box::new(serde_json::from_slice::<WhaleWatch>(bytes).unwrap())),
        (topic, _) => panic!("no event is read from {topic}"),
    }
}

fn run(processor: &mut dyn Run) -> Value {
    let reads = processor.describe("").reads;
    let mut out = Outbox::new(GENERATION);
    let mut told = Vec::new();
    let index = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["index"].as_u64();
    for topic in reads {
        let mut examples = examples::of(topic);
        examples.sort_by_key(|(_, bytes)| index(bytes));
        for (case, bytes) in examples {
            if let Some(event) = event(topic.name, &case, &bytes) {
                processor.fold(&*event, &mut out, &mut []);
                told.push(json!({ "after": case, "says": said(&mut out) }));
            }
        }
    }
    let mut previous = 0;
    for (tick, time) in [(1, 1_782_636_234_000), (2, 1_782_636_251_000), (3, 1_782_636_311_000)] {
        processor.tick(
            &Tick { time, block: 1_052_527_700, previous, holes: Vec::new(), tells_all: false },
            &mut out,
            &mut [],
        );
        processor.begin_tick(tick);
        previous = time;
        told.push(json!({ "after": format!("clock {time}"), "says": said(&mut out) }));
    }
    Value::Array(told)
}

fn said(out: &mut Outbox) -> Vec<Value> {
    let mut said = Vec::new();
    for (topic, _, batch) in out.filled() {
        for record in batch.records() {
            let key = String::from_utf8(record.key.to_vec()).unwrap();
            let value: Value = record.value.map_or(Value::Null, |value| serde_json::from_slice(value).unwrap());
            said.push(json!({ "topic": topic.name, "key": key, "value": value }));
        }
    }
    // The order across partitions is no part of the result.
    said.sort_by_key(|record| (record["topic"].to_string(), record["key"].to_string()));
    out.clear();
    said
}

/// So many cases where one takes long, unless somebody says how many (`PROPTEST_CASES`).
fn at_first(cases: u32) -> ProptestConfig {
    let is_said = std::env::var_os("PROPTEST_CASES").is_some();
    if is_said { ProptestConfig::default() } else { ProptestConfig::with_cases(cases) }
}

/// Gives one record of the first lane to a stage.
fn apply(stage: &mut Stage, kind: &str, value: &str, out: &mut Outbox) {
    apply_at(stage, 0, kind, value, out);
}

fn apply_at(stage: &mut Stage, offset: u64, kind: &str, value: &str, out: &mut Outbox) {
    give(stage, 0, offset, Some(kind), value, out);
    go_on_with_what_there_is(stage, out);
}

/// Gives one record of the coin stage's facts to the lane it is of.
fn apply_fact(stage: &mut Stage, offset: u64, kind: &str, value: &str, out: &mut Outbox) {
    let its_kind = if kind == CONTEXT { "context" } else { kind };
    give(stage, lane_of(kind), offset, Some(its_kind), value, out);
    go_on_with_what_there_is(stage, out);
}

/// How the tapes of the coin stage call what stands beside the fills.
const CONTEXT: &str = "asset-context";

fn lane_of(kind: &str) -> usize {
    usize::from(kind == CONTEXT)
}

fn give(stage: &mut Stage, lane: usize, offset: u64, kind: Option<&str>, value: &str, out: &mut Outbox) {
    let mut headers = Vec::new();
    if let Some(kind) = kind {
        Headers::write(&mut headers, "kind", kind.as_bytes());
    }
    let record = Record { time: 0, key: b"", value: Some(value.as_bytes()), headers: Headers(&headers) };
    stage.take(lane, offset, &record, out);
    stage.has_read(lane, offset + 1);
}

fn go_on_with_what_there_is(stage: &mut Stage, out: &mut Outbox) {
    (0..stage.lanes().count()).for_each(|lane| stage.has_all_of(lane));
    assert_eq!(stage.go_on(out), None);
}

fn processors() -> impl Iterator<Item = Box<dyn Run>> {
    crate::stages().into_iter().flat_map(|stage| (stage.processors)(&Rules::default()))
}

fn processor(name: &str) -> Box<dyn Run> {
    processors().find(|processor| processor.describe("").name == name).unwrap()
}

#[test]
fn every_processor_equals_its_golden() {
    let write = std::env::var_os("GOLDEN").is_some_and(|mode| mode == "write");
    for mut processor in processors() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("golden")
            .join(processor.describe("").name)
            .with_extension("json");
        let told = run(&mut *processor);
        if write {
            fs::write(&path, serde_json::to_string_pretty(&told).unwrap() + "\n").unwrap();
        }
        let golden = fs::read(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
        assert_eq!(told, serde_json::from_slice::<Value>(&golden).unwrap(), "{}", path.display());
    }
}

#[test]
fn a_restored_stage_goes_on_where_the_saved_one_was() {
    let records = scenario();
    let (mut whole, mut pieces) = whole_and_in_pieces(&records);
    assert!(whole.records() > 40, "the scenario says too little: {}", whole.records());
    assert_eq!(said(&mut whole), said(&mut pieces));
}

/// What a task says that runs through, and one that is saved, dropped and restored after every single record.
fn whole_and_in_pieces(records: &[(&str, String)]) -> (Outbox, Outbox) {
    let topology = || Topology::of(&[&crate::COIN], GENERATION, Rules::default());
    let (mut through, mut again) = (topology(), topology());
    let (mut whole, mut pieces) = (Outbox::new(GENERATION), Outbox::new(GENERATION));
    let mut fills = 0;
    for (kind, value) in records {
        let (mut told, mut headers) = (Outbox::new(GENERATION), Vec::new());
        let is_context = *kind == CONTEXT;
        Headers::write(&mut headers, "kind", if is_context { b"context" } else { kind.as_bytes() });
        let topic = if is_context { &topics::ASSET_CONTEXTS } else { &topics::FILLS };
        told.batch(topic, 0).push(0, b"", Some(value.as_bytes()), &headers);
        fills += u64::from(!is_context);
        for (topology, out) in [(&mut through, &mut whole), (&mut again, &mut pieces)] {
            topology.append(&told);
            topology.go_on(out);
        }
        again.replace(0, &mut pieces).unwrap();
        let checkpoint = again.tasks().next().unwrap().checkpoint();
        assert!(*kind != "clock" || checkpoint.next["fills/0"] == fills, "behind each clock");
    }
    (whole, pieces)
}

/// Three wallets in two coins over four minutes, with a hole, a late fill and a very late one.
fn scenario() -> Vec<(&'static str, String)> {
    let start = 1_782_636_000_000_i64;
    let mut records = Vec::new();
    let mut held = [[0_i64; 3]; 2];
    let mut block = 100;
    for second in 0..240_i64 {
        if second == 130 {
            block += 50;
            let gap = json!({ "from_block": block - 49, "to_block": block, "from_time": start + 129_500, "to_time": start + 130_000 });
            records.push(("gap", gap.to_string()));
        }
        block += 1;
        records.push(("clock", json!({ "time": start + second * 1000, "block": block }).to_string()));
        block += 1;
        if second % 7 == 3 || second == 45 {
            continue;
        }
        let (coin, wallet) = ((second % 2) as usize, (second * second % 3) as usize);
        let size = 1 + second % 4;
        let buys = (second / 5) % 3 != 1;
        let late = if second == 61 {
            3_000
        } else if second == 200 {
            60_000
        } else {
            0
        };
        let mut fill = json!({
            "block": block, "index": 0, "user": format!("0x{:040x}", wallet + 1), "coin": (["BTC", "xyz:CL"][coin]), "px": "100.5",
            "sz": format!("{size}.0"), "side": if buys { "B" } else { "A" }, "time": start + second * 1000 + 500 - late,
            "startPosition": format!("{}.0", held[coin][wallet]), "dir": "", "closedPnl": "0.0",
            "hash": format!("0x{:064x}", block), "oid": block, "crossed": true, "fee": "0.1", "tid": block,
        });
        if (5..8).contains(&(second % 40)) {
            // The two legs of a liquidation, apart from each other.
            let legs = liquidation(&fill, 900 + second as u64);
            records.extend(legs.map(|leg| ("fill", leg.to_string())));
        }
        if late < crate::GRACE_MS {
            held[coin][wallet] += if buys { size } else { -size };
        }
        records.push(("fill", fill.to_string()));
        if second % 50 == 20 {
            // The same fill once more: whatever the parser let pass, a position is not changed twice.
            fill["index"] = json!(0);
            records.push(("fill", fill.to_string()));
        }
    }
    records
}

/// Both legs of a trade that closed part of a short, made of another fill of the block.
fn liquidation(fill: &Value, tid: u64) -> [Value; 2] {
    let mut victims = fill.clone();
    let more = json!({
        "index": 1, "coin": "ETH", "user": format!("0x{:040x}", 7), "side": "B", "startPosition": "-50.0", "tid": tid,
        "liquidation": { "liquidatedUser": format!("0x{:040x}", 7), "markPx": "100.7", "method": "backstop" },
    });
    victims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut other = victims.clone();
    other["index"] = json!(2);
    other["user"] = json!(format!("0x{:040x}", 8));
    other["side"] = json!("A");
    other["dir"] = json!(if tid.is_multiple_of(2) { "Auto-Deleveraging" } else { "Open Long" });
    [victims, other]
}

#[test]
fn each_bucket_is_final_exactly_once_and_closes_with_the_accounts_of_its_end() {
    let mut stage = Stage::coin(GENERATION, 0);
    let mut out = Outbox::new(GENERATION);
    for (kind, value) in scenario() {
        apply(&mut stage, kind, &value, &mut out);
    }
    let said = said(&mut out);
    let finals: Vec<&Value> = said
        .iter()
        .filter(|record| record["topic"] == "long-short-ratios" && record["value"]["final"] == json!(true))
        .map(|record| &record["value"])
        .collect();
    let minutes = |coin: &str| -> Vec<i64> {
        finals
            .iter()
            .filter(|row| row["coin"] == coin && row["interval"] == "1m")
            .map(|row| row["time"].as_i64().unwrap())
            .collect()
    };
    let start = 1_782_636_000_000;
    assert_eq!(minutes("BTC"), [start, start + 60_000, start + 120_000]);
    assert_eq!(minutes("xyz:CL"), [start, start + 60_000, start + 120_000]);
    for row in &finals {
        let complete = row["time"].as_i64().unwrap() != start + 120_000;
        assert_eq!(row["complete"], json!(complete), "the hole is in the third minute: {row}");
    }
    assert_eq!(said.iter().filter(|record| record["topic"] == "late-events").count(), 1);
    let accounts: Vec<u64> = finals
        .iter()
        .map(|row| row["long_accounts"].as_u64().unwrap() + row["short_accounts"].as_u64().unwrap())
        .collect();
    assert!(accounts.iter().any(|&count| count > 1), "{accounts:?}");
}

/// The ratio over a bucket is that of every moment of it: its extremes are looked for the long way.
#[test]
fn open_high_low_and_close_are_those_of_the_moments_of_the_bucket() {
    let mut stage = Stage::coin(GENERATION, 0);
    let mut out = Outbox::new(GENERATION);
    let mut apply = |kind: &str, value: Value| apply(&mut stage, kind, &value.to_string(), &mut out);
    let start = 1_782_636_000_000_i64;
    // Wallets that go long (+) or short (-), one a second; the accounts after each.
    let moves: [(u64, i64); 8] = [(1, 1), (2, -1), (3, -1), (4, -1), (5, 1), (6, 1), (7, 1), (3, 1)];
    for (second, (wallet, side)) in moves.into_iter().enumerate() {
        let (block, time) = (1 + second as u64, start + second as i64 * 1000 + 10);
        let before = if second == 7 { -1 } else { 0 };
        apply(
            "fill",
            json!({
                "block": block, "index": 0, "user": format!("0x{wallet:040x}"), "coin": "BTC", "px": "1.0", "sz": "2.0",
                "side": (if side > 0 { "B" } else { "A" }), "time": time, "startPosition": format!("{before}.0"), "dir": "",
                "closedPnl": "0.0", "hash": format!("0x{:064x}", 0), "oid": 1, "crossed": true, "fee": "0.0",
            }),
        );
        apply("clock", json!({ "time": time, "block": block }));
    }
    apply("clock", json!({ "time": start + 80_000, "block": 99 }));
    let last = said(&mut out)
        .into_iter()
        .filter(|record| record["topic"] == "long-short-ratios")
        .map(|record| record["value"].clone())
        .find(|row| row["interval"] == "1m" && row["time"] == json!(start) && row["final"] == json!(true))
        .unwrap();
    let shown =
        ["long_accounts", "short_accounts", "open", "high", "low", "close", "complete"].map(|name| last[name].clone());
    // 1:0 has no ratio and is above all others, 1:3 is the lowest, 5:2 the last; at the open nobody was there.
    assert_eq!(
        shown,
        [json!(5), json!(2), Value::Null, Value::Null, json!("0.333333333333333333"), json!("2.5"), json!(true)]
    );
}

#[test]
fn a_bucket_that_began_before_the_first_block_is_not_complete_and_the_next_one_is() {
    let mut processor = crate::coin_stage(&Rules::default()).remove(1);
    let mut out = Outbox::new(GENERATION);
    let holes = [(0, 1_782_636_200_000)].into();
    let change = &examples::of(&schemas::topics::POSITION_CHANGES)[0].1;
    processor.fold(&serde_json::from_slice::<PositionChange>(change).unwrap(), &mut out, &mut []);
    processor.tick(
        &Tick { time: 1_782_636_330_000, block: 9, previous: 1_782_636_233_000, holes, tells_all: false },
        &mut out,
        &mut [],
    );
    let complete: std::collections::BTreeMap<i64, Value> = said(&mut out)
        .iter()
        .filter(|record| record["value"]["interval"] == "1m")
        .map(|record| (record["value"]["time"].as_i64().unwrap(), record["value"]["complete"].clone()))
        .collect();
    let (began_before, after) = (1_782_636_180_000, 1_782_636_240_000);
    assert_eq!((&complete[&began_before], &complete[&after]), (&json!(false), &json!(true)));
}

#[test]
fn a_side_that_was_taken_unseen_has_no_beginning() {
    let mut processor = crate::coin_stage(&Rules::default()).remove(0);
    let mut out = Outbox::new(GENERATION);
    let mut opened_at = |index: u64, start: &str, side: &str, sz: &str| {
        let examples = examples::of(&schemas::topics::FILLS);
        let (_, bytes) = examples.iter().find(|(case, _)| case == "fill-open-long").unwrap();
        let mut fill: Value = serde_json::from_slice(bytes).unwrap();
        for (name, value) in [("startPosition", start), ("side", side), ("sz", sz)] {
            fill[name] = json!(value);
        }
        fill["index"] = json!(index);
        fill["time"] = json!(1_782_636_233_257_u64 + index);
        processor.fold(&serde_json::from_value::<Fill>(fill).unwrap(), &mut out, &mut []);
        processor.tick(
            &Tick { time: 0, block: index, previous: 0, holes: Vec::new(), tells_all: false },
            &mut out,
            &mut [],
        );
        processor.begin_tick(index + 1);
        let position = said(&mut out).into_iter().find(|record| record["topic"] == "positions").unwrap();
        position["value"].get("opened_at").and_then(Value::as_u64).map(|time| time - 1_782_636_233_257)
    };
    assert_eq!(opened_at(0, "5.0", "B", "1.0"), None, "first seen, and it was open");
    assert_eq!(opened_at(1, "0.0", "B", "1.0"), Some(1), "closed unseen, opened now");
    assert_eq!(opened_at(2, "1.0", "B", "1.0"), Some(1), "increased");
    assert_eq!(opened_at(3, "-3.0", "B", "1.0"), None, "turned unseen");
    assert_eq!(opened_at(4, "-2.0", "B", "5.0"), Some(4), "flipped now");
}
