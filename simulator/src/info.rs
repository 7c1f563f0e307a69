//! `POST /info`: questions about what can be traded, answered as Hyperliquid answers them.

use std::future::Future;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::metadata;

/// Answers until `stop` comes.
pub async fn serve(listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let routes = Router::new().route("/info", post(answer));
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

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
    PerpDexs,
    SpotMeta,
}

async fn answer(body: Bytes) -> Response {
    let found = match serde_json::from_slice(&body) {
        Ok(Question::Meta { dex }) => metadata::meta(&dex),
        Ok(Question::MetaAndAssetCtxs { dex }) => metadata::meta_and_contexts(&dex),
        Ok(Question::PerpDexs) => Some(metadata::perp_dexes()),
        Ok(Question::SpotMeta) => Some(metadata::spot_meta()),
        Err(_) => {
            let text = "Failed to deserialize the JSON body into the target type";
            return (StatusCode::UNPROCESSABLE_ENTITY, text).into_response();
        }
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    match found {
        Some(reply) => (json, reply.to_string()).into_response(),
        None => (StatusCode::INTERNAL_SERVER_ERROR, json, "null").into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    use serde_json::Value;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn questions_are_answered_and_others_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, async {
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
