//! A server that says what a test tells it to, and a source that listens to it.

use std::future::Future;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use schemas::{GENERATION, Outbox};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::{Log, RECEIVED};
use crate::{Markets, Patience, PublicFeed};

pub struct Server {
    listener: TcpListener,
}

/// One connection, as the server sees it.
pub struct Client {
    socket: WebSocketStream<TcpStream>,
}

/// What does not come within this time does not come.
const LONGEST: Duration = Duration::from_secs(30);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONGEST, future).await.expect("that does not come")
}

impl Server {
    pub async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.listener.local_addr().unwrap())
    }

    pub fn source(&self, markets: Markets, patience: Patience) -> Source {
        self.source_after(Log::default(), markets, patience)
    }

    pub fn source_after(&self, log: Log, markets: Markets, patience: Patience) -> Source {
        let state = log.state.clone();
        let feed = PublicFeed::open(&self.url(), markets, state, GENERATION.number, patience, || RECEIVED).unwrap();
        Source { feed, log }
    }

    pub async fn accept(&self) -> Client {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        Client { socket: soon(accept_async(stream)).await.unwrap() }
    }

    /// A connection on which all contexts, the mids, and the trades of so many coins of one dex were asked for and
    /// accepted.
    pub async fn accept_and_answer(&self, coins: usize) -> Client {
        let mut client = self.accept().await;
        client.answer(2 + coins).await;
        client.tick().await;
        client
    }
}

impl Client {
    /// The next message of the source; `None` when it has gone.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match soon(self.socket.next()).await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub async fn requested(&mut self) -> Value {
        self.next().await.unwrap()["subscription"].take()
    }

    pub async fn answer(&mut self, subscriptions: usize) {
        self.answer_all(subscriptions).await;
    }

    /// And says what was asked for.
    pub async fn answer_all(&mut self, subscriptions: usize) -> Vec<Value> {
        let mut asked = Vec::new();
        for _ in 0..subscriptions {
            let mut subscription = self.requested().await;
            asked.push(subscription.clone());
            if subscription.get("dex").is_none() {
                subscription["dex"] = Value::Null;
            }
            self.accept(subscription).await;
        }
        asked
    }

    pub async fn accept(&mut self, subscription: Value) {
        let data = json!({ "method": "subscribe", "subscription": subscription });
        self.say(json!({ "channel": "subscriptionResponse", "data": data }).to_string()).await;
    }

    /// Of the market, and nothing that was not known.
    pub async fn tick(&mut self) {
        self.say(r#"{"channel":"allDexsAssetCtxs","data":{"ctxs":[]}}"#).await;
    }

    pub async fn refuse(&mut self, text: &str) {
        self.say(json!({ "channel": "error", "data": text }).to_string()).await;
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        soon(self.socket.send(Message::text(text.into()))).await.unwrap();
    }

    pub async fn close(mut self) {
        soon(self.socket.close(None)).await.unwrap();
    }
}

/// The source and the log it is committed to.
pub struct Source {
    pub feed: PublicFeed,
    pub log: Log,
}

impl Source {
    pub async fn read(&mut self) {
        let mut out = Outbox::new(GENERATION);
        soon(self.feed.read(&mut out)).await.unwrap();
        self.log.commit(&mut out);
    }

    /// For what takes more frames than are queued.
    pub async fn read_while<T>(&mut self, something_happens: impl Future<Output = T>) -> T {
        let mut something_happens = std::pin::pin!(something_happens);
        loop {
            tokio::select! {
                biased;
                done = &mut something_happens => return done,
                () = self.read() => {}
            }
        }
    }

    pub async fn read_until(&mut self, is_there: impl Fn(&Self) -> bool) {
        while !is_there(self) {
            self.read().await;
        }
    }
}
