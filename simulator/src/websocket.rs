//! Connections: requests come in, frames go out, and a connection ends as the exchange, or the network, ends it.

mod connection;
mod exchange;
mod fill_stream;
mod subscription;

use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::response::Response;

use crate::feed::{Event, Feed, Follower};
use crate::limits::Limits;
use crate::visitors::Guest;
use exchange::Exchange;
use fill_stream::FillStream;

/// What is said on one connection.
trait Session: Send + 'static {
    /// Before the client has said anything.
    fn greeting(&self) -> Vec<Utf8Bytes>;

    fn answer(&mut self, text: &str) -> Vec<Utf8Bytes>;

    fn forward(&self, event: &Event) -> Vec<Utf8Bytes>;
}

const MESSAGE_BYTES: usize = 64 * 1024;

/// `/ws`: the exchange's WebSocket.
pub(crate) fn exchange(upgrade: WebSocketUpgrade, feed: Feed, guest: Guest, limits: Limits) -> Response {
    let follower = feed.follow();
    serve(upgrade, follower, Exchange::new(feed, guest, limits), limits)
}

/// `/stream`: every fill, as those sell it who run a node.
pub(crate) fn fill_stream(upgrade: WebSocketUpgrade, feed: Feed, limits: Limits) -> Response {
    let follower = feed.follow_blocks();
    serve(upgrade, follower, FillStream::new(feed), limits)
}

fn serve(upgrade: WebSocketUpgrade, follower: Follower, session: impl Session, limits: Limits) -> Response {
    let limited = upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES);
    limited.on_upgrade(move |socket| connection::serve(socket, follower, session, limits))
}
