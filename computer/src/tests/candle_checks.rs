//! Whether the exchange's candles are compared with ours as counting all of them anew does.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Gap};

use super::*;
use crate::candle_checks;
use crate::processor::Processor;

const MINUTE: i64 = 60_000;
const START: i64 = 1_782_636_000_000;
const COINS: [&str; 2] = ["BTC", "xyz:CRWV"];

/// A minute of a coin: what was traded, what the exchange says that was, and how many minutes later it says it.
#[derive(Debug, Clone)]
struct Told {
    here: Option<[u32; 6]>,
    is_whole: bool,
    there: Option<[u32; 6]>,
    later: i64,
}

fn values() -> impl Strategy<Value = [u32; 6]> {
    prop::array::uniform6(1..3_u32)
}

fn told() -> impl Strategy<Value = Told> {
    let same = values().prop_map(|values| (Some(values), Some(values)));
    let any = (prop::option::of(values()), prop::option::of(values()));
    (prop_oneof![3 => same, 2 => any], prop::bool::weighted(0.8), 1..7_i64)
        .prop_map(|((here, there), is_whole, later)| Told { here, is_whole, there, later })
}

fn checks() -> Box<dyn Run> {
    Processor::new("candle-checks", candle_checks::tick, candle_checks::gap)
        .reads(candle_checks::here)
        .reads(candle_checks::there)
        .boxed_up()
}

fn here(coin: &str, time: i64, [open, high, low, close, volume, trades]: [u32; 6], is_whole: bool) -> Candle {
    let text = |number: u32| number.to_string();
    serde_json::from_value(json!({
        "coin": coin, "interval": "1m", "time": time, "open": text(open), "high": text(high), "low": text(low),
        "close": text(close), "volume": text(volume), "trades": trades, "complete": is_whole, "final": true,
        "block": 1, "clock": time + 70_000,
    }))
    .unwrap()
}

/// Of another number of places: that is no difference.
fn there(coin: &str, time: i64, [open, high, low, close, volume, trades]: [u32; 6]) -> ExchangeCandle {
    let text = |number: u32| format!("{number}.0");
    serde_json::from_value(json!({
        "s": coin, "i": "1m", "t": time, "T": time + MINUTE - 1, "o": text(open), "h": text(high), "l": text(low),
        "c": text(close), "v": text(volume), "n": trades, "asked_at": time + MINUTE,
    }))
    .unwrap()
}

/// When the exchange tells it: a page tells all minutes before it that were not told.
fn told_at(tape: &[Told], minute: usize) -> i64 {
    let of = |minute: usize| minute as i64 + tape[minute].later;
    (0..=minute).map(of).max().unwrap()
}

/// Counts anew everything that is known at the border of a minute.
fn recount(tape: &[Told], at: i64, hole: Option<usize>) -> Option<Value> {
    let is_known = |minute: usize| told_at(tape, minute) < at && minute as i64 + 2 <= at;
    let minute = |(minute, Told { here, is_whole, there, .. }): (usize, &Told)| Minute {
        time: START + minute as i64 * MINUTE,
        here: here.map(|values| values.map(|value| Amount::from(i64::from(value)))),
        is_whole: *is_whole,
        is_seen: hole != Some(minute),
        there: there.filter(|_| is_known(minute)).map(|values| values.map(|value| Amount::from(i64::from(value)))),
    };
    recounted(&tape.iter().enumerate().map(minute).collect::<Vec<_>>())
}

/// A minute as it is known here and there: open, high, low, close, volume and trades.
pub(super) struct Minute {
    pub time: i64,
    pub here: Option<[Amount; 6]>,
    pub is_whole: bool,
    pub is_seen: bool,
    pub there: Option<[Amount; 6]>,
}

/// From the first minute that the exchange has told to the last one.
pub(super) fn recounted(minutes: &[Minute]) -> Option<Value> {
    let is_told = |minute: &Minute| minute.there.is_some();
    let (first, last) = (minutes.iter().position(is_told)?, minutes.iter().rposition(is_told)?);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut differences: BTreeMap<&str, u64> = BTreeMap::new();
    let names = ["open", "high", "low", "close", "volume", "trades"];
    let mut last_different = Value::Null;
    for Minute { time, here, is_whole, is_seen, there } in &minutes[first..=last] {
        let different = match (here, there) {
            (None, None) => false,
            (Some(_), _) if !is_whole => {
                *counts.entry("not_compared").or_default() += 1;
                false
            }
            (None, Some(_)) if !is_seen => {
                *counts.entry("not_compared").or_default() += 1;
                false
            }
            (Some(here), Some(there)) => {
                *counts.entry("compared").or_default() += 1;
                for ((name, here), there) in names.iter().zip(here).zip(there) {
                    *differences.entry(name).or_default() += u64::from(here != there);
                }
                *counts.entry("different").or_default() += u64::from(here != there);
                here != there
            }
            (Some(_), None) => {
                *counts.entry("only_here").or_default() += 1;
                true
            }
            (None, Some(_)) => {
                *counts.entry("only_there").or_default() += 1;
                true
            }
        };
        if different {
            last_different = json!(time);
        }
    }
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    let differences: BTreeMap<_, _> =
        names.iter().map(|name| (*name, differences.get(name).copied().unwrap_or_default())).collect();
    Some(json!({
        "since": minutes[first].time, "until": minutes[last].time, "compared": count("compared"),
        "different": count("different"), "differences": differences, "only_here": count("only_here"),
        "only_there": count("only_there"), "not_compared": count("not_compared"), "last_difference": last_different,
    }))
}

