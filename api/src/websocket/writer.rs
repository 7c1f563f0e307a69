//! Frames of a connection's queue -> its socket, and the last words when it ends.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use crate::measure::Written;

pub(crate) struct Frame {
    pub(crate) text: Utf8Bytes,
    /// When what it tells was received.
    pub(crate) received: Option<i64>,
    /// Held until the frame is on its way, so that big frames do not pile up.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

/// Last words.
pub(crate) struct Farewell {
    pub(crate) frame: Option<Utf8Bytes>,
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

/// How long a client may take to hear them.
pub(crate) const FAREWELL_PATIENCE: Duration = Duration::from_secs(10);

/// Ends with the farewell, or without one when the queue is closed or the socket broken.
pub(crate) async fn write(
    mut socket: SplitSink<WebSocket, Message>,
    queue: mpsc::Receiver<Frame>,
    mut farewell: oneshot::Receiver<Farewell>,
) {
    let farewell = tokio::select! {
        biased;
        farewell = &mut farewell => farewell.ok(),
        // The queue ends after the last words were given, when there are any.
        () = write_frames(&mut socket, queue) => farewell.try_recv().ok(),
    };
    if let Some(farewell) = farewell
        && timeout(FAREWELL_PATIENCE, say(&mut socket, farewell)).await.is_err()
    {
        tracing::debug!("a client did not listen to its farewell");
    }
}

async fn write_frames(socket: &mut SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Frame>) {
    let mut written = Written::default();
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        // What is there already goes out in one piece.
        while let Some(frame) = next {
            written.frame(frame.received);
            if socket.feed(Message::Text(frame.text)).await.is_err() {
                return;
            }
            next = queue.try_recv().ok();
        }
        if socket.flush().await.is_err() {
            return;
        }
        written.flush();
    }
}

async fn say(socket: &mut SplitSink<WebSocket, Message>, farewell: Farewell) {
    let close = Message::Close(Some(CloseFrame { code: farewell.code, reason: farewell.reason.into() }));
    for message in farewell.frame.map(Message::Text).into_iter().chain([close]) {
        // A client that is gone needs no farewell.
        if socket.send(message).await.is_err() {
            return;
        }
    }
}
