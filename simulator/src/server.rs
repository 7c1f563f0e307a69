//! The market over HTTP: `/info` and `/ws` as the exchange has them, `/stream` as vendors of node data do, and
//! `/weights` for whoever judges a client; all answered from what the market publishes.

use std::future::Future;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;

use crate::feed::{Event, Feed};
use crate::info;
use crate::limits::Limits;
use crate::refusals::Refusals;
use crate::visitors::{Visitors, Weights};
use crate::websocket;

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
    let visitors = Visitors::new(limits);
    let info = info::Page::new(feed.clone(), visitors.clone());
    let routes = Router::new()
        .route("/info", post(answer))
        .route("/ws", get(connect))
        .route("/stream", get(stream))
        .layer(middleware::from_fn_with_state(Refusals::new(feed.clone()), unless_refused))
        .route("/weights", get(weights))
        .with_state(Server { feed: feed.clone(), info, visitors });
    let ended = async move {
        stop.await;
        feed.send(&Event::Ended);
    };
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes).with_graceful_shutdown(ended).await
}

#[derive(Clone)]
struct Server {
    feed: Feed,
    info: info::Page,
    visitors: Visitors,
}

async fn unless_refused(State(refusals): State<Refusals>, request: Request, next: Next) -> Response {
    match refusals.next() {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

async fn answer(State(server): State<Server>, ConnectInfo(from): ConnectInfo<SocketAddr>, body: Bytes) -> Response {
    server.info.reply(from.ip(), &body)
}

/// What info requests have cost; the exchange has no such page.
async fn weights(State(server): State<Server>) -> Json<Weights> {
    Json(server.visitors.weights())
}

/// An address with too many connections, or too many new ones, gets none.
async fn connect(
    State(server): State<Server>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let limits = server.visitors.limits();
    match server.visitors.connect(from.ip()) {
        Some(guest) => websocket::exchange(upgrade, server.feed, guest, limits),
        None => StatusCode::TOO_MANY_REQUESTS.into_response(),
    }
}

/// Any key is good.
async fn stream(State(server): State<Server>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    match headers.get("x-api-key").filter(|key| !key.is_empty()) {
        Some(_) => websocket::fill_stream(upgrade, server.feed, server.visitors.limits()),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
