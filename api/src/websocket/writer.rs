//! What waits for a connection -> its socket, and the last words when it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::time::timeout;

use super::ending::{Ending, Farewell};
use super::frames;
use crate::live::{Next, Outlet};
use crate::measure::Written;

type Socket = SplitSink<WebSocket, Message>;

/// How long a client may take to hear the last words.
pub(crate) const FAREWELL_PATIENCE: Duration = Duration::from_secs(10);

/// Ends when the connection does, with its last words.
pub(crate) async fn write(mut socket: Socket, outlet: Arc<Outlet>) {
    let ending = write_frames(&mut socket, &outlet).await;
    outlet.end(ending);
    let Some(farewell) = ending.farewell(&outlet) else { return };
    if timeout(FAREWELL_PATIENCE, say(&mut socket, farewell)).await.is_err() {
        tracing::debug!("a client did not listen to its farewell");
    }
}

/// Ends when the connection does, between two frames: what was taken is told, if the client takes it in time.
async fn write_frames(socket: &mut Socket, outlet: &Outlet) -> Ending {
    let mut written = Written::default();
    loop {
        let mut next = tokio::select! {
            biased;
            ending = outlet.ended() => return ending,
            next = outlet.next() => Some(next),
        };
        // What is there already goes out in one piece.
        while let Some(waiting) = next {
            written.frame(received(&waiting));
            match before_the_end(feed(socket, waiting), outlet).await {
                Ok(()) => next = outlet.next_now(),
                Err(ending) => return ending,
            }
        }
        if let Err(ending) = before_the_end(socket.flush(), outlet).await {
            return ending;
        }
        written.flush();
    }
}

/// Also when the connection ends meanwhile, but not for much longer. A broken socket is an ending as well.
async fn before_the_end(writing: impl Future<Output = Result<(), axum::Error>>, outlet: &Outlet) -> Result<(), Ending> {
    tokio::pin!(writing);
    tokio::select! {
        biased;
        written = &mut writing => written.map_err(|_| Ending::Gone),
        ending = outlet.ended() => {
            // It is said by the last words whether the client listens.
            let _ = timeout(FAREWELL_PATIENCE, writing).await;
            Err(ending)
        }
    }
}

/// When that was received of which something new is told.
fn received(next: &Next) -> Option<i64> {
    if let Next::Update(_, update) = next { update.received } else { None }
}

async fn feed(socket: &mut Socket, next: Next) -> Result<(), axum::Error> {
    let text = match next {
        Next::Beat(text) => {
            // Whoever is there answers it, whatever else it says.
            socket.feed(Message::Ping("beat".into())).await?;
            Ok(text)
        }
        Next::Answer(text) => Ok(text),
        Next::Part(subscribed, part) => frames::snapshot(&subscribed, &part),
        Next::Update(subscribed, update) => frames::update(&subscribed, &update, false),
        Next::Replayed(subscribed, update) => frames::update(&subscribed, &update, true),
    };
    match text {
        Ok(text) => socket.feed(Message::Text(text)).await,
        Err(error) => {
            tracing::error!(%error, "a live result could not be written");
            Ok(())
        }
    }
}

async fn say(socket: &mut Socket, farewell: Farewell) {
    let close = Message::Close(Some(CloseFrame { code: farewell.code, reason: farewell.reason.into() }));
    let words = farewell.frames.into_iter().map(|text: Utf8Bytes| Message::Text(text));
    for message in words.chain([close]) {
        // A client that is gone needs no farewell.
        if socket.send(message).await.is_err() {
            return;
        }
    }
}
