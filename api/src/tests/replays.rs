//! A stretch of the past over HTTP: every row of it in its order, when it is due, to whoever may have it, and for no longer
//! than somebody wants it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jsonschema::Validator;
use schemas::{Coin, LiquidationOrder};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::access::{key, with_keys};
use super::client::Client;
use super::fixture::{Served, market, ratio, serve_not_ready, serve_with, wallet};
use super::kept::{Kept, Lines, PATIENCE, WATERMARK};
use super::place::on_both;
use super::protocol;
use crate::{Context, Gate, Keys, OPENAPI, Scope, Unread};

on_both! {
    every_row_is_told_in_its_order_and_the_last_line_says_how_it_ended,
    a_row_is_told_as_the_channel_tells_it_live,
    what_is_due_is_told_and_what_is_not_is_waited_for,
    what_the_log_cannot_tell_is_told_of_a_stretch,
    what_nobody_can_replay_is_refused,
    so_many_at_once_are_for_each_caller_and_a_place_is_given_back,
    who_goes_away_is_read_for_no_longer,
    an_end_of_the_server_and_of_a_key_are_ends_of_a_replay,
}

pub(super) fn order(time: i64, coin: &str) -> LiquidationOrder {
    let n = u32::try_from(time % 1_000).unwrap();
    LiquidationOrder { time, coin: Coin::new(coin), wallet: wallet(n), ..protocol::order(n, "5", "long") }
}

fn times(lines: &[Value]) -> Vec<i64> {
    lines.iter().filter_map(|line| line["time"].as_i64()).collect()
}

async fn ask(served: &Served, query: &str) -> Lines {
    Lines::ask(served.address, query, "").await
}

/// Those of a whole replay, and how it ended.
async fn replayed(served: &Served, query: &str) -> (Vec<Value>, Value) {
    let lines = ask(served, query).await;
    assert_eq!(lines.status, 200, "{query}: {}", lines.head);
    let mut lines = lines.rest().await;
    lines.iter().for_each(is_as_the_document_says);
    let ended = lines.pop().unwrap()["replay_ended"].clone();
    assert!(ended.is_object(), "{query}: it was cut");
    (lines, ended)
}

