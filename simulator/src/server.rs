//! The market over HTTP: questions to `/info` and connections to `/ws`, both answered from what the market publishes.

use std::future::Future;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::feed::{Event, Feed};
use crate::info;
use crate::websocket::{self, Limits};

/// Answers until `stop` comes.
pub async fn serve(
    listener: TcpListener,
    feed: Feed,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_within(Limits::EXCHANGE, listener, feed, stop).await
}

pub(crate) async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    feed: Feed,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let server = Server { feed: feed.clone(), limits };
    let routes = Router::new().route("/info", post(answer)).route("/ws", get(connect)).with_state(server);
    let ended = async move {
        stop.await;
        feed.send(Event::Ended);
    };
    axum::serve(listener, routes).with_graceful_shutdown(ended).await
}

#[derive(Clone)]
struct Server {
    feed: Feed,
    limits: Limits,
}

async fn answer(State(server): State<Server>, body: Bytes) -> Response {
    info::answer(&body, &server.feed.now())
}

async fn connect(State(server): State<Server>, upgrade: WebSocketUpgrade) -> Response {
    websocket::upgrade(upgrade, server.feed, server.limits)
}
