//! Clients that ask for what is not remembered any more: the log is read for them, and each event is told once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use schemas::{Coin, GENERATION, LiquidationOrder, topics};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::client::Client;
use super::fixture::{Served, Written, serve_with};
use super::place::on_both;
use super::protocol::order;
use crate::{Again, Unread, Whence};

on_both! {
    what_is_not_remembered_is_read_from_the_log_and_told_once,
    of_a_time_each_event_since_then_is_told,
    what_the_log_cannot_tell_is_said,
    who_goes_away_while_the_log_is_read_is_read_for_no_longer,
    who_does_not_listen_is_not_read_for,
}

/// The log of the tests: of each partition its records, from the first one that is kept on.
#[derive(Clone, Default)]
struct Kept {
    written: Arc<Mutex<Vec<Arc<Written>>>>,
    first: u64,
    handed_over: Arc<AtomicU64>,
    /// Somebody has stopped reading.
    ended: Arc<Notify>,
}

const AT_ONCE: u64 = 7;

impl Kept {
    async fn serve(&self, url: &str) -> Served {
        let kept = self.clone();
        serve_with(url, |mut context| {
            context.read_again = Arc::new(move |_, whence, each| {
                let read = kept.read(whence, each);
                kept.ended.notify_one();
                read
            });
            context
        })
        .await
    }

    fn keep(&self, written: Written) -> Arc<Written> {
        let written = Arc::new(written);
        self.written.lock().unwrap().push(Arc::clone(&written));
        written
    }

    /// In pieces, as a log does it, of one partition after the other.
    fn read(&self, whence: &Whence, each: &mut dyn FnMut(Again<'_>) -> bool) -> Result<(), Unread> {
        let written = self.written.lock().unwrap().clone();
        let from = self.places(whence, &written);
        if from.values().any(|from| *from < self.first) {
            return Err(Unread::Gone);
        }
        each(Again::From(from.clone()));
        for written in written {
            for (partition, (first, batch)) in &written.parts {
                let partition = *partition;
                let unread = (*first..).zip(batch.records()).filter(|(offset, _)| *offset >= from[&partition]);
                for (offset, record) in unread {
                    self.handed_over.fetch_add(1, Ordering::Relaxed);
                    let is_taken = each(Again::Record { partition, offset, record: &record });
                    if !is_taken || offset.is_multiple_of(AT_ONCE) && !each(Again::UpTo { partition, next: offset + 1 })
                    {
                        return Ok(());
                    }
                }
                let next = (first + u64::from(batch.count())).max(from[&partition]);
                if !each(Again::UpTo { partition, next }) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn places(&self, whence: &Whence, written: &[Arc<Written>]) -> BTreeMap<u32, u64> {
        let mut places: BTreeMap<u32, u64> =
            (0..GENERATION.partitions(&topics::LIQUIDATIONS)).map(|it| (it, self.first)).collect();
        match whence {
            Whence::Behind(next) => {
                places = places.into_keys().map(|it| (it, next.get(&it).copied().unwrap_or_default())).collect();
            }
            Whence::Time(time) => {
                for (partition, (first, batch)) in written.iter().flat_map(|written| &written.parts) {
                    let earlier = (*first..).zip(batch.records()).filter(|(_, record)| record.time < *time);
                    let next = earlier.map(|(offset, _)| offset + 1).max();
                    let place: &mut u64 = places.entry(*partition).or_default();
                    *place = next.unwrap_or_default().max(*place);
                }
            }
        }
        places
    }
}

/// Every other one of BTC.
fn of_two_coins(n: u32) -> LiquidationOrder {
    let coin = if n.is_multiple_of(2) { "BTC" } else { "ETH" };
    LiquidationOrder { coin: Coin::new(coin), ..order(n, "5", "long") }
}

/// What is written before the process remembers, and what it is told.
async fn with_a_past(url: &str, kept: &Kept, before: u32) -> Served {
    let mut served = kept.serve(url).await;
    kept.keep(served.append((0..before).map(of_two_coins)));
    for partition in 0..GENERATION.partitions(&topics::LIQUIDATIONS) {
        let next = served.next.get(&(topics::LIQUIDATIONS.name, partition)).copied().unwrap_or_default();
        served.live.begin(&topics::LIQUIDATIONS, partition, next);
    }
    served
}

async fn what_is_not_remembered_is_read_from_the_log_and_told_once(url: String) {
    const BEFORE: u32 = 1_000;
    const ALL: u32 = 3_000;
    let kept = Kept::default();
    let mut served = with_a_past(&url, &kept, BEFORE).await;
    let told: Vec<_> = (BEFORE..ALL)
        .step_by(10)
        .map(|first| kept.keep(served.append((first..first + 10).map(of_two_coins))))
        .collect();
    let live = served.live.clone();
    let telling = tokio::spawn(async move {
        for written in told {
            written.publish_to(&live);
            tokio::task::yield_now().await;
        }
    });
    let mut cursor = "1;0:0;1:0;2:0;3:0".to_owned();
    let (mut heard, mut cuts, mut random) = (Vec::new(), 0, 4_711_u32);
    while heard.len() < ALL as usize / 2 {
        let mut client = Client::connect(served.address).await;
        let wish = json!({ "channel": "liquidations", "key": "BTC", "filter": { "side": "long" }, "cursor": cursor });
        client.say("subscribe", wish).await;
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        for _ in 0..random >> 25 {
            let frame = client.hear_until("update").await;
            heard.push(frame["payload"]["data"]["block"].as_u64().unwrap());
            frame["payload"]["cursor"].as_str().unwrap().clone_into(&mut cursor);
            if heard.len() == ALL as usize / 2 {
                break;
            }
        }
        cuts += 1;
    }
    telling.await.unwrap();
    assert!(cuts > 10, "{cuts}");
    heard.sort_unstable();
    assert_eq!(heard, (0..u64::from(ALL)).step_by(2).map(|n| 100 + n).collect::<Vec<_>>(), "each once");
}

async fn of_a_time_each_event_since_then_is_told(url: String) {
    let kept = Kept::default();
    let mut served = with_a_past(&url, &kept, 100).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "start_time": 1_031 })).await;
    let mut heard = Vec::new();
    for place in 31..100 {
        let frame = client.hear_until("update").await;
        assert_eq!(frame["payload"]["replayed"], true);
        heard.push(frame["payload"]["data"]["time"].as_i64().unwrap());
        // Before anything was heard of the other partitions.
        if place == 31 {
            let cursor = &frame["payload"]["cursor"];
            client = Client::connect(served.address).await;
            client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "cursor": cursor })).await;
        }
    }
    heard.sort_unstable();
    assert_eq!(heard, (1_031..1_100).collect::<Vec<_>>());
    let written = kept.keep(served.append([of_two_coins(100)]));
    client.say("ping", json!({})).await;
    client.hear_until("pong").await;
    written.publish_to(&served.live);
    let frame = client.hear_until("update").await;
    assert_eq!(frame["payload"]["data"]["time"], 1_100);
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "start_time": 1 })).await;
    assert_eq!(client.hear_until("subscribed").await["payload"]["already"], true);
}

