//! What a client is told.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Client, Market, serve, traded, without_repeats};
use crate::feed::Feed;
use crate::limits::Limits;
use crate::tests::START;
use crate::tests::files::{options, printed};
use crate::{Engine, Options, Simulator};

#[tokio::test]
async fn a_subscription_is_echoed_and_begins_with_what_was() {
    let mut market = Market::new(2_000);
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    // The connection has not seen these when it is asked: they must be in the first frame and in no other.
    let past = traded(&market.make(300), "SOL");
    let sol = json!({ "type": "trades", "coin": "SOL" });
    client.subscribe(&sol).await;
    let echo = json!({ "channel": "subscriptionResponse", "data": { "method": "subscribe", "subscription": sol } });
    assert_eq!(client.next().await, echo);
    let backlog = json!({ "channel": "trades", "data": past[past.len() - 30..] });
    assert_eq!(client.next().await, backlog);
    let live = traded(&market.make(100), "SOL");
    let (told, _) = client.trades("SOL", live.last()).await;
    assert_eq!(without_repeats(told), live);

    client.say(json!({ "method": "unsubscribe", "subscription": sol })).await;
    let gone = json!({ "channel": "subscriptionResponse", "data": { "method": "unsubscribe", "subscription": sol } });
    assert_eq!(client.next().await, gone);
    market.make(100);
    client.say(json!({ "method": "ping" })).await;
    assert_eq!(client.frame().await.unwrap(), r#"{"channel":"pong"}"#, "no trades after the echo");
}

#[tokio::test]
async fn contexts_are_told_each_second_and_with_new_marks() {
    let mut market = Market::new(500);
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    client.subscribe(&json!({ "type": "allDexsAssetCtxs" })).await;
    assert_eq!(client.next().await["data"]["subscription"], json!({ "type": "allDexsAssetCtxs" }));
    let first = client.next().await;
    let dexes = first["data"]["ctxs"].as_array().unwrap();
    assert_eq!(dexes.iter().map(|dex| &dex[0]).collect::<Vec<_>>(), ["", "xyz", "cash"]);
    for dex in dexes {
        let universe = crate::metadata::meta(dex[0].as_str().unwrap(), &market.engine).unwrap()["universe"].clone();
        assert_eq!(universe.as_array().unwrap().len(), dex[1].as_array().unwrap().len());
    }
    client.subscribe(&json!({ "type": "activeAssetCtx", "coin": "xyz:CL" })).await;
    client.next().await;
    let of_coin = client.next().await;
    assert_eq!(of_coin["data"], json!({ "coin": "xyz:CL", "ctx": dexes[1][1][1] }));

    let moment = |engine: &Engine| (engine.time / 1_000_000_000, engine.quotes.count);
    let mut marks = Vec::new();
    for _ in 0..100 {
        let before = moment(&market.engine);
        market.make(1);
        if moment(&market.engine) != before {
            marks.push(market.engine.contexts()[0].1[0].mark_px.clone());
        }
    }
    assert!(marks.len() >= 7 && marks.iter().collect::<BTreeSet<_>>().len() >= 3, "{marks:?}");
    let (mut told, mut of_coin) = (Vec::new(), 0);
    for _ in 0..2 * marks.len() {
        let frame = client.next().await;
        match frame["channel"].as_str() {
            Some("allDexsAssetCtxs") => told.push(frame["data"]["ctxs"][0][1][0]["markPx"].clone()),
            channel => of_coin += usize::from(channel == Some("activeAssetCtx")),
        }
    }
    assert_eq!(told, marks);
    assert_eq!(of_coin, marks.len());
}

#[tokio::test]
async fn a_spot_pair_has_a_context_of_its_own() {
    let mut market = Market::new(500);
    market.make(100);
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    let asked = json!({ "type": "activeAssetCtx", "coin": "@107" });
    client.subscribe(&asked).await;
    assert_eq!(client.next().await["data"]["subscription"], asked);
    let first = client.frame().await.unwrap();
    let keys = ["prevDayPx", "dayNtlVlm", "markPx", "midPx", "circulatingSupply", "coin", "totalSupply", "dayBaseVlm"];
    let context = first.strip_prefix(r#"{"channel":"activeSpotAssetCtx","data":{"coin":"@107","ctx":{"#).unwrap();
    let places = keys.map(|key| context.find(&format!("\"{key}\":\"")).unwrap_or_else(|| panic!("{key}: {first}")));
    assert!(places.is_sorted(), "{first}");
    market.make(50);
    let next = client.next().await;
    assert_eq!((&next["channel"], &next["data"]["ctx"]["coin"]), (&json!("activeSpotAssetCtx"), &json!("@107")));
    let mids = market.feed.now().contexts.mids("").unwrap()["@107"].to_owned();
    assert_eq!(market.feed.now().contexts.of_spot("@107").unwrap().mid_px.as_deref(), Some(mids.as_str()));
}

#[tokio::test]
async fn mids_are_those_of_one_dex() {
    let market = Market::new(500);
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    client.subscribe(&json!({ "type": "allMids" })).await;
    assert_eq!(client.next().await["data"]["subscription"], json!({ "type": "allMids", "dex": "" }));
    let main = client.next().await["data"].clone();
    assert!(main["dex"].is_null() && main["mids"]["BTC"].is_string() && main["mids"]["PURR/USDC"].is_string());
    assert_eq!(main["mids"].as_object().unwrap().len(), 19, "two perpetuals are listed later");
    client.subscribe(&json!({ "type": "allMids", "dex": "xyz" })).await;
    client.next().await;
    let xyz = client.next().await["data"].clone();
    assert_eq!(xyz["dex"], "xyz");
    assert_eq!(xyz["mids"].as_object().unwrap().keys().collect::<Vec<_>>(), ["xyz:CL", "xyz:XYZ100"]);
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_the_connection_stays() {
    let mut client = Client::connect(serve(Market::new(500).feed, Limits::EXCHANGE).await).await;
    for text in ["{", "hello", r#"{"method":"shout"}"#, r#"{"method":"subscribe"}"#] {
        client.say(text).await;
        assert_eq!(client.error().await, format!("Error parsing JSON into valid websocket request: {text}"));
    }
    for asked in [
        json!({ "type": "liquidations" }),
        json!({ "coin": "BTC" }),
        json!({ "coin": "GONE", "type": "trades" }),
        json!({ "coin": "@106", "type": "activeAssetCtx" }),
        json!({ "dex": "none", "type": "allMids" }),
    ] {
        client.subscribe(&asked).await;
        assert_eq!(client.error().await, format!("Invalid subscription {asked}"));
    }
    let btc = json!({ "coin": "BTC", "type": "trades" });
    client.say(json!({ "method": "unsubscribe", "subscription": btc })).await;
    assert_eq!(client.error().await, format!("Already unsubscribed: {btc}"));
    client.subscribe(&btc).await;
    assert_eq!(client.next().await["channel"], "subscriptionResponse");
    assert_eq!(client.next().await, json!({ "channel": "trades", "data": [] }));
    client.subscribe(&btc).await;
    assert_eq!(client.error().await, format!("Already subscribed: {btc}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_trades_are_those_of_the_nodes_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut market = Simulator::open(Options { rate: 2_000, ..options(folder.path(), 900) }).unwrap();
    let address = serve(market.feed(), Limits::EXCHANGE).await;
    let coins = ["BTC", "@107", "xyz:CL"];
    let mut clients = Vec::new();
    for coin in coins {
        let mut client = Client::connect(address).await;
        client.subscribe(&json!({ "type": "trades", "coin": coin })).await;
        client.next().await;
        client.next().await;
        clients.push(client);
    }
    tokio::task::block_in_place(|| market.run(&false.into()).unwrap());
    let blocks = printed(folder.path());
    let mut repeated = 0;
    for (coin, client) in coins.into_iter().zip(&mut clients) {
        let expected = traded(&blocks, coin);
        let (told, end) = client.trades(coin, expected.last()).await;
        assert_eq!(end, None);
        let (all, once) = (told.len(), without_repeats(told));
        repeated += all - once.len();
        assert!(expected.len() > 100, "{coin}: {}", expected.len());
        assert_eq!(once, expected);
    }
    assert!((10..=100).contains(&repeated), "{repeated} repeated trades");
}

#[tokio::test]
async fn a_coin_can_be_subscribed_to_from_its_listing_on() {
    let mut market = Market::new(500);
    market.make(300);
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    let xpl = json!({ "type": "trades", "coin": "XPL" });
    client.subscribe(&xpl).await;
    assert_eq!(client.error().await, format!("Invalid subscription {xpl}"));
    market.make(400);
    client.subscribe(&xpl).await;
    assert_eq!(client.next().await["data"]["subscription"], xpl);
    assert_ne!(client.next().await["data"], json!([]), "it is traded by now");
}

/// Contexts have no names: they must be those of the metadata at the same moment.
#[tokio::test]
async fn contexts_come_with_the_block_that_lists_a_market() {
    // Not with a second that begins.
    let engine = Engine::new(4, 400, 500, START + 370);
    let mut market = Market { feed: Feed::new(&engine, "none".parse().unwrap()), engine, line: Vec::new() };
    let mut client = Client::connect(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    client.subscribe(&json!({ "type": "allDexsAssetCtxs" })).await;
    client.next().await;
    let count = |frame: &serde_json::Value| frame["data"]["ctxs"][0][1].as_array().unwrap().len();
    let before = count(&client.next().await);
    while market.engine.come_and_gone() == 0 {
        market.make(1);
        let universe = crate::metadata::meta("", &market.feed.now().books).unwrap()["universe"].clone();
        assert_eq!(universe.as_array().unwrap().len(), market.feed.now().contexts.of_dex("").unwrap().len());
    }
    let mut told = before;
    while told == before {
        told = count(&client.next().await);
    }
    assert_eq!(told, before + 1);
}