/// What is told of a coin, as the recount shows it.
pub(super) fn shown(told: &Value) -> Value {
    let mut told = told.clone();
    let fields = told.as_object_mut().unwrap();
    ["coin", "block", "clock"].into_iter().for_each(|name| drop(fields.remove(name)));
    let time = fields.get("last_difference").map_or(Value::Null, |it| it["time"].clone());
    fields.insert("last_difference".to_string(), time);
    told
}

fn check(tapes: &[Vec<Told>; 2], hole: Option<usize>, restores_at: i64) {
    let (mut processor, mut out) = (checks(), Outbox::new(GENERATION));
    let mut last: BTreeMap<&str, Value> = BTreeMap::new();
    let tick = |time, previous| Tick { time, block: 1, previous, holes: Vec::new(), tells_all: false };
    processor.tick(&tick(START - 1, 0), &mut out, &mut []);
    let minutes = tapes.iter().map(Vec::len).max().unwrap() as i64;
    for at in 1..minutes + 10 {
        if let Some(hole) = hole.filter(|hole| *hole as i64 + 1 == at) {
            let (from_time, to_time) = (START + hole as i64 * MINUTE + 1_000, START + hole as i64 * MINUTE + 2_000);
            processor.gap(&Gap { from_block: 1, to_block: 2, from_time, to_time });
        }
        for (coin, tape) in COINS.iter().zip(tapes) {
            for (minute, told) in tape.iter().enumerate() {
                let time = START + minute as i64 * MINUTE;
                if let (Some(values), true) = (told.here, minute as i64 + 2 == at) {
                    processor.fold(&here(coin, time, values, told.is_whole), &mut out, &mut []);
                }
                if let (Some(values), true) = (told.there, told_at(tape, minute) + 1 == at) {
                    processor.fold(&there(coin, time, values), &mut out, &mut []);
                    // What comes again changes nothing.
                    processor.fold(&there(coin, time, values), &mut out, &mut []);
                }
            }
        }
        if at == restores_at {
            processor = restored(&mut *processor, at.unsigned_abs());
        }
        processor.tick(&tick(START + at * MINUTE, START + at * MINUTE - 500), &mut out, &mut []);
        processor.begin_tick(at.unsigned_abs());
        for record in said(&mut out) {
            let coin = COINS.into_iter().find(|coin| record["key"] == *coin).unwrap();
            last.insert(coin, record["value"].clone());
        }
        for (coin, tape) in COINS.iter().zip(tapes) {
            let value = last.get(coin).map(shown);
            assert_eq!(value, recount(tape, at, hole), "{coin} in minute {at}");
        }
    }
}

/// A successor, made of what was saved.
fn restored(processor: &mut dyn Run, ticks: u64) -> Box<dyn Run> {
    let mut state = Outbox::new(GENERATION);
    processor.save(&mut state, &schemas::topics::STATE_COIN, 0);
    let mut successor = checks();
    for (_, _, batch) in state.filled() {
        for record in batch.records().filter(|record| record.value.is_some()) {
            let key = core::str::from_utf8(record.key).unwrap();
            successor.restore(key, record.value.unwrap()).unwrap();
        }
    }
    successor.restored(ticks);
    successor
}

proptest! {
    #[test]
    fn the_exchange_s_candles_are_compared_as_counting_all_anew_does(
        tapes in [prop::collection::vec(told(), 1..14), prop::collection::vec(told(), 1..14)],
        hole in prop::option::of(0..14_usize),
        restores_at in 0..20_i64,
    ) {
        let holed = tapes.map(|mut tape| {
            hole.and_then(|hole| tape.get_mut(hole)).into_iter().for_each(|told| told.is_whole = false);
            tape
        });
        check(&holed, hole, restores_at);
    }
}

#[test]
fn what_comes_when_ours_is_forgotten_is_not_compared() {
    let (mut processor, mut out) = (checks(), Outbox::new(GENERATION));
    let mut previous = 0;
    for minute in 0..=200 {
        let time = START + minute * MINUTE;
        processor.tick(&Tick { time, block: 1, previous, holes: Vec::new(), tells_all: false }, &mut out, &mut []);
        processor.begin_tick(minute.unsigned_abs());
        previous = time;
        if minute == 3 {
            processor.fold(&here("BTC", START + MINUTE, [1; 6], true), &mut out, &mut []);
        }
    }
    assert_eq!(processor.entries(), 0, "nothing is kept for ever");
    processor.fold(&there("BTC", START + MINUTE, [1; 6]), &mut out, &mut []);
    let tick = Tick { time: previous + MINUTE, block: 1, previous, holes: Vec::new(), tells_all: false };
    processor.tick(&tick, &mut out, &mut []);
    let told = said(&mut out);
    assert_eq!((&told[0]["value"]["compared"], &told[0]["value"]["not_compared"]), (&json!(0), &json!(1)), "{told:?}");
}