async fn what_the_log_cannot_tell_is_said(url: String) {
    let kept = Kept { first: 5, ..Kept::default() };
    let served = with_a_past(&url, &kept, 100).await;
    let mut client = Client::connect(served.address).await;
    let ask = |wish: Value| {
        let mut asked = json!({ "channel": "liquidations", "key": "*" });
        asked.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        asked
    };
    client.say("subscribe", ask(json!({ "cursor": "1;0:4;1:9;2:9;3:9" }))).await;
    let number = client.hear_until("subscribed").await["payload"]["sub_id"].clone();
    assert_eq!(client.hear_until("resync_required").await["payload"]["reason"], "cursor_expired");
    client.hear_until("snapshot").await;
    client.say("unsubscribe", json!({ "sub_id": number })).await;
    for wrong in [
        json!({ "start_time": "now" }),
        json!({ "start_time": 1, "cursor": "1;0:7" }),
        json!({ "start_time": 1, "channel": "positions" }),
    ] {
        client.say("subscribe", ask(wrong)).await;
        assert_eq!(client.hear_until("error").await["payload"]["code"], "INVALID_START_TIME");
    }
    let forgetful = serve_with(&url, |context| context).await;
    let mut client = Client::connect(forgetful.address).await;
    client.say("subscribe", ask(json!({ "start_time": 1 }))).await;
    assert_eq!(client.hear_until("resync_required").await["payload"]["reason"], "not_retained");
    client.hear_until("snapshot").await;
}

/// As many as fill every buffer between here and there many times.
const VERY_MANY: u32 = 200_000;

async fn who_goes_away_while_the_log_is_read_is_read_for_no_longer(url: String) {
    let kept = Kept::default();
    let served = with_a_past(&url, &kept, VERY_MANY).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "start_time": 1 })).await;
    let number = client.hear_until("update").await["payload"]["sub_id"].clone();
    client.say("unsubscribe", json!({ "sub_id": number })).await;
    client.hear_until("unsubscribed").await;
    kept.ended.notified().await;
    assert!(kept.handed_over.load(Ordering::Relaxed) < u64::from(VERY_MANY) / 2);
    client.say("ping", json!({})).await;
    assert_eq!(client.hear().await["type"], "pong");
}

async fn who_does_not_listen_is_not_read_for(url: String) {
    let kept = Kept::default();
    let served = with_a_past(&url, &kept, VERY_MANY).await;
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "start_time": 1 })).await;
    client.hear_until("update").await;
    kept.ended.notified().await;
    assert!(kept.handed_over.load(Ordering::Relaxed) < u64::from(VERY_MANY) / 2);
    let (last, code) = client.hear_the_end().await;
    assert_eq!((code, last.unwrap()["type"].as_str()), (4009, Some("lagged")));
}
