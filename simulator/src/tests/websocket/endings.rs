//! Limits, and how connections end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Client, End, HASTY, Market, WAIT, serve, traded, without_repeats};
use crate::faults::Fault;
use crate::limits::Limits;
use crate::tests::files::{options, printed};
use crate::{Faults, Options, Simulator};

#[tokio::test]
async fn limits_are_errors() {
    assert_eq!((Limits::EXCHANGE.subscriptions, Limits::EXCHANGE.messages_per_minute), (1_000, 2_000));
    assert_eq!(Limits::EXCHANGE.idle, Duration::from_secs(60));
    let mut client = Client::connect(serve(Market::new(500).feed, HASTY).await).await;
    for coin in ["BTC", "ETH"] {
        client.subscribe(&json!({ "type": "trades", "coin": coin })).await;
        client.next().await;
        client.next().await;
    }
    client.subscribe(&json!({ "type": "trades", "coin": "SOL" })).await;
    assert_eq!(client.error().await, "Cannot subscribe to more than 2 channels.");
    for _ in 0..3 {
        client.say(r#"{"method":"ping"}"#).await;
        assert_eq!(client.next().await["channel"], "pong");
    }
    client.say(r#"{"method":"ping"}"#).await;
    assert_eq!(client.error().await, "Cannot send more than 6 messages per minute.");
}

/// Of one address, whatever the connection.
#[tokio::test]
async fn limits_are_shared_by_all_connections() {
    let limits = Limits { connections: 3, new_connections_per_minute: 4, ..HASTY };
    let address = serve(Market::new(500).feed, limits).await;
    let (mut one, mut other) = (Client::connect(address).await, Client::connect(address).await);
    for (client, coin) in [(&mut one, "BTC"), (&mut other, "ETH")] {
        client.subscribe(&json!({ "type": "trades", "coin": coin })).await;
        client.next().await;
        client.next().await;
    }
    one.subscribe(&json!({ "type": "trades", "coin": "SOL" })).await;
    assert_eq!(one.error().await, "Cannot subscribe to more than 2 channels.");
    other.say(json!({ "method": "unsubscribe", "subscription": { "type": "trades", "coin": "ETH" } })).await;
    assert_eq!(other.next().await["channel"], "subscriptionResponse");
    one.subscribe(&json!({ "type": "trades", "coin": "SOL" })).await;
    assert_eq!(one.next().await["channel"], "subscriptionResponse");
    other.say(r#"{"method":"ping"}"#).await;
    assert_eq!(other.next().await["channel"], "pong");
    other.say(r#"{"method":"ping"}"#).await;
    assert_eq!(other.error().await, "Cannot send more than 6 messages per minute.");

    let third = Client::connect(address).await;
    assert_eq!(Client::refusal(address, "/ws").await, 429, "a fourth at a time");
    drop(third);
    let fourth = Client::connect_when_there_is_room(address).await;
    drop((one, other, fourth));
    assert_eq!(Client::refusal(address, "/ws").await, 429, "a fifth within a minute");
}

/// The oldest connection is not closed, hears nothing and is not answered; the others go on.
#[tokio::test]
async fn a_silent_connection_only_seems_to_live() {
    let mut market = Market::with_faults(500, "silent=40");
    let address = serve(market.feed.clone(), HASTY).await;
    let btc = json!({ "type": "trades", "coin": "BTC" });
    let (mut oldest, mut other) = (Client::connect(address).await, Client::connect(address).await);
    for client in [&mut oldest, &mut other] {
        client.subscribe(&btc).await;
        client.next().await;
        client.next().await;
    }
    let silenced = market.make_until_hit(Fault::Silent);
    let (told, end) = oldest.trades("BTC", silenced.last()).await;
    assert_eq!((without_repeats(told), end), (silenced, None));
    market.make(1);
    let heard = async {
        oldest.say(r#"{"method":"ping"}"#).await;
        timeout(2 * HASTY.idle, oldest.0.next()).await
    };
    assert!(heard.await.is_err(), "neither a pong nor the close of an idle connection");
    let heard = async {
        oldest.0.send(Message::Ping("anyone?".into())).await.unwrap();
        timeout(HASTY.idle / 2, oldest.0.next()).await
    };
    assert!(heard.await.is_err(), "nor the answer to a ping of the protocol");
    market.make(10);
    assert_eq!(other.next().await["channel"], "trades");
}

/// Though nobody has connected too often.
#[tokio::test]
async fn a_connection_is_refused_now_and_then() {
    let limits = Limits { connections: u32::MAX, new_connections_per_minute: u32::MAX, ..HASTY };
    let address = serve(Market::with_faults(500, "refusals=3").feed, limits).await;
    let (mut refused, mut accepted) = (BTreeSet::new(), 0);
    for _ in 0..60 {
        match connect_async(format!("ws://{address}/ws")).await {
            Err(tungstenite::Error::Http(reply)) => drop(refused.insert(reply.status().as_u16())),
            other => accepted += usize::from(other.is_ok()),
        }
    }
    assert_eq!(refused, BTreeSet::from([429, 502]));
    assert!((25..=55).contains(&accepted), "{accepted}");
}

#[tokio::test]
async fn a_connection_is_closed_when_nothing_was_sent_to_it() {
    let address = serve(Market::new(500).feed, HASTY).await;
    let (mut silent, mut talking) = (Client::connect(address).await, Client::connect(address).await);
    let begun = std::time::Instant::now();
    let pings = async {
        for _ in 0..5 {
            tokio::time::sleep(HASTY.idle / 3).await;
            talking.say(r#"{"method":"ping"}"#).await;
            assert_eq!(talking.next().await["channel"], "pong");
        }
    };
    let ((), closed) = tokio::join!(pings, silent.frame());
    assert_eq!(closed, Err(End::Closed("Inactive".to_owned())));
    assert!(begun.elapsed() >= HASTY.idle);
    assert_eq!(talking.frame().await, Err(End::Closed("Inactive".to_owned())), "five pings kept it for longer");
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_does_not_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = async { stopped.await.unwrap() };
    let server = tokio::spawn(crate::serve(listener, Market::new(500).feed, ended));
    let mut client = Client::connect(address).await;
    stop.send(()).unwrap();
    assert_eq!(client.frame().await, Err(End::Closed("Bye".to_owned())));
    timeout(WAIT, server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn who_does_not_keep_up_is_cut_off() {
    let mut market = Market::new(100);
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    client.subscribe(&json!({ "type": "trades", "coin": "BTC" })).await;
    client.next().await;
    client.next().await;
    // Nothing else runs on this thread meanwhile.
    market.make(1_100);
    assert_eq!(client.trades("BTC", None).await.1, Some(End::Cut));
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let mut market = Market::new(50_000);
    let mut client = Client::connect(
        serve(market.feed.clone(), Limits { subscriptions: 100, messages_per_minute: 100, ..HASTY }).await,
    )
    .await;
    for coin in ["BTC", "ETH", "SOL", "HYPE", "XRP", "DOGE"] {
        client.subscribe(&json!({ "type": "trades", "coin": coin })).await;
        client.next().await;
        client.next().await;
    }
    market.make(150);
    // Longer than one frame may take: what fits between the two is all that comes.
    tokio::time::sleep(5 * HASTY.patience).await;
    let mut frames = 0;
    let end = loop {
        match client.frame().await {
            Ok(_) => frames += 1,
            Err(end) => break end,
        }
    };
    assert_eq!(end, End::Cut);
    assert!(frames < 6 * 100, "{frames}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_ends_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let faults: Faults = "dropped=200".parse().unwrap();
    let mut market = Simulator::open(Options { faults, ..options(folder.path(), 900) }).unwrap();
    let address = serve(market.feed(), Limits::EXCHANGE).await;
    let mut client = Client::connect(address).await;
    client.subscribe(&json!({ "type": "trades", "coin": "BTC" })).await;
    client.next().await;
    client.next().await;
    tokio::task::block_in_place(|| market.run(&false.into()).unwrap());
    let (told, end) = client.trades("BTC", None).await;
    assert_eq!(end, Some(End::Cut));
    let rows = std::fs::read_to_string(folder.path().join("truth/faults.ndjson")).unwrap();
    let first: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert_eq!(first["fault"], "dropped");
    let blocks = printed(folder.path());
    let seen = &blocks[..first["block"].as_u64().unwrap() as usize];
    assert_eq!(without_repeats(told), traded(seen, "BTC"));

    let mut again = Client::connect(address).await;
    again.subscribe(&json!({ "type": "trades", "coin": "BTC" })).await;
    again.next().await;
    let all = traded(&blocks, "BTC");
    assert_eq!(again.next().await["data"], json!(all[all.len() - 30..]));
}
