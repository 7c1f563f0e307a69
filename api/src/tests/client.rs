//! A WebSocket client that keeps count of what it is told.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::asyncapi;

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The last seq of each subscription, by its number.
    seqs: HashMap<u64, u64>,
    /// Heartbeats in a row.
    beats: u32,
}

/// Longer than anything takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(30);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::with_key(address, "").await
    }

    pub(crate) async fn with_key(address: SocketAddr, key: &str) -> Self {
        let mut request = format!("ws://{address}/api/v1/ws").into_client_request().unwrap();
        request.headers_mut().insert("x-api-key", key.parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        let mut client = Self { socket, seqs: HashMap::new(), beats: 0 };
        let connected = client.hear().await;
        assert_eq!(connected["type"], "connected");
        assert_eq!(connected["payload"]["simulated"], true);
        assert_eq!(connected["payload"]["heartbeat_ms"], 15_000);
        client
    }

    pub(crate) async fn say(&mut self, kind: &str, payload: Value) {
        self.say_text(json!({ "type": kind, "payload": payload, "timestamp": 1 }).to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, channel: &str, key: &str) {
        self.say("subscribe", json!({ "channel": channel, "key": key })).await;
    }

    /// The next frame; its seq follows the one before.
    pub(crate) async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                asyncapi::is_as_the_document_says(&frame);
                self.beats = if frame["type"] == "heartbeat" { self.beats + 1 } else { 0 };
                assert!(self.beats < 3, "what is waited for does not come");
                self.count(&frame["payload"]);
                frame
            }
            other => panic!("{other:?} is not a frame"),
        }
    }

    fn count(&mut self, payload: &Value) {
        let Some(seq) = payload["seq"].as_u64() else { return };
        let last = self.seqs.entry(payload["sub_id"].as_u64().unwrap()).or_default();
        assert_eq!((payload["prev_seq"].as_u64(), seq), (Some(*last), *last + 1), "a hole before {payload}");
        *last = seq;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// Frames up to one of this type.
    pub(crate) async fn hear_until(&mut self, kind: &str) -> Value {
        self.hear_one_of(&[kind]).await
    }

    pub(crate) async fn hear_one_of(&mut self, kinds: &[&str]) -> Value {
        loop {
            let frame = self.hear().await;
            if kinds.iter().any(|kind| frame["type"] == *kind) {
                return frame;
            }
        }
    }

    /// Reads on until the server closes, and returns the last frame and the code.
    pub(crate) async fn hear_the_end(&mut self) -> (Option<Value>, u16) {
        let mut last = None;
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let frame = serde_json::from_str(&text).unwrap();
                    asyncapi::is_as_the_document_says(&frame);
                    last = Some(frame);
                }
                Message::Close(Some(close)) => return (last, close.code.into()),
                other => panic!("{other:?} is neither a frame nor the end"),
            }
        }
    }

    async fn next(&mut self) -> Message {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a message in time").unwrap().unwrap() {
                // The library answers it.
                Message::Ping(_) => {}
                message => return message,
            }
        }
    }
}

/// What a client makes of snapshots and updates: the last row of each coin and wallet.
pub(crate) type Holdings = BTreeMap<(String, String), Value>;

pub(crate) fn apply(holdings: &mut Holdings, row: &Value) {
    let key = (row["coin"].as_str().unwrap().to_owned(), row["wallet"].as_str().unwrap().to_owned());
    if row["side"] == "flat" {
        holdings.remove(&key);
    } else {
        holdings.insert(key, row.clone());
    }
}