fn is_as_the_document_says(line: &Value) {
    let mut schema =
        OPENAPI["paths"]["/api/v1/replay"]["get"]["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
            .clone();
    schema["components"] = OPENAPI["components"].clone();
    let validator: Validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(validator.is_valid(line), "{line:#}");
}

async fn every_row_is_told_in_its_order_and_the_last_line_says_how_it_ended(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    served.add([market("BTC", false)]).await;
    // Of many partitions: only by their times they are in order.
    let coins = ["BTC", "ETH", "SOL", "DOGE", "kPEPE"];
    let at = |n: i64| coins.map(|coin| order(100_000 + n * 7 + coin.len() as i64, coin));
    kept.keep(served.append((0..40).flat_map(at)));
    let bars = [("5m", 60_000), ("1m", 100_050), ("5m", 90_000), ("1m", 100_100)];
    kept.keep(served.append(bars.map(|(interval, time)| ratio("BTC", interval, time, "1.5"))));

    let lines = ask(&served, "?channel=liquidations&from=100000&to=100300&speed=max").await;
    for header in ["content-type: application/x-ndjson", "content-encoding: identity", "x-fathom-simulated: true"] {
        assert!(lines.head.contains(header), "{}", lines.head);
    }
    drop(lines);
    let (rows, ended) = replayed(&served, "?channel=liquidations&from=100000&to=100300&speed=max").await;
    assert_eq!(rows.len(), 5 * 40);
    assert!(times(&rows).is_sorted());
    let expected = json!({ "from": 100_000, "to": 100_300, "rows": 200, "complete": true, "reason": "complete" });
    assert_eq!(ended, expected);
    assert!(rows.iter().all(|row| row["replayed"] == true && row["time"] == row["data"]["time"]));

    let (rows, ended) = replayed(&served, "?channel=liquidations&key=btc&from=100010&to=100031&speed=max").await;
    assert_eq!(times(&rows), [100_017, 100_024, 100_031], "behind the first moment, and the last one with it");
    assert_eq!((&rows[0]["data"]["coin"], &ended["rows"]), (&json!("BTC"), &json!(3)));

    let both = "?channel=liquidations,long-short-ratio&from=100000&to=100300&speed=1000&key=BTC";
    let (rows, _) = replayed(&served, both).await;
    assert!(times(&rows).is_sorted());
    let said: Vec<(i64, &Value)> = rows
        .iter()
        .filter(|row| row["channel"] == "long_short_ratio")
        .map(|row| (row["time"].as_i64().unwrap(), &row["data"]["time"]))
        .collect();
    // What bears an earlier time was told where it stands.
    assert_eq!(said, [(100_050, &json!(100_050)), (100_050, &json!(90_000)), (100_100, &json!(100_100))]);
    let (rows, _) = replayed(&served, &format!("{both}&interval=1m")).await;
    assert_eq!(rows.iter().filter(|row| row["data"]["interval"] == "5m").count(), 0);
    let (rows, ended) = replayed(&served, &format!("?channel=liquidations&from={}", WATERMARK - 100)).await;
    assert_eq!((rows.len(), &ended["to"]), (0, &json!(WATERMARK)), "up to what has come in");
}

async fn a_row_is_told_as_the_channel_tells_it_live(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("liquidations", "BTC").await;
    client.hear_until("snapshot").await;
    let written = kept.keep(served.append([order(5_000, "BTC")]));
    written.publish_to(&served.live);
    let heard = client.hear_until("update").await["payload"].clone();
    let (rows, _) = replayed(&served, "?channel=liquidations&from=1&speed=max").await;
    for field in ["channel", "partition", "offset", "data"] {
        assert_eq!(rows[0][field], heard[field], "{field}");
    }
}

async fn what_is_due_is_told_and_what_is_not_is_waited_for(url: String) {
    let kept = Kept::new();
    let mut served = kept.serve(&url).await;
    kept.keep(served.append([100_000, 101_500, 103_000, 3_700_000].map(|time| order(time, "BTC"))));
    let began = Instant::now();
    let (rows, _) = replayed(&served, "?channel=liquidations&from=99999&to=103000&speed=10x").await;
    assert_eq!(rows.len(), 3);
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    // The last one is due in an hour, and nothing holds back the others. Nobody can tell how long that takes, but an hour.
    let mut lines = ask(&served, "?channel=liquidations&from=102999&to=3700000").await;
    assert_eq!(lines.next().await.unwrap()["time"], 103_000);
    let packed =
        Lines::ask(served.address, "?channel=liquidations&from=102999&to=3700000", "accept-encoding: gzip\r\n");
    assert_eq!(packed.await.next().await.unwrap()["time"], 103_000);
}

async fn what_the_log_cannot_tell_is_told_of_a_stretch(url: String) {
    for (breaks, unread, status, code) in
        [(0, Unread::Gone, 410, "NOT_RETAINED"), (0, Unread::Failed, 503, "LOG_UNAVAILABLE")]
    {
        let served = Kept::breaking_after(breaks, unread).serve(&url).await;
        let lines = ask(&served, "?channel=liquidations&from=1").await;
        assert_eq!((lines.status, lines.code().await.as_str()), (status, code));
    }
    for (unread, reason) in [(Unread::Gone, "not_retained"), (Unread::Failed, "log_unreachable")] {
        let kept = Kept::breaking_after(3, unread);
        let mut served = kept.serve(&url).await;
        kept.keep(served.append((0..9).map(|n| order(1_000 + n, "BTC"))));
        let (rows, ended) = replayed(&served, "?channel=liquidations&from=1&speed=max").await;
        assert_eq!((rows.len(), &ended["complete"], &ended["reason"]), (2, &json!(false), &json!(reason)));
    }
}

async fn what_nobody_can_replay_is_refused(url: String) {
    let served = Kept::new().serve(&url).await;
    let known = "?channel=liquidations";
    for (query, code, param) in [
        ("?from=1", "MISSING_PARAMETER", "channel"),
        (known, "MISSING_PARAMETER", "from"),
        ("?channel=liquidation&from=1", "UNKNOWN_CHANNEL", "channel"),
        ("?channel=liquidations,&from=1", "UNKNOWN_CHANNEL", "channel"),
        (&format!("{known}&from=now"), "INVALID_TIME", "from"),
        (&format!("{known}&from=1&to=1.5"), "INVALID_TIME", "to"),
        (&format!("{known}&from=1&speed=0"), "INVALID_SPEED", "speed"),
        (&format!("{known}&from=1&speed=1001"), "INVALID_SPEED", "speed"),
        (&format!("{known}&from=1&interval=7m"), "INVALID_INTERVAL", "interval"),
        (&format!("{known}&from=1&kind=most"), "INVALID_KIND", "kind"),
        (&format!("{known}&from=5&to=5"), "INVALID_TIME_RANGE", "from"),
        (&format!("{known}&from={WATERMARK}"), "INVALID_TIME_RANGE", "from"),
        (&format!("{known}&from=-86400001"), "INVALID_TIME_RANGE", "to"),
        (&format!("{known}&from=1&start_time=1"), "UNKNOWN_PARAMETER", "start_time"),
        ("?channel=market_ratio&key=BTC&from=1", "INVALID_KEY", "key"),
    ] {
        let (status, body) = served.get(&format!("/api/v1/replay{query}")).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(code)), "{query}: {body}");
        assert_eq!(body["error"]["details"]["param"], param, "{query}");
    }
    let (rows, _) = replayed(&served, &format!("{known}&from=-86400000&speed=max")).await;
    assert!(rows.is_empty());
    let unready = serve_not_ready(&url).await;
    assert_eq!(unready.bad("/api/v1/replay?channel=liquidations&from=1").await, (503, "NOT_READY".to_owned()));
    let timeless = serve_with(&url, |context| context).await;
    assert_eq!(timeless.bad("/api/v1/replay?channel=liquidations&from=1").await, (503, "NOT_READY".to_owned()));
}

