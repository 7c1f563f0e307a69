//! Servers that behave and misbehave.

use std::time::Duration;

use schemas::{Coin, GENERATION, Outbox, SourceStatus};
use serde_json::json;

use super::server::{Server, Source};
use super::{RECEIVED, context, market, markets, trade, trades};
use crate::{Markets, Patience, PublicFeed, SourceError};

/// Reconnects at once, and waits for everything else as long as it does; for ticks, longer than any test takes.
fn quick() -> Patience {
    let (pause, for_ticks) = (Duration::from_millis(5), Duration::from_secs(600));
    Patience { between_attempts: pause, first_pause: pause, longest_pause: pause, for_ticks, ..Patience::default() }
}

fn impatient() -> Patience {
    Patience { for_answers: Duration::from_millis(300), ..quick() }
}

fn count(source: &Source, status: SourceStatus) -> usize {
    source.log.statuses.iter().filter(|said| said.status == status).count()
}

fn is_connected(source: &Source) -> bool {
    source.feed.cursor().connected
}

#[tokio::test]
async fn what_is_wanted_is_subscribed_and_what_comes_is_published() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC", "xyz:CL"]), quick());
    let mut client = server.accept().await;
    client.say("Websocket connection established.").await;
    assert_eq!(client.requested().await, json!({ "type": "allDexsAssetCtxs" }));
    client.accept(json!({ "type": "allDexsAssetCtxs" })).await;
    for wanted in [
        json!({ "type": "allMids" }),
        json!({ "type": "allMids", "dex": "xyz" }),
        json!({ "type": "trades", "coin": "BTC" }),
        json!({ "type": "trades", "coin": "xyz:CL" }),
    ] {
        assert_eq!(client.requested().await, wanted);
        client.accept(wanted).await;
    }
    client.say(trades(&[trade("xyz:CL", RECEIVED, 1)])).await;
    client.say(r#"{"channel":"bbo","data":{}}"#).await;
    let contexts = format!(r#"[["",[{}]],["xyz",[{}]]]"#, context("\"1.0\""), context("\"2.0\""));
    client.say(format!(r#"{{"channel":"allDexsAssetCtxs","data":{{"ctxs":{contexts}}}}}"#)).await;
    client.say(r#"{"channel":"allMids","data":{"mids":{"BTC":"1.5","@107":"30.5"}}}"#).await;
    source.read_until(|source| source.log.contexts.len() == 2 && source.log.mids.len() == 2).await;
    assert_eq!((source.log.trades.len(), source.log.raw.len(), source.log.letters.len()), (1, 3, 0));
    assert!(is_connected(&source) && source.log.statuses[0].reason == "connection 1: 2 coins are followed");
}

#[tokio::test]
async fn a_ping_that_is_answered_keeps_the_connection_and_one_that_is_not_ends_it() {
    let server = Server::start().await;
    let patience = Patience { until_ping: Duration::from_millis(20), for_answers: Duration::from_secs(2), ..quick() };
    let mut source = server.source(Markets::only([Coin::new("@1")]), patience);
    let mut client = server.accept().await;
    client.answer(1).await;
    for _ in 0..3 {
        assert_eq!(client.next().await, Some(json!({ "method": "ping" })));
        client.say(r#"{"channel":"pong"}"#).await;
    }
    source.read_until(|source| source.feed.cursor().frames == 4).await;
    assert_eq!((is_connected(&source), count(&source, SourceStatus::Disconnected)), (true, 0));
    let _silent = client;
    source.read_until(|source| count(source, SourceStatus::Stale) == 1).await;
    assert_eq!(source.log.statuses[1].reason, "connection 1: nothing came for 2s after a ping");
    server.accept().await;
}

#[tokio::test]
async fn a_connection_that_only_answers_is_stale_and_replaced() {
    let server = Server::start().await;
    let patience = Patience { for_ticks: Duration::from_millis(500), ..quick() };
    let mut source = server.source(markets(&["BTC"]), patience);
    let mut silent = server.accept_and_answer(1).await;
    silent.say(trades(&[trade("BTC", RECEIVED, 1)])).await;
    source.read_until(is_connected).await;
    source.read_until(|source| count(source, SourceStatus::Stale) == 1).await;
    let mut second = server.accept_and_answer(1).await;
    second.say(trades(&[trade("BTC", RECEIVED, 1), trade("BTC", RECEIVED + 1, 2)])).await;
    source.read_until(|source| source.log.trades.len() == 2 && is_connected(source)).await;
    assert_eq!((count(&source, SourceStatus::Connected), source.log.gaps()), (2, vec![]));
    assert_eq!(source.log.statuses[1].reason, "connection 1: nothing of the market came for 500ms");
}

#[tokio::test]
async fn many_coins_are_spread_over_connections_and_the_loss_of_one_is_a_gap_of_its_coins_alone() {
    let server = Server::start().await;
    let names: Vec<String> = (0..160).map(|number| format!("C{number}")).collect();
    let mut source = server.source(markets(&names.iter().map(String::as_str).collect::<Vec<_>>()), quick());
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = server.accept().await;
        // Half of what is wanted, and what ticks where all contexts do not come.
        let mut asked = source.read_while(client.answer_all(81)).await;
        if asked[0] != json!({ "type": "allDexsAssetCtxs" }) {
            asked.extend(source.read_while(client.answer_all(1)).await);
        }
        client.tick().await;
        clients.push((client, asked));
    }
    source.read_until(is_connected).await;
    let traded = |asked: &[serde_json::Value]| asked.iter().filter(|asked| asked["type"] == "trades").count();
    assert_eq!(clients.iter().map(|(_, asked)| traded(asked)).sum::<usize>(), 160);
    let (lost, asked) = clients.pop().unwrap();
    lost.close().await;
    source.read_until(|source| count(source, SourceStatus::Disconnected) == 1).await;
    let mut again = server.accept().await;
    assert_eq!(source.read_while(again.answer_all(asked.len())).await, asked, "what it carried, and nothing else");
    again.tick().await;
    let coin = asked.iter().find_map(|asked| asked["coin"].as_str()).unwrap();
    again.say(trades(&[trade(coin, RECEIVED + 1, 1)])).await;
    source.read_until(|source| !source.log.gaps().is_empty()).await;
    let gap = source.log.statuses.iter().find(|status| status.status == SourceStatus::Gap).unwrap();
    assert!(gap.reason.contains(&format!(", {} coins: ", traded(&asked))), "{}", gap.reason);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), impatient());
    let mut silent = server.accept().await;
    assert_eq!(silent.requested().await, json!({ "type": "allDexsAssetCtxs" }));
    let _second = server.accept_and_answer(1).await;
    source.read_until(is_connected).await;
    assert_eq!((source.feed.cursor().connection, source.log.statuses.len()), (2, 1));
}

#[tokio::test]
async fn a_connection_that_was_closed_is_made_anew_and_what_the_backlog_holds_is_published_once() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), quick());
    let mut client = server.accept_and_answer(1).await;
    let of_btc = |tids: std::ops::Range<u64>| {
        trades(&tids.map(|tid| trade("BTC", RECEIVED + tid as i64, tid)).collect::<Vec<_>>())
    };
    client.say(of_btc(0..5)).await;
    source.read_until(|source| source.log.trades.len() == 5 && is_connected(source)).await;
    client.close().await;
    let mut client = server.accept_and_answer(1).await;
    client.say(of_btc(3..8)).await;
    source.read_until(|source| source.log.trades.len() == 8).await;
    drop(client);
    let mut client = server.accept_and_answer(1).await;
    client.say(of_btc(50..55)).await;
    source.read_until(|source| source.log.trades.len() == 13 && !source.log.gaps().is_empty()).await;
    assert_eq!(source.log.gaps(), [(RECEIVED + 7 - 2_000, RECEIVED + 50)]);
    assert_eq!((source.feed.cursor().duplicates, count(&source, SourceStatus::Disconnected)), (2, 2));
}

