//! `POST /info`: questions about what can be traded and how it stands, answered as Hyperliquid answers them.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::feed::Now;
use crate::markets::MARKETS;
use crate::metadata;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Question {
    Meta {
        #[serde(default)]
        dex: String,
    },
    MetaAndAssetCtxs {
        #[serde(default)]
        dex: String,
    },
    AllMids {
        #[serde(default)]
        dex: String,
    },
    RecentTrades {
        coin: String,
    },
    PerpDexs,
    SpotMeta,
}

pub(crate) fn answer(body: &[u8], now: &Now) -> Response {
    let Ok(question) = serde_json::from_slice(body) else {
        let text = "Failed to deserialize the JSON body into the target type";
        return (StatusCode::UNPROCESSABLE_ENTITY, text).into_response();
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    match known(question, now) {
        Some(reply) => (json, reply.to_string()).into_response(),
        None => (StatusCode::INTERNAL_SERVER_ERROR, json, "null").into_response(),
    }
}

fn known(question: Question, now: &Now) -> Option<Value> {
    match question {
        Question::Meta { dex } => metadata::meta(&dex),
        Question::MetaAndAssetCtxs { dex } => Some(json!([metadata::meta(&dex)?, now.contexts.of_dex(&dex)?])),
        Question::AllMids { dex } => now.contexts.mids(&dex).map(|mids| json!(mids)),
        Question::RecentTrades { coin } => {
            MARKETS.iter().any(|market| market.coin == coin).then(|| json!(now.recent(&coin)))
        }
        Question::PerpDexs => Some(metadata::perp_dexes()),
        Question::SpotMeta => Some(metadata::spot_meta()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    use tokio::net::TcpListener;

    use super::*;
    use crate::engine::Engine;
    use crate::feed::Feed;
    use crate::server::serve;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn questions_are_answered_and_others_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut engine = Engine::new(1, 300, 2_000, 1_782_636_100_000);
        let feed = Feed::new(&engine);
        let mut line = Vec::new();
        for _ in 0..200 {
            engine.next_block(&mut line);
            feed.publish(&engine, &line);
        }
        let server = tokio::spawn(serve(listener, feed, async {
            stopped.await.unwrap_or_default();
        }));
        tokio::task::spawn_blocking(move || {
            let (status, body) = ask(address, r#"{"type":"meta"}"#);
            assert_eq!(status, 200);
            let meta: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(meta["universe"][0]["name"], "BTC");

            let (status, body) = ask(address, r#"{"type":"metaAndAssetCtxs","dex":"xyz"}"#);
            assert_eq!(status, 200);
            let both: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(both[0]["universe"].as_array().unwrap().len(), both[1].as_array().unwrap().len());

            let mids: Value = serde_json::from_str(&ask(address, r#"{"type":"allMids"}"#).1).unwrap();
            assert!(mids["BTC"].is_string() && mids["@107"].is_string() && mids["xyz:CL"].is_null());
            let trades: Value =
                serde_json::from_str(&ask(address, r#"{"type":"recentTrades","coin":"BTC"}"#).1).unwrap();
            assert_eq!(trades.as_array().unwrap().len(), 30);
            assert!(trades.as_array().unwrap().is_sorted_by_key(|trade| trade["time"].as_i64()));
            assert_eq!(ask(address, r#"{"type":"recentTrades","coin":"GONE"}"#), (500, "null".to_owned()));

            assert_eq!(ask(address, r#"{"type":"perpDexs"}"#).0, 200);
            assert_eq!(ask(address, r#"{"type":"spotMeta"}"#).0, 200);
            assert_eq!(ask(address, r#"{"type":"meta","dex":"none"}"#), (500, "null".to_owned()));
            let refusal = "Failed to deserialize the JSON body into the target type".to_owned();
            assert_eq!(ask(address, r#"{"type":"liquidations"}"#), (422, refusal.clone()));
            assert_eq!(ask(address, "{"), (422, refusal));
        })
        .await
        .unwrap();
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    fn ask(address: SocketAddr, question: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        let length = question.len();
        write!(
            stream,
            "POST /info HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{question}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}
