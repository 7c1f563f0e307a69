//! One connection: what the client says and what the market publishes go into the session, its frames go out. It ends
//! when either side has gone, when nothing was sent for long, and when the client does not keep up.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout};

use super::Limits;
use super::session::Session;
use crate::feed::{Event, Feed};
use crate::frames;

struct Connection {
    socket: WebSocket,
    live: broadcast::Receiver<Event>,
    session: Session,
    limits: Limits,
    sent_at: Instant,
}

enum Ending {
    /// Without a word, as connections die.
    Gone,
    /// With a close frame that says why.
    Said(&'static str),
}

enum Step {
    Heard(Option<Result<Message, axum::Error>>),
    Happened(Result<Event, broadcast::error::RecvError>),
    Idle,
}

pub(super) async fn serve(socket: WebSocket, feed: Feed, limits: Limits) {
    let live = feed.follow();
    let session = Session::new(feed, limits);
    let mut connection = Connection { socket, live, session, limits, sent_at: Instant::now() };
    if let Err(Ending::Said(reason)) = connection.live().await {
        let close = CloseFrame { code: close_code::NORMAL, reason: reason.into() };
        // Whoever has gone already need not be told.
        timeout(limits.patience, connection.socket.send(Message::Close(Some(close)))).await.ok();
    }
}

impl Connection {
    async fn live(&mut self) -> Result<(), Ending> {
        self.send(vec![frames::GREETING.into()]).await?;
        loop {
            let frames = match self.step().await {
                Step::Heard(heard) => self.heard(heard)?,
                Step::Happened(happened) => self.happened(happened)?,
                Step::Idle => return Err(Ending::Said("Inactive")),
            };
            self.send(frames).await?;
        }
    }

    async fn step(&mut self) -> Step {
        tokio::select! {
            heard = self.socket.recv() => Step::Heard(heard),
            happened = self.live.recv() => Step::Happened(happened),
            () = sleep_until(self.sent_at + self.limits.idle) => Step::Idle,
        }
    }

    fn heard(&mut self, heard: Option<Result<Message, axum::Error>>) -> Result<Vec<Utf8Bytes>, Ending> {
        match heard {
            Some(Ok(Message::Text(text))) => Ok(self.session.answer(&text)),
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => Ok(Vec::new()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Ending::Gone),
        }
    }

    /// A client that has missed a block would have a hole that nobody told it of: it is given up.
    fn happened(&mut self, happened: Result<Event, broadcast::error::RecvError>) -> Result<Vec<Utf8Bytes>, Ending> {
        match happened {
            Ok(Event::Published(published)) => Ok(self.session.forward(&published)),
            Ok(Event::Dropped) | Err(broadcast::error::RecvError::Lagged(_)) => Err(Ending::Gone),
            Ok(Event::Ended) | Err(broadcast::error::RecvError::Closed) => Err(Ending::Said("Bye")),
        }
    }

    async fn send(&mut self, frames: Vec<Utf8Bytes>) -> Result<(), Ending> {
        for frame in frames {
            match timeout(self.limits.patience, self.socket.send(Message::Text(frame))).await {
                Ok(Ok(())) => self.sent_at = Instant::now(),
                _ => return Err(Ending::Gone),
            }
        }
        Ok(())
    }
}