#[tokio::test]
async fn another_process_goes_on_where_the_one_before_was() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), quick());
    let mut client = server.accept_and_answer(1).await;
    let backlog = trades(&[trade("BTC", RECEIVED, 1), trade("BTC", RECEIVED, 2)]);
    client.say(backlog.clone()).await;
    source.read_until(|source| source.log.trades.len() == 2 && is_connected(source)).await;
    let Source { feed, log } = source;
    drop(feed);
    assert_eq!(client.next().await, None, "a source that is dropped leaves");
    let mut source = server.source_after(log, markets(&["BTC"]), quick());
    let mut client = server.accept_and_answer(1).await;
    client.say(backlog).await;
    source.read_until(|source| source.feed.cursor().duplicates == 2 && is_connected(source)).await;
    assert_eq!((source.log.trades.len(), source.log.gaps().len(), source.feed.cursor().connection), (2, 0, 2));
    assert_eq!(source.feed.cursor().hole, None);
}

#[tokio::test]
async fn where_nobody_gives_all_contexts_they_are_had_one_by_one() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), quick());
    let mut client = server.accept().await;
    client.requested().await;
    client.refuse(r#"Invalid subscription {"type":"allDexsAssetCtxs"}"#).await;
    for wanted in [
        json!({ "type": "allMids" }),
        json!({ "type": "trades", "coin": "BTC" }),
        json!({ "type": "activeAssetCtx", "coin": "BTC" }),
    ] {
        assert_eq!(client.requested().await, wanted);
        client.accept(wanted).await;
    }
    let push = format!(r#"{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{}}}}}"#, context("\"1.0\""));
    client.say(push).await;
    source.read_until(|source| source.log.contexts.len() == 1).await;
    assert_eq!(source.feed.cursor().errors, 1);
}

#[tokio::test]
async fn a_coin_that_is_refused_is_dropped_and_the_others_are_followed() {
    let server = Server::start().await;
    let mut source = server.source(Markets::only(["@1", "@2"].map(Coin::new)), quick());
    let mut client = server.accept().await;
    client.requested().await;
    client.refuse("Invalid subscription").await;
    client.answer(1).await;
    source.read_until(is_connected).await;
    assert_eq!(source.log.statuses[0].reason, "connection 1: 1 coin is followed");
}

#[tokio::test]
async fn a_limit_of_the_exchange_is_waited_for() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), quick());
    let mut client = server.accept().await;
    client.requested().await;
    client.refuse("Cannot subscribe to more than 1000 channels.").await;
    assert_eq!(client.next().await, None);
    let _second = server.accept_and_answer(1).await;
    source.read_until(is_connected).await;
    assert_eq!(source.feed.cursor().connection, 2);
}

