//! `/ws`: the exchange's WebSocket. Requests come in, frames go out, and a connection ends as the exchange ends it.

mod connection;
mod session;
mod subscription;

use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;

use crate::feed::Feed;

/// What one connection may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// A connection to which nothing was sent for so long is closed.
    pub(crate) idle: Duration,
    /// How long one frame may take on its way out.
    pub(crate) patience: Duration,
    pub(crate) subscriptions: usize,
    pub(crate) messages_per_minute: usize,
}

impl Limits {
    pub(crate) const EXCHANGE: Self = Self {
        idle: Duration::from_secs(60),
        patience: Duration::from_secs(10),
        subscriptions: 1_000,
        messages_per_minute: 2_000,
    };
}

const MESSAGE_BYTES: usize = 64 * 1024;

pub(crate) fn upgrade(upgrade: WebSocketUpgrade, feed: Feed, limits: Limits) -> Response {
    let limited = upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES);
    limited.on_upgrade(move |socket| connection::serve(socket, feed, limits))
}
