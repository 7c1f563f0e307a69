//! Rows that are too old go when newer ones come: all of those and no others, a few at a time.

use schemas::{Batch, Candle, Fill, Headers, Message, kind, topics};
use serde_json::json;

use super::place::on_both;
use super::{part, texts};
use crate::{Keeping, Part, Sink, connect};

on_both! {
    what_is_too_old_goes_when_newer_rows_come,
    as_many_days_are_kept_as_were_asked_for,
    older_rows_that_come_later_take_nothing_away,
    many_go_a_few_at_a_time,
    of_buckets_the_fine_ones_go,
}

pub(super) const DAY: i64 = 24 * 60 * 60 * 1_000;
const BLOCKS: &str = "SELECT CAST(block AS TEXT) FROM transactions ORDER BY time, block, idx, wallet";
const COUNT: &str = "SELECT CAST(count(*) AS TEXT) FROM transactions";

pub(super) fn fill(block: i64, time: i64) -> Fill {
    serde_json::from_value(json!({
        "block": block, "index": 0, "user": "0x0000000000000000000000000000000000000001", "coin": "BTC", "px": "10", "sz": "1",
        "side": "B", "time": time, "startPosition": "0", "dir": "Open Long", "hash": format!("0x{:064x}", block), "oid": 1,
        "crossed": true,
    }))
    .unwrap()
}

async fn write(sink: &mut Sink, fills: impl IntoIterator<Item = Fill>) {
    let mut batch = Batch::default();
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind::FILL);
    fills.into_iter().for_each(|fill| fill.append_to(&mut batch, &headers));
    let stood_at = sink.positions(1).await.unwrap().get(&("fills".to_owned(), 0)).copied();
    let batch = [batch];
    let part = Part { topic: &topics::FILLS, partition: 0, expected: stood_at, ..part(stood_at.unwrap_or(0), &batch) };
    sink.write(1, &[part]).await.unwrap();
}

async fn what_is_too_old_goes_when_newer_rows_come(url: String) {
    let mut sink = connect(&url).await.unwrap();
    write(&mut sink, [fill(1, DAY), fill(2, DAY + 1), fill(3, 2 * DAY)]).await;
    write(&mut sink, [fill(4, 4 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["1", "2", "3", "4"], "exactly three days are kept");
    write(&mut sink, [fill(5, 5 * DAY - 1)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["1", "2", "3", "4", "5"], "days go as a whole");
    write(&mut sink, [fill(6, 5 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["3", "4", "5", "6"]);
    write(&mut sink, [fill(7, 9 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["7"]);
}

async fn as_many_days_are_kept_as_were_asked_for(url: String) {
    let keeping = |days| Keeping::of([("transactions", days)]);
    let mut sink = connect(&url).await.unwrap().keeping(keeping(1));
    write(&mut sink, [fill(1, DAY), fill(2, 2 * DAY)]).await;
    write(&mut sink, [fill(3, 3 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["2", "3"]);
    let mut sink = sink.keeping(keeping(10));
    write(&mut sink, [fill(4, 12 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["2", "3", "4"]);
    let mut sink = sink.keeping(Keeping::of([("position_history", 30)]));
    write(&mut sink, [fill(5, 12 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["4", "5"], "what is said of another table is not said of this one");
}

/// An import of an old month lands, and what is live goes on beside it.
async fn older_rows_that_come_later_take_nothing_away(url: String) {
    let mut sink = connect(&url).await.unwrap();
    write(&mut sink, [fill(9, 90 * DAY)]).await;
    write(&mut sink, [fill(1, DAY), fill(2, 2 * DAY)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["1", "2", "9"]);
    write(&mut sink, [fill(10, 90 * DAY + 1)]).await;
    assert_eq!(texts(&sink, BLOCKS).await, ["9", "10"]);
}

async fn many_go_a_few_at_a_time(url: String) {
    let mut sink = connect(&url).await.unwrap();
    write(&mut sink, (0..2_500).map(|n| fill(n, n))).await;
    let mut left = Vec::new();
    for n in 0..4 {
        write(&mut sink, [fill(10_000 + n, 10 * DAY + n)]).await;
        left.push(texts(&sink, COUNT).await.remove(0).parse::<u32>().unwrap());
    }
    let is_postgres = url.starts_with("postgres");
    assert_eq!(left, if is_postgres { [1, 2, 3, 4] } else { [1_500, 500, 3, 4] });
}

fn candle(interval: &str, time: i64) -> Candle {
    serde_json::from_value(json!({
        "coin": "BTC", "interval": interval, "time": time, "open": "1", "high": "1", "low": "1", "close": "1",
        "trades": 1, "complete": true, "final": true, "block": 1, "clock": time,
    }))
    .unwrap()
}

/// All of a day's, so that the turn of the series is among them.
async fn of_buckets_the_fine_ones_go(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let minutes = |day: i64, minutes: i64| (0..DAY / 60_000 / minutes).map(move |n| day * DAY + n * minutes * 60_000);
    let mut next = 0;
    let mut write = async |candles: Vec<Candle>| {
        let mut batch = Batch::default();
        candles.into_iter().for_each(|candle| candle.append_to(&mut batch, &[]));
        let batch = [batch];
        let part = Part { topic: Candle::TOPIC, expected: (next > 0).then_some(next), ..part(next, &batch) };
        sink.write(1, &[part]).await.unwrap();
        next = part.next;
        texts(&sink, "SELECT interval || CAST(time / 86400000 AS TEXT) FROM candles GROUP BY 1 ORDER BY 1").await
    };
    let first = ["1m", "5m", "1h"].map(|interval| candle(interval, 0)).to_vec();
    assert_eq!(write(first).await, ["1h0", "1m0", "5m0"]);
    let late = minutes(29, 1).map(|time| candle("1m", time)).collect();
    assert_eq!(write(late).await, ["1h0", "1m0", "1m29", "5m0"], "thirty days are kept");
    let later = minutes(31, 1).map(|time| candle("1m", time)).collect();
    assert_eq!(write(later).await, ["1h0", "1m29", "1m31", "5m0"]);
    let much_later = minutes(181, 5).map(|time| candle("5m", time)).collect();
    assert_eq!(write(much_later).await, ["1h0", "1m29", "1m31", "5m181"], "each series by itself");
}
