//! Clients that come while the market moves: each ends with the rows of the database, whatever it heard in between. What
//! changes is conflated, so of each key what is heard only goes forward.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use schemas::{Position, PositionSide};
use serde_json::Value;

use crate::Live;

use super::client::{Client, Holdings, apply};
use super::fixture::{Served, position, serve, wallet};
use super::place::on_both;

const COINS: [&str; 3] = ["BTC", "ETH", "kPEPE"];
const WALLETS: u32 = 1500;
const ROUNDS: u32 = 150;
const CHANGES: u32 = 20;
/// No other position has this size: whoever has heard it of every coin has heard all.
const LAST: &str = "424242";

on_both! {
    snapshot_and_updates_meet_without_a_seam,
}

async fn snapshot_and_updates_meet_without_a_seam(url: String) {
    let mut served = serve(&url).await;
    served.add((0..WALLETS).flat_map(|n| COINS.map(|coin| position(coin, n, "1")))).await;
    let address = served.address;
    let clients: Vec<_> = (0..10).map(|n| tokio::spawn(follow(address, served.live.clone(), n))).collect();
    move_the_market(&mut served).await;
    let rows = rows(&served).await;
    for client in clients {
        let (all, btc) = client.await.unwrap();
        assert_eq!(all.len(), rows.len());
        assert_eq!(all, rows);
        let of_btc = rows.iter().filter(|((coin, _), _)| coin == "BTC");
        assert_eq!(btc, of_btc.map(|(key, row)| (key.clone(), row.clone())).collect());
    }
}

/// Rows come after the live results by a different distance each time, and sometimes before them.
async fn move_the_market(served: &mut Served) {
    let mut behind = VecDeque::new();
    let mut random = 12_345_u32;
    let mut next = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random >> 8
    };
    for round in 0..ROUNDS {
        let some: Vec<Position> = (0..CHANGES)
            .map(|_| position(COINS[next() as usize % 3], next() % WALLETS, &format!("{}", next() % 5)))
            .collect();
        let written = served.append(some);
        if round % 50 == 49 {
            while let Some(earlier) = behind.pop_front() {
                served.store(&earlier).await;
            }
            served.store(&written).await;
            served.publish(&written);
            continue;
        }
        served.publish(&written);
        behind.push_back(written);
        while behind.len() > (next() % 60) as usize {
            let earlier = behind.pop_front().unwrap();
            served.store(&earlier).await;
        }
    }
    let last = served.append(COINS.map(|coin| position(coin, WALLETS, LAST)));
    served.publish(&last);
    behind.push_back(last);
    for written in behind {
        served.store(&written).await;
    }
}

/// Comes in a moment of its own, subscribes to everything and to one coin, and stays to the end.
async fn follow(address: SocketAddr, live: Live, n: u32) -> (Holdings, Holdings) {
    let begin = u64::from(WALLETS) * COINS.len() as u64 + u64::from(n * ROUNDS * CHANGES / 11);
    while live.next().values().sum::<u64>() < begin {
        tokio::task::yield_now().await;
    }
    let mut client = Client::connect(address).await;
    client.subscribe("positions", "*").await;
    if n.is_multiple_of(2) {
        client.hear_until("subscribed").await;
    }
    client.subscribe("positions", "btc").await;
    let mut told: BTreeMap<String, Holdings> = ["*", "BTC"].map(|key| (key.to_owned(), Holdings::new())).into();
    let (mut next, mut last) = (BTreeMap::new(), BTreeMap::new());
    while !ended(&told["*"], &COINS) || !ended(&told["BTC"], &["BTC"]) {
        let frame = client.hear().await;
        let payload = &frame["payload"];
        let key = payload["key"].as_str().unwrap_or_default();
        match frame["type"].as_str().unwrap() {
            "snapshot" => {
                let rows = payload["data"].as_array().unwrap();
                assert!(rows.len() <= 1000);
                rows.iter().for_each(|row| apply(told.get_mut(key).unwrap(), row));
                next.insert(key.to_owned(), offsets(payload["cursor"].as_str().unwrap()));
            }
            "update" => {
                apply(told.get_mut(key).unwrap(), &payload["data"]);
                let (partition, offset) = (payload["partition"].to_string(), payload["offset"].as_u64().unwrap());
                assert!(offset >= next[key][&partition], "it was in the snapshot");
                let of = (key.to_owned(), payload["data"]["coin"].to_string(), payload["data"]["wallet"].to_string());
                let before = last.insert(of, offset);
                assert!(before.is_none_or(|before| before < offset), "neither twice nor an older one");
                assert!(offsets(payload["cursor"].as_str().unwrap())[&partition] > offset);
            }
            "subscribed" | "heartbeat" => {}
            other => panic!("{other}: {frame}"),
        }
    }
    (told.remove("*").unwrap(), told.remove("BTC").unwrap())
}

fn ended(told: &Holdings, coins: &[&str]) -> bool {
    let last = |coin: &str| told.get(&(coin.to_owned(), wallet(WALLETS).to_string()));
    coins.iter().all(|coin| last(coin).is_some_and(|row| row["size"] == LAST))
}

/// The partitions of a snapshot's cursor: where its updates begin.
fn offsets(cursor: &str) -> BTreeMap<String, u64> {
    let partitions = cursor.split(';').skip(1).map(|place| place.split_once(':').unwrap());
    partitions.map(|(partition, next)| (partition.to_owned(), next.parse().unwrap())).collect()
}

/// A channel tells nothing that moves with the marks.
fn without_marks(row: &Value) -> Value {
    const HEARD: [&str; 12] = [
        "coin",
        "wallet",
        "side",
        "size",
        "opened_at",
        "changed_at",
        "entry_px",
        "realised_pnl",
        "last_px",
        "block",
        "index",
        "clock",
    ];
    HEARD.iter().map(|name| ((*name).to_owned(), row[name].clone())).collect::<serde_json::Map<_, _>>().into()
}

async fn rows(served: &Served) -> Holdings {
    let mut holdings = Holdings::new();
    let mut cursor = String::new();
    loop {
        let page = served.good(&format!("/api/v1/positions?limit=1000{cursor}")).await;
        for row in page["data"].as_array().unwrap() {
            assert_ne!(row["side"], serde_json::to_value(PositionSide::Flat).unwrap());
            let row = without_marks(row);
            apply(&mut holdings, &row);
        }
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return holdings,
        }
    }
}
