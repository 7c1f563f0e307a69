//! The exchange's own candles of the hour against those of its fills.

use alloc::collections::BTreeMap;

use schemas::{Amount, Interval};

use super::super::candle_checks::{Minute, recounted, shown};
use super::super::trades;
use super::market::{MINUTE, START};
use super::played::Checkpoint;
use super::*;

#[test]
fn candles_of_the_hour_are_compared_with_the_exchange_s_as_counting_all_anew_does() {
    for checkpoint in &HOUR.checkpoints {
        let here = here(checkpoint);
        let mut expected = BTreeMap::new();
        for coin in HOUR.coins() {
            let minutes: Vec<Minute> = (START..checkpoint.clock.time)
                .step_by(MINUTE as usize)
                .filter(|minute| minute + MINUTE + crate::GRACE_MS <= checkpoint.clock.time)
                .map(|minute| of_minute(&coin, minute, &here, checkpoint))
                .collect();
            expected.extend(recounted(&minutes).map(|row| (coin, row)));
        }
        let said = checkpoint.rows_of("candle-checks").into_iter();
        let said: BTreeMap<String, Value> = said.map(|(coin, row)| (coin, shown(&row))).collect();
        super::super::liquidation_windows::same(&said, &expected);
    }
    let last = HOUR.checkpoints[HOUR.checkpoints.len() - 1].rows_of("candle-checks");
    let of = |name: &str| last.values().map(|row| row[name].as_u64().unwrap()).sum::<u64>();
    assert!(of("compared") > 500 && of("not_compared") > 20, "{} and {}", of("compared"), of("not_compared"));
    assert_eq!(of("different") + of("only_here") + of("only_there"), 0, "{last:?}");
}

/// By coin and minute: what its fills make of it, and whether all of them were seen.
type Here = BTreeMap<(String, i64), (bool, [Amount; 6])>;

fn here(checkpoint: &Checkpoint) -> Here {
    let now = checkpoint.clock.time;
    let rows = trades::recounted(HOUR.fills_by(checkpoint), &HOUR.holes_by(checkpoint), now);
    let minutes = rows.into_iter().filter(|(key, row)| key.starts_with("candles ") && row["interval"] == "1m");
    let read = |row: &Value| {
        let amount = |name: &str| serde_json::from_value::<Amount>(row[name].clone()).unwrap();
        let trades = Amount::from(row["trades"].as_i64().unwrap());
        [amount("open"), amount("high"), amount("low"), amount("close"), amount("volume"), trades]
    };
    let of_minute = |row: Value| {
        let key = (row["coin"].as_str().unwrap().to_string(), row["time"].as_i64().unwrap());
        (key, (row["complete"] == json!(true), read(&row)))
    };
    minutes.map(|(_, row)| of_minute(row)).collect()
}

fn of_minute(coin: &str, time: i64, here: &Here, checkpoint: &Checkpoint) -> Minute {
    let is_it = |candle: &&ExchangeCandle| {
        (candle.coin.as_str(), candle.interval, candle.time) == (coin, Interval::OneMinute, time)
            && candle.asked_at <= checkpoint.clock.time - 1_000
    };
    let told = HOUR.facts.candles.iter().find(is_it);
    let there = told.map(|it| [it.open, it.high, it.low, it.close, it.volume, Amount::from(it.trades as i64)]);
    let here = here.get(&(coin.to_string(), time));
    // Before the first block nothing was seen.
    let begun = [(0, HOUR.facts.clocks[0].time)];
    let mut holes = HOUR.holes_by(checkpoint).into_iter().chain(begun);
    Minute {
        time,
        here: here.map(|(_, values)| *values),
        is_whole: here.is_some_and(|(is_whole, _)| *is_whole),
        is_seen: !holes.any(|(from, to)| from < time + MINUTE && to >= time),
        there,
    }
}
