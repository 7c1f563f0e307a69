//! The exchange's WebSocket, spoken by a client that knows nothing of the engine.

mod endings;
mod fill_stream;
mod protocol;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Block, START};
use crate::Engine;
use crate::faults::Fault;
use crate::feed::Feed;
use crate::limits::Limits;
use crate::server::serve_within;

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// How a connection ended.
#[derive(Debug, PartialEq)]
enum End {
    Closed(String),
    Cut,
}

/// A market that makes a block when it is told to.
struct Market {
    engine: Engine,
    feed: Feed,
    line: Vec<u8>,
}

const WAIT: Duration = Duration::from_secs(20);
const HASTY: Limits = Limits {
    idle: Duration::from_millis(400),
    patience: Duration::from_millis(200),
    subscriptions: 2,
    messages_per_minute: 6,
    ..Limits::EXCHANGE
};

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let (socket, _) = connect_async(format!("ws://{address}/ws")).await.unwrap();
        let mut client = Self(socket);
        assert_eq!(client.frame().await.unwrap(), "Websocket connection established.");
        client
    }

    /// The server learns of the end of a connection when it gets to it.
    async fn connect_when_there_is_room(address: SocketAddr) -> Self {
        timeout(WAIT, async {
            loop {
                if let Ok((socket, _)) = connect_async(format!("ws://{address}/ws")).await {
                    return Self(socket);
                }
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap()
    }

    /// The status that a connection is refused with.
    async fn refusal(address: SocketAddr, path: &str) -> u16 {
        match connect_async(format!("ws://{address}{path}")).await {
            Err(tungstenite::Error::Http(reply)) => reply.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    async fn say(&mut self, text: impl ToString) {
        self.0.send(Message::text(text.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, subscription: &Value) {
        self.say(json!({ "method": "subscribe", "subscription": subscription })).await;
    }

    async fn frame(&mut self) -> Result<String, End> {
        match timeout(WAIT, self.0.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => Ok(text.to_string()),
            Some(Ok(Message::Close(close))) => Err(End::Closed(close.unwrap().reason.to_string())),
            Some(Err(tungstenite::Error::Protocol(_) | tungstenite::Error::Io(_))) => Err(End::Cut),
            other => panic!("{other:?}"),
        }
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.frame().await.unwrap()).unwrap()
    }

    async fn error(&mut self) -> String {
        let frame = self.next().await;
        assert_eq!(frame["channel"], "error");
        frame["data"].as_str().unwrap().to_owned()
    }

    /// Trades of one coin until a trade is the last one or the connection ends.
    async fn trades(&mut self, coin: &str, last: Option<&Value>) -> (Vec<Value>, Option<End>) {
        let mut trades: Vec<Value> = Vec::new();
        loop {
            let frame: Value = match self.frame().await {
                Ok(text) => serde_json::from_str(&text).unwrap(),
                Err(end) => return (trades, Some(end)),
            };
            assert_eq!(frame["channel"], "trades");
            let told = frame["data"].as_array().unwrap();
            assert!(told.iter().all(|trade| trade["coin"] == coin) && told.is_sorted_by_key(|it| it["time"].as_i64()));
            trades.extend(told.iter().cloned());
            if last.is_some_and(|last| trades.last() == Some(last)) {
                return (trades, None);
            }
        }
    }
}

impl Market {
    fn new(rate: u32) -> Self {
        Self::with_faults(rate, "none")
    }

    fn with_faults(rate: u32, faults: &str) -> Self {
        let engine = Engine::new(4, 400, rate, START);
        Self { feed: Feed::new(&engine, faults.parse().unwrap()), engine, line: Vec::new() }
    }

    /// Up to the block at which a fault happens; gives back what was traded of BTC.
    fn make_until_hit(&mut self, fault: Fault) -> Vec<Value> {
        let mut made = self.make(1);
        while !self.feed.hits(fault, self.engine.block) {
            made.extend(self.make(1));
        }
        traded(&made, "BTC")
    }

    fn make(&mut self, blocks: usize) -> Vec<Block> {
        let mut made = Vec::new();
        for _ in 0..blocks {
            self.engine.next_block(&mut self.line);
            self.feed.publish(&self.engine, &self.line);
            made.push(serde_json::from_slice(&self.line).unwrap());
        }
        made
    }
}

async fn serve(feed: Feed, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_within(limits, listener, feed, std::future::pending()));
    address
}

/// From the node's files alone: each two legs with the same number are a trade.
fn traded(blocks: &[Block], coin: &str) -> Vec<Value> {
    let mut trades = Vec::new();
    for block in blocks {
        let legs: Vec<_> =
            block.events.iter().filter(|(_, fill)| fill.coin.as_str() == coin && fill.tid != 0).collect();
        for (place, (user, fill)) in legs.iter().enumerate() {
            let Some((other, twin)) = legs[place + 1..].iter().find(|(_, twin)| twin.tid == fill.tid) else { continue };
            let ((buyer, bought), (seller, _)) =
                if fill.buys() { ((user, fill), (other, twin)) } else { ((other, twin), (user, fill)) };
            trades.push(json!({
                "coin": coin, "side": if bought.crossed { "B" } else { "A" }, "px": fill.px.to_string(),
                "sz": fill.sz.to_string(), "time": fill.time, "hash": fill.hash, "tid": fill.tid,
                "users": [buyer.to_string(), seller.to_string()],
            }));
        }
    }
    trades
}

fn without_repeats(mut trades: Vec<Value>) -> Vec<Value> {
    trades.dedup();
    trades
}
