//! The whole source against an endpoint: what it asks and when, what it commits, and what it does when refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use schemas::{GENERATION, Outbox};
use serde_json::{Value, json};

use super::server::{Reply, Server, soon};
use super::{Log, NOTHING_HELD, NOW, update, wallet};
use crate::{Budget, InfoClient, InfoSource};

/// The source and the log it is committed to.
struct World {
    source: InfoSource,
    log: Log,
    now: Arc<AtomicI64>,
}

impl World {
    fn new(server: &Server, budget: Budget) -> Self {
        Self::behind(Log::default(), server, budget)
    }

    fn behind(log: Log, server: &Server, budget: Budget) -> Self {
        let client = InfoClient::sharing(server.url(), Arc::new(budget)).unwrap();
        let now = Arc::new(AtomicI64::new(NOW));
        let clock = Arc::clone(&now);
        let state = log.state.clone();
        let source = InfoSource::open(client, state, GENERATION.number, move || clock.load(Ordering::Relaxed)).unwrap();
        Self { source, log, now }
    }

    async fn read(&mut self) {
        let mut out = Outbox::new(GENERATION);
        soon(self.source.read(&mut out)).await.unwrap();
        self.log.commit(&mut out);
    }

    async fn read_until(&mut self, is_there: impl Fn(&Self) -> bool) {
        while !is_there(self) {
            self.read().await;
        }
    }
}

fn answers(question: &Value) -> Reply {
    Reply::Body(match question["type"].as_str().unwrap() {
        "perpDexs" => r#"[null,{"name":"xyz"}]"#.to_owned(),
        "clearinghouseState" => NOTHING_HELD.to_owned(),
        "userFunding" => "[]".to_owned(),
        "userNonFundingLedgerUpdates" => format!("[{},{}]", update(NOW, 1), update(NOW, 2)),
        "metaAndAssetCtxs" => r#"[{"universe":[]},[]]"#.to_owned(),
        other => panic!("nobody asks for {other}"),
    })
}

#[tokio::test]
async fn everything_that_is_followed_is_asked_for_and_committed() {
    let server = Server::start(answers).await;
    let mut world = World::new(&server, Budget::recorded());
    assert!(world.source.follow(wallet(1), 1_000.into(), false));
    world.source.poll_contexts(Duration::from_secs(60));
    world.read_until(|world| world.log.accounts.len() == 2 && world.log.updates.len() == 2).await;
    world.read_until(|world| world.source.status().requests == 7).await;
    let status = world.source.status();
    assert_eq!((status.facts, status.failed, status.followed, status.oldest_age_ms), (4, 0, 1, Some(0)));
    // Of both lists together two items were charged, as one.
    assert_eq!(status.weight_in_last_minute, 20 + 2 * 20 + 2 * 2 + 21 + 20);
    let asked = world.source.read(&mut Outbox::new(GENERATION)).now_or_never();
    assert!(asked.is_none(), "nothing is due");
    world.now.fetch_add(120_000, Ordering::Relaxed);
    world.read_until(|world| world.log.accounts.len() == 3).await;
}

#[tokio::test]
async fn nothing_is_sent_before_a_record_of_it_is_committed() {
    let server = Server::start(answers).await;
    let mut world = World::new(&server, Budget::recorded());
    let mut out = Outbox::new(GENERATION);
    soon(world.source.read(&mut out)).await.unwrap();
    world.log.commit(&mut out);
    assert!(server.asked().is_empty());
    let record: Value = serde_json::from_slice(&world.log.state[&b"budget"[..]]).unwrap();
    assert_eq!(record, json!({ "generation": 1, "spent": [], "open": 240, "closed_until": 0, "pause": 0 }));
    world.read().await;
    assert_eq!(server.asked(), [json!({ "type": "perpDexs" })]);
}

#[tokio::test]
async fn given_up_while_it_waits_it_has_taken_nothing() {
    let server = Server::start(answers).await;
    let mut world = World::new(&server, Budget::unlimited());
    world.source.follow(wallet(1), 1_000.into(), false);
    let mut out = Outbox::new(GENERATION);
    while out.records() == 0 {
        if world.source.read(&mut out).now_or_never().is_none() {
            assert_eq!(out.records(), 0);
            tokio::task::yield_now().await;
        }
    }
    world.log.commit(&mut out);
    world.read_until(|world| world.log.accounts.len() == 2 && world.log.updates.len() == 2).await;
    let asked = server.asked();
    let different: std::collections::BTreeSet<String> = asked.iter().map(Value::to_string).collect();
    assert_eq!(different.len(), asked.len(), "nothing was asked twice");
}

#[tokio::test]
async fn another_process_goes_on_where_the_first_was_killed() {
    let server = Server::start(answers).await;
    let mut world = World::new(&server, Budget::recorded());
    world.source.follow(wallet(1), 1_000.into(), true);
    world.read_until(|world| world.log.updates.len() == 2 && world.log.accounts.len() == 2).await;
    let spent = world.source.status().weight_in_last_minute;
    let Log { state, .. } = world.log;
    let mut world = World::behind(Log { state, ..Log::default() }, &server, Budget::recorded());
    let status = world.source.status();
    assert_eq!(status.followed, 1);
    let inherited = status.weight_in_last_minute;
    assert!(inherited >= spent && inherited <= spent + 240, "{inherited} after {spent}");
    world.now.fetch_add(3_700_000, Ordering::Relaxed);
    world.read_until(|world| world.source.status().duplicates == 2).await;
    assert_eq!(world.log.updates.len(), 0, "what was published is not published again");
}