#[tokio::test]
async fn garbage_is_set_aside_and_the_stream_goes_on() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), quick());
    let mut client = server.accept_and_answer(1).await;
    client.say("{\"channel\":").await;
    client.say(trades(&[trade("BTC", RECEIVED, 1)])).await;
    source.read_until(|source| source.log.trades.len() == 1).await;
    assert_eq!((source.log.letters.len(), source.feed.cursor().connection), (1, 1));
}

#[tokio::test]
async fn what_is_listed_later_is_subscribed_on_the_same_connection() {
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), quick());
    let mut client = server.accept_and_answer(1).await;
    source.read_until(is_connected).await;
    source.feed.follow(Markets::all(&["BTC", "NEW"].map(market)), RECEIVED + 1);
    assert_eq!(client.requested().await, json!({ "type": "trades", "coin": "NEW" }));
    client.accept(json!({ "type": "trades", "coin": "NEW" })).await;
    source.read_until(|source| source.log.gaps().len() == 1).await;
    assert_eq!((source.feed.cursor().connection, count(&source, SourceStatus::Connected)), (1, 1));
    source.feed.follow(markets(&["NEW"]), RECEIVED + 2);
    let given_back = json!({ "method": "unsubscribe", "subscription": { "type": "trades", "coin": "BTC" } });
    assert_eq!(client.next().await, Some(given_back));
}

#[tokio::test]
async fn what_nobody_reads_waits_in_the_socket_and_a_reading_given_up_takes_nothing() {
    const FRAMES: u64 = 3_000;
    let server = Server::start().await;
    let mut source = server.source(markets(&["BTC"]), impatient());
    let mut client = server.accept_and_answer(1).await;
    let sending = tokio::spawn(async move {
        for tid in 0..FRAMES {
            client.say(trades(&[trade("BTC", RECEIVED + tid as i64, tid)])).await;
        }
        client
    });
    let mut out = Outbox::new(GENERATION);
    while source.feed.cursor().trades < FRAMES {
        let reading = tokio::time::timeout(Duration::ZERO, source.feed.read(&mut out)).await;
        if let Ok(read) = reading {
            read.unwrap();
        }
        source.log.commit(&mut out);
        tokio::task::yield_now().await;
    }
    sending.await.unwrap();
    let tids = source.log.trades.iter().map(|fact| serde_json::from_str::<schemas::Trade>(fact).unwrap().tid);
    assert!(tids.eq(0..FRAMES) && source.feed.cursor().connection == 1);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_once() {
    let none: [(&str, &str); 0] = [];
    let feed = PublicFeed::open("not an address", Markets::only([]), none, 1, quick(), || 0);
    assert!(matches!(feed, Err(SourceError::Url { .. })));
}
