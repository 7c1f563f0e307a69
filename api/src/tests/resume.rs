//! Clients that are cut and come back, to this process or to another one: each event once, and then how things are.

use std::collections::VecDeque;
use std::net::SocketAddr;

use schemas::{GENERATION, LiquidationOrder, Message};
use serde_json::json;

use super::client::{Client, Holdings, apply};
use super::fixture::{Served, Written, position, serve};
use super::place::on_both;
use super::protocol::order;
use crate::Live;

const EVENTS: u32 = 6_000;
const AT_ONCE: u32 = 10;

on_both! {
    who_is_cut_and_comes_back_hears_each_event_once,
    what_is_not_known_any_more_is_said,
    of_another_generation_nothing_is_known_although_all_of_this_one_is,
    what_is_forgotten_out_of_order_is_missed_by_nobody,
}

async fn who_is_cut_and_comes_back_hears_each_event_once(url: String) {
    let (mut here, there) = (serve(&url).await, serve(&url).await);
    for live in [&here.live, &there.live] {
        begin(live);
    }
    let mut client = Client::connect(here.address).await;
    client.subscribe("liquidations", "*").await;
    let mut cursor = client.hear_until("snapshot").await["payload"]["cursor"].as_str().unwrap().to_owned();
    let told = (0..EVENTS).step_by(AT_ONCE as usize).flat_map(|first| some(&mut here, first)).collect();
    let telling = tokio::spawn(tell(told, here.live.clone(), there.live.clone()));

    let (mut heard, mut cuts, mut random) = (Vec::new(), 0, 12_345_u32);
    while heard.len() < EVENTS as usize {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        for _ in 0..random >> 26 {
            let update = client.hear_until("update").await;
            heard.push(update["payload"]["data"]["block"].as_u64().unwrap());
            update["payload"]["cursor"].as_str().unwrap().clone_into(&mut cursor);
            if heard.len() == EVENTS as usize {
                break;
            }
        }
        cuts += 1;
        let process = [here.address, there.address][cuts % 2];
        client = Client::connect(process).await;
        client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "cursor": cursor })).await;
    }
    telling.await.unwrap();
    assert!(cuts >= 100, "{cuts}");
    heard.sort_unstable();
    assert_eq!(heard, (100..100 + u64::from(EVENTS)).collect::<Vec<_>>(), "each once");
    assert_eq!(holdings(here.address).await, holdings(there.address).await);
}

/// The topics are told from their first record on.
fn begin(live: &Live) {
    for topic in [&schemas::topics::LIQUIDATIONS, &schemas::topics::POSITIONS] {
        (0..GENERATION.partitions(topic)).for_each(|partition| live.begin(topic, partition, 0));
    }
}

fn some(served: &mut Served, first: u32) -> [Written; 2] {
    let orders = served.append((first..first + AT_ONCE).map(|n| order(n, "5", "long")));
    let positions = served.append((first..first + AT_ONCE).map(|n| position("BTC", n % 70, &format!("{}", n % 3))));
    [orders, positions]
}

/// The other process is behind by a different distance each time.
async fn tell(mut told: VecDeque<Written>, here: Live, there: Live) {
    let mut behind = VecDeque::new();
    while let Some(written) = told.pop_front() {
        written.publish_to(&here);
        behind.push_back(written);
        let distance = told.len() % 90;
        while behind.len() > distance {
            behind.pop_front().unwrap().publish_to(&there);
        }
        tokio::task::yield_now().await;
    }
    behind.into_iter().for_each(|written| written.publish_to(&there));
}

async fn holdings(address: SocketAddr) -> Holdings {
    let mut client = Client::connect(address).await;
    client.subscribe("positions", "*").await;
    let snapshot = client.hear_until("snapshot").await;
    let mut holdings = Holdings::new();
    snapshot["payload"]["data"].as_array().unwrap().iter().for_each(|row| apply(&mut holdings, row));
    assert!(!holdings.is_empty());
    holdings
}