/// It goes on for an hour where nobody ends it.
const LONG: &str = "?channel=liquidations&from=99999&to=3700000";

/// With a row at its beginning, and another one at its end.
async fn with_an_hour(url: &str, kept: &Kept, gate: Gate) -> Served {
    let mut served = kept.serve_with(url, |context| Context { gate, ..context }).await;
    kept.keep(served.append([order(100_000, "BTC"), order(3_700_000, "BTC")]));
    served
}

async fn so_many_at_once_are_for_each_caller_and_a_place_is_given_back(url: String) {
    let kept = Kept::new();
    let served = with_an_hour(&url, &kept, with_keys()).await;
    let ask = async |token: &str, query| Lines::ask(served.address, query, &format!("x-api-key: {token}\r\n")).await;
    let mut going_on = vec![ask("reader", LONG).await, ask("reader", LONG).await];
    let refused = ask("reader", LONG).await;
    assert!(refused.head.contains("retry-after: 10"), "{}", refused.head);
    assert_eq!((refused.status, refused.code().await.as_str()), (429, "TOO_MANY_REPLAYS"));
    assert_eq!(ask("both", LONG).await.status, 200, "others have their own");
    let mut client = Client::with_key(served.address, "reader").await;
    let wish = json!({ "channel": "liquidations", "key": "*", "replay": { "from": 99_999, "to": 3_700_000 } });
    client.say("subscribe", wish.clone()).await;
    assert_eq!(client.hear_until("error").await["payload"]["code"], "TOO_MANY_REPLAYS", "wherever they are heard");
    assert_eq!(going_on[0].next().await.unwrap()["time"], 100_000);
    going_on.pop();
    // That a client has gone is seen when it is seen.
    let again = async { while ask("reader", LONG).await.status == 429 {} };
    timeout(PATIENCE, again).await.expect("a place is given back");
    drop(going_on);
    for _ in 0..4 {
        kept.ended().await;
    }
    loop {
        client.say("subscribe", wish.clone()).await;
        if client.hear_one_of(&["subscribed", "error"]).await["type"] == "subscribed" {
            break;
        }
    }
    // And of those that come to their end, before that is told.
    for _ in 0..5 {
        let short = ask("reader", "?channel=liquidations&from=99999&to=100000&speed=max").await;
        assert_eq!(short.status, 200);
        assert_eq!(short.rest().await.len(), 2);
    }
}

/// As many as fill every buffer between here and there many times.
const VERY_MANY: i64 = 200_000;

async fn who_goes_away_is_read_for_no_longer(url: String) {
    let kept = Kept::new();
    let mut served = with_an_hour(&url, &kept, Gate::default()).await;
    // It waits for what is due in an hour, or for a client that takes nothing.
    for n in 0..100 {
        kept.keep(served.append([order(3_600_000 + n, "BTC")]));
    }
    let mut waiting = ask(&served, LONG).await;
    assert_eq!(waiting.next().await.unwrap()["time"], 100_000);
    drop(waiting);
    kept.ended().await;
    kept.keep(served.append((0..VERY_MANY).map(|n| order(4_000_000 + n, "ETH"))));
    let mut lines = ask(&served, "?channel=liquidations&from=3999999&speed=max").await;
    assert!(lines.next().await.is_some());
    drop(lines);
    kept.ended().await;
    assert!(kept.handed_over.load(Ordering::Relaxed) < VERY_MANY.unsigned_abs() / 2);
}

async fn an_end_of_the_server_and_of_a_key_are_ends_of_a_replay(url: String) {
    let keys = ["one", "two"].map(|name| key(name, &[Scope::Read]));
    let (good, known) = watch::channel(Arc::new(Keys::new(keys.clone())));
    let gate = Gate { keys: Some(Arc::new(move || Arc::clone(&known.borrow()))), ..Gate::default() };
    let kept = Kept::new();
    let served = with_an_hour(&url, &kept, gate).await;
    let mut one = Lines::ask(served.address, LONG, "x-api-key: one\r\n").await;
    let mut two = Lines::ask(served.address, LONG, "x-api-key: two\r\n").await;
    assert!(one.next().await.is_some() && two.next().await.is_some());
    good.send_replace(Arc::new(Keys::new([keys[1].clone()])));
    let reason = |lines: Vec<Value>| lines[0]["replay_ended"]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason(one.rest().await), "key_revoked");
    kept.ended().await;
    served.stop.send_replace(true);
    assert_eq!(reason(two.rest().await), "server_stops");
    kept.ended().await;
}
