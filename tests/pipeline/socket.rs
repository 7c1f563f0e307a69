//! A client of the WebSocket, as anybody has one.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn connect(address: &str) -> Self {
        Self(tokio_tungstenite::connect_async(format!("ws://{address}/api/v1/ws")).await.unwrap().0)
    }

    pub async fn say(&mut self, kind: &str, payload: &Value) {
        self.0.send(Message::text(json!({ "type": kind, "payload": payload }).to_string())).await.unwrap();
    }

    pub async fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}
