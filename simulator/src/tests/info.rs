//! `/info`, asked by a client that knows nothing of the engine.

mod accounts;
mod listings;
mod pasts;
mod refusals;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::START;
use crate::feed::Feed;
use crate::limits::Limits;
use crate::server::serve_within;
use crate::{Engine, Faults, Options, Simulator};

/// What is asked about does not move meanwhile.
#[derive(Clone, Copy)]
struct Exchange(SocketAddr);

impl Exchange {
    async fn of(feed: Feed, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_within(limits, listener, feed, std::future::pending()));
        Self(address)
    }

    /// Whose market is made to its last block; nobody is refused.
    async fn after(options: Options) -> Self {
        let mut market = Simulator::open(options).unwrap();
        let feed = market.feed();
        tokio::task::block_in_place(|| market.run(&false.into()).unwrap());
        Self::of(feed, Limits { weight_per_minute: u32::MAX, ..Limits::EXCHANGE }).await
    }

    async fn ask(self, question: &Value) -> (u16, String) {
        let question = question.to_string();
        self.say(format!(
            "POST /info HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{question}",
            question.len()
        ))
        .await
    }

    async fn answer(self, question: &Value) -> Value {
        let (status, body) = self.ask(question).await;
        assert_eq!(status, 200, "{question}");
        serde_json::from_str(&body).unwrap()
    }

    async fn items(self, question: &Value) -> Vec<Value> {
        self.answer(question).await.as_array().unwrap().clone()
    }

    async fn weights(self) -> Value {
        let request = "GET /weights HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n\r\n".to_owned();
        serde_json::from_str(&self.say(request).await.1).unwrap()
    }

    async fn say(self, request: String) -> (u16, String) {
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(self.0).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            let (head, body) = reply.split_once("\r\n\r\n").unwrap();
            (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
        })
        .await
        .unwrap()
    }
}

/// A market of so many blocks, without files.
fn made(blocks: usize, faults: &str) -> Feed {
    let mut engine = Engine::new(1, 300, 2_000, START);
    let feed = Feed::new(&engine, faults.parse::<Faults>().unwrap());
    let mut line = Vec::new();
    for _ in 0..blocks {
        engine.next_block(&mut line);
        feed.publish(&engine, &line);
    }
    feed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn questions_about_the_market_are_answered_and_others_refused() {
    let exchange = Exchange::of(made(200, "none"), Limits::EXCHANGE).await;
    let meta = exchange.answer(&json!({ "type": "meta" })).await;
    assert_eq!(meta["universe"][0]["name"], "BTC");
    let both = exchange.answer(&json!({ "type": "metaAndAssetCtxs", "dex": "xyz" })).await;
    assert_eq!(both[0]["universe"].as_array().unwrap().len(), both[1].as_array().unwrap().len());
    let mids = exchange.answer(&json!({ "type": "allMids" })).await;
    assert!(mids["BTC"].is_string() && mids["@107"].is_string() && mids["xyz:CL"].is_null());
    let trades = exchange.items(&json!({ "type": "recentTrades", "coin": "BTC" })).await;
    assert_eq!(trades.len(), 30);
    assert!(trades.is_sorted_by_key(|trade| trade["time"].as_i64()));
    let status = exchange.answer(&json!({ "type": "exchangeStatus" })).await;
    assert_eq!(status, json!({ "time": status["time"].as_i64().unwrap(), "specialStatuses": null }));
    assert!(status["time"].as_i64().unwrap() >= trades[29]["time"].as_i64().unwrap());
    for known in ["perpDexs", "spotMeta"] {
        exchange.answer(&json!({ "type": known })).await;
    }

    let nothing = (500, "null".to_owned());
    assert_eq!(exchange.ask(&json!({ "type": "recentTrades", "coin": "GONE" })).await, nothing);
    assert_eq!(exchange.ask(&json!({ "type": "meta", "dex": "none" })).await, nothing);
    let refusal = (422, "Failed to deserialize the JSON body into the target type".to_owned());
    for asked in [
        json!({ "type": "liquidations" }),
        json!({ "type": "userFills" }),
        json!({ "type": "userFills", "user": "0x12" }),
        json!({ "type": "candleSnapshot", "req": { "coin": "BTC", "interval": "7m", "startTime": 0 } }),
        json!("meta"),
    ] {
        assert_eq!(exchange.ask(&asked).await, refusal, "{asked}");
    }
}