#[tokio::test]
async fn who_is_refused_asks_nothing_more_for_a_while() {
    let server = Server::start(|_| Reply::Status(429, "")).await;
    let mut world = World::new(&server, Budget::recorded());
    world.read_until(|world| world.source.status().refused == 1).await;
    world.source.follow(wallet(1), 1_000.into(), true);
    world.now.fetch_add(600_000, Ordering::Relaxed);
    let mut out = Outbox::new(GENERATION);
    let reading = world.source.read(&mut out);
    assert!(tokio::time::timeout(Duration::from_millis(300), reading).await.is_err(), "something has come");
    assert_eq!(server.asked().len(), 1);
    let record: Value = serde_json::from_slice(&world.log.state[&b"budget"[..]]).unwrap();
    assert_eq!(record["pause"], 60_000);
}

#[tokio::test]
async fn an_endpoint_that_is_ill_is_asked_again_and_then_everything_comes() {
    let mut ills = vec![
        Reply::Status(500, "null"),
        Reply::Status(503, "<html>busy</html>"),
        Reply::None,
        Reply::Status(422, "Failed to deserialize the JSON body into the target type"),
        Reply::Body("null".to_owned()),
    ];
    let server = Server::start(move |question| match question["type"].as_str() {
        Some("clearinghouseState") => ills.pop().unwrap_or_else(|| answers(question)),
        _ => answers(question),
    })
    .await;
    let mut world = World::new(&server, Budget::unlimited());
    world.source.follow(wallet(1), 1_000.into(), false);
    while world.log.accounts.is_empty() {
        world.now.fetch_add(700_000, Ordering::Relaxed);
        world.read().await;
    }
    assert_eq!((world.source.status().failed, world.log.letters.len()), (5, 1));
    assert_eq!(world.log.letters[0].text.as_deref(), Some("null"));
}

#[tokio::test]
async fn a_node_is_asked_for_what_it_knows_and_costs_nothing() {
    let (exchange, node) = (Server::start(answers).await, Server::start(answers).await);
    let budget = Arc::new(Budget::recorded());
    let client = InfoClient::sharing(exchange.url(), Arc::clone(&budget)).unwrap().with_node(node.url());
    let source = InfoSource::open(client, Vec::<(Vec<u8>, Vec<u8>)>::new(), GENERATION.number, || NOW).unwrap();
    let mut world = World { source, log: Log::default(), now: Arc::default() };
    world.source.follow(wallet(1), 1_000.into(), false);
    world.read_until(|world| world.source.status().requests == 5).await;
    let kinds = |server: &Server| {
        let mut kinds: Vec<String> =
            server.asked().iter().map(|asked| asked["type"].as_str().unwrap().to_owned()).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(&node), ["clearinghouseState", "clearinghouseState", "perpDexs"]);
    assert_eq!(kinds(&exchange), ["userFunding", "userNonFundingLedgerUpdates"]);
    assert_eq!(world.source.status().weight_in_last_minute, 41);
}

#[tokio::test]
async fn candles_are_asked_of_the_exchange_and_when_it_has_none_everything_else_comes() {
    let market = r#"[{"universe":[{"name":"BTC"}]},[{"dayNtlVlm":"1.0"}]]"#;
    let exchange = Server::start(move |question| match question["type"].as_str().unwrap() {
        "metaAndAssetCtxs" => Reply::Body(market.to_owned()),
        "candleSnapshot" => Reply::Status(422, "Failed to deserialize the JSON body into the target type"),
        _ => answers(question),
    })
    .await;
    let node = Server::start(answers).await;
    let budget = Arc::new(Budget::recorded());
    let client = InfoClient::sharing(exchange.url(), budget).unwrap().with_node(node.url());
    let now = Arc::new(AtomicI64::new(NOW));
    let clock = Arc::clone(&now);
    let clock = move || clock.load(Ordering::Relaxed);
    let source = InfoSource::open(client, Vec::<(Vec<u8>, Vec<u8>)>::new(), GENERATION.number, clock).unwrap();
    let mut world = World { source, log: Log::default(), now };
    world.source.poll_candles();
    world.read_until(|world| world.source.status().failed == 1).await;
    world.source.follow(wallet(1), 1_000.into(), false);
    world.read_until(|world| world.log.accounts.len() == 2 && world.log.updates.len() == 2).await;
    let candles = |server: &Server| server.asked().iter().filter(|asked| asked["type"] == "candleSnapshot").count();
    assert_eq!((candles(&exchange), candles(&node)), (1, 0));
    assert_eq!((world.log.candles.len(), world.log.letters.len()), (0, 0));
}

#[tokio::test]
async fn metadata_comes_through_the_same_budget_in_the_order_of_the_dexs() {
    let server = Server::start(|question| {
        let name = question["dex"].as_str().map_or("BTC".to_owned(), |dex| format!("{dex}:A"));
        match question["type"].as_str() {
            Some("perpDexs") => Reply::Body(r#"[null,{"name":"xyz"},{"name":"cash"}]"#.to_owned()),
            _ => Reply::Body(json!({ "universe": [{ "szDecimals": 5, "name": name, "maxLeverage": 40 }] }).to_string()),
        }
    })
    .await;
    let client = InfoClient::new(server.url()).unwrap();
    let markets = soon(client.markets(7)).await.unwrap();
    let coins: Vec<&str> = markets.iter().map(|market| market.coin.as_str()).collect();
    assert_eq!(coins, ["BTC", "xyz:A", "cash:A"]);
    assert_eq!(server.asked()[0], json!({ "type": "meta" }));
    assert_eq!(client.budget().spent_in_last_minute(), 80);
}
