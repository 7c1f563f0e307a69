//! One connection: what the client says and what happens in the market go into its session, the session's frames go out.
//! It ends when either side has gone, when nothing was sent for long, and when the client does not keep up.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};

use super::Session;
use crate::feed::{Event, Follower};
use crate::limits::Limits;

struct Connection<S> {
    socket: WebSocket,
    follower: Follower,
    session: S,
    limits: Limits,
    sent_at: Instant,
}

enum Ending {
    /// Without a word, as connections die.
    Gone,
    /// With a close frame that says why.
    Said(&'static str),
    /// Not at all, as far as the client can see.
    Silent,
}

enum Step {
    Heard(Option<Result<Message, axum::Error>>),
    Happened(Result<Event, RecvError>),
    Idle,
}

pub(super) async fn serve(socket: WebSocket, follower: Follower, session: impl Session, limits: Limits) {
    let mut connection = Connection { socket, follower, session, limits, sent_at: Instant::now() };
    match connection.live().await {
        Ending::Gone => {}
        Ending::Said(reason) => connection.close(reason).await,
        Ending::Silent => connection.keep_silent().await,
    }
}

impl<S: Session> Connection<S> {
    async fn live(&mut self) -> Ending {
        let mut frames = Ok(self.session.greeting());
        loop {
            let sent = match frames {
                Ok(frames) => self.send(frames).await,
                Err(ending) => Err(ending),
            };
            if let Err(ending) = sent {
                return ending;
            }
            frames = match self.step().await {
                Step::Heard(heard) => self.heard(heard),
                Step::Happened(happened) => self.happened(happened),
                Step::Idle => Err(Ending::Said("Inactive")),
            };
        }
    }

    async fn step(&mut self) -> Step {
        tokio::select! {
            heard = self.socket.recv() => Step::Heard(heard),
            happened = self.follower.events.recv() => Step::Happened(happened),
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
    fn happened(&mut self, happened: Result<Event, RecvError>) -> Result<Vec<Utf8Bytes>, Ending> {
        match happened {
            Ok(Event::Dropped) | Err(RecvError::Lagged(_)) => Err(Ending::Gone),
            Ok(Event::Silenced(number)) if self.follower.is(number) => Err(Ending::Silent),
            Ok(Event::Ended) | Err(RecvError::Closed) => Err(Ending::Said("Bye")),
            Ok(event) => Ok(self.session.forward(&event)),
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

    async fn close(&mut self, reason: &'static str) {
        let close = CloseFrame { code: close_code::NORMAL, reason: reason.into() };
        // Whoever has gone already need not be told.
        timeout(self.limits.patience, self.socket.send(Message::Close(Some(close)))).await.ok();
    }

    /// Whatever is said is heard and not answered, until the client gives up or the server stops.
    async fn keep_silent(&mut self) {
        loop {
            match self.step().await {
                Step::Heard(None | Some(Err(_) | Ok(Message::Close(_)))) => return,
                // Hearing the next frame would answer this one.
                Step::Heard(Some(Ok(Message::Ping(_)))) => return self.turn_away().await,
                Step::Happened(Ok(Event::Ended) | Err(RecvError::Closed)) => return,
                Step::Heard(_) | Step::Happened(_) => {}
                Step::Idle => self.sent_at = Instant::now(),
            }
        }
    }

    /// Nothing is heard any more, not even that the client gives up: it has as long for that as an idle one.
    async fn turn_away(&mut self) {
        let stopped =
            async { while !matches!(self.follower.events.recv().await, Ok(Event::Ended) | Err(RecvError::Closed)) {} };
        timeout(self.limits.idle, stopped).await.ok();
    }
}