async fn what_is_not_known_any_more_is_said(url: String) {
    let served = serve(&url).await;
    for partition in 0..GENERATION.partitions(&schemas::topics::LIQUIDATIONS) {
        served.live.begin(&schemas::topics::LIQUIDATIONS, partition, 7);
    }
    let mut client = Client::connect(served.address).await;
    for (cursor, second) in [
        ("1;0:7;1:7;2:7;3:7", "pong"),
        ("1;0:6;1:7;2:7;3:7", "resync_required"),
        ("2;0:7;1:7;2:7;3:7", "resync_required"),
        // Of a log that had more partitions, or had come further.
        ("1;0:7;1:7;2:7;3:7;4:7", "resync_required"),
        ("1;0:7;1:7;2:7;3:5000", "resync_required"),
    ] {
        client.say("subscribe", json!({ "channel": "liquidations", "key": "BTC", "cursor": cursor })).await;
        if second == "pong" {
            client.say("ping", json!({})).await;
        }
        let subscribed = client.hear().await;
        assert_eq!(subscribed["type"], "subscribed", "{cursor}");
        let said = client.hear().await;
        assert_eq!(said["type"], second, "{cursor}");
        if second == "resync_required" {
            assert_eq!(said["payload"]["reason"], "cursor_expired");
            client.hear_until("snapshot").await;
        }
        client.say("unsubscribe", json!({ "sub_id": subscribed["payload"]["sub_id"] })).await;
        client.hear_until("unsubscribed").await;
    }
    for wrong in [json!("yesterday"), json!(7)] {
        client.say("subscribe", json!({ "channel": "liquidations", "key": "BTC", "cursor": wrong })).await;
        assert_eq!(client.hear_until("error").await["payload"]["code"], "INVALID_CURSOR");
    }
}

async fn of_another_generation_nothing_is_known_although_all_of_this_one_is(url: String) {
    let mut served = serve(&url).await;
    begin(&served.live);
    let written = served.append((0..3).map(|n| order(n, "5", "long")));
    served.publish(&written);
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "cursor": "2;0:1" })).await;
    assert_eq!(client.hear_until("resync_required").await["payload"]["reason"], "cursor_expired");
    assert_eq!(client.hear_until("snapshot").await["payload"]["data"].as_array().unwrap().len(), 3);
}

/// Of two that are next to each other on the log the earlier one by offset has the later time, and is forgotten last.
async fn what_is_forgotten_out_of_order_is_missed_by_nobody(url: String) {
    let mut served = serve(&url).await;
    begin(&served.live);
    let [mut late, mut early] = [order(1, "5", "long"), order(2, "5", "long")];
    (late.time, early.time) = (1_000, 500);
    let partition = late.partition(GENERATION.partitions);
    let first = served.append([late, early]);
    served.publish(&first);
    let rest = served.append((3..20_003).map(|n| LiquidationOrder { time: 2_000, ..order(n, "5", "long") }));
    served.publish(&rest);
    let mut client = Client::connect(served.address).await;
    let cursor = |next: u64| {
        let place = |other: u32| if other == partition { format!(";{other}:{next}") } else { format!(";{other}:0") };
        format!("1{}", (0..GENERATION.partitions(&schemas::topics::LIQUIDATIONS)).map(place).collect::<String>())
    };
    client.say("subscribe", json!({ "channel": "liquidations", "key": "BTC", "cursor": cursor(1) })).await;
    client.hear_until("resync_required").await;
    client.hear_until("snapshot").await;
    let mut other = Client::connect(served.address).await;
    other.say("subscribe", json!({ "channel": "liquidations", "key": "BTC", "cursor": cursor(2) })).await;
    other.say("ping", json!({})).await;
    assert_eq!(other.hear_until("subscribed").await["payload"]["already"], json!(null));
    assert_eq!(other.hear_until("update").await["payload"]["replayed"], true);
}
