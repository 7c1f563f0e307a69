//! One WebSocket, kept open for ever → events, in order, each with its time. Nobody reading is back-pressure: then
//! the socket is not read either, and no deadline runs.

use std::collections::BTreeSet;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tracing::{info, warn};

use super::conversation::Heard;
use super::feed::Event;
use super::frame::{Frame, understand};
use super::lost::Lost;
use super::pace::{Allowance, Pauses};
use super::session::{Patience, Session, Wanted};

/// Beyond this a frame is not what the exchange sends.
const MOST_FRAME_BYTES: usize = 2 * 1024 * 1024;
/// The exchange allows 30 connections and 2000 messages in a minute.
const CONNECTIONS: usize = 25;
const MESSAGES: usize = 1_800;
/// Texts of errors that were logged.
const MOST_TEXTS: usize = 1_000;

/// What outlives a connection.
pub struct Connections<C> {
    url: String,
    patience: Patience,
    now: C,
    wanted: watch::Receiver<Wanted>,
    events: mpsc::Sender<Event>,
    connections: Allowance,
    messages: Allowance,
    logged: BTreeSet<String>,
}

impl<C: Fn() -> i64> Connections<C> {
    pub fn new(
        url: &str,
        patience: Patience,
        now: C,
        wanted: watch::Receiver<Wanted>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let (connections, messages) = (Allowance::per_minute(CONNECTIONS), Allowance::per_minute(MESSAGES));
        let (url, logged) = (url.to_owned(), BTreeSet::new());
        Self { url, patience, now, wanted, events, connections, messages, logged }
    }

    /// Ends when nobody wants the events any more.
    pub async fn keep(mut self) {
        let mut pauses = Pauses::from_to(self.patience.first_pause, self.patience.longest_pause);
        loop {
            sleep_until(self.connections.when(1, Instant::now())).await;
            self.connections.spend(1, Instant::now());
            let began = Instant::now();
            let Err(lost) = self.keep_one().await;
            if matches!(lost, Lost::NobodyReads) {
                return;
            }
            if began.elapsed() > self.patience.longest_pause {
                pauses.start_anew();
                self.logged.clear();
            }
            self.log(&format!("{}: {lost}", self.url));
            tokio::select! {
                () = tokio::time::sleep(pauses.next()) => {}
                () = self.events.closed() => return,
            }
        }
    }

    async fn keep_one(&mut self) -> Result<std::convert::Infallible, Lost> {
        let config = WebSocketConfig::default().max_message_size(Some(MOST_FRAME_BYTES));
        let connecting = connect_async_with_config(self.url.as_str(), Some(config), true);
        let (socket, _) = timeout(self.patience.for_answers, connecting).await.map_err(|_| Lost::NoAnswer)??;
        self.tell(Event::Opened).await?;
        let wanted = self.wanted.borrow_and_update().clone();
        let mut session = Session::new(socket, &wanted, self.patience);
        let Err(lost) = self.converse(&mut session).await;
        self.tell(Event::Lost { time: (self.now)(), reason: lost.to_string() }).await?;
        Err(lost)
    }

    async fn converse(&mut self, session: &mut Session) -> Result<std::convert::Infallible, Lost> {
        loop {
            self.send_what_is_due(session).await?;
            let deadline = session.next_deadline(self.next_sending(session, Instant::now()));
            tokio::select! {
                message = session.socket.next() => self.take(session, message).await?,
                () = sleep_until(deadline) => {}
                changed = self.wanted.changed() => {
                    changed.map_err(|_| Lost::NobodyReads)?;
                    session.follow(&self.wanted.borrow_and_update());
                }
            }
        }
    }

    fn next_sending(&self, session: &Session, now: Instant) -> Option<Instant> {
        let count = session.conversation.next();
        (count > 0).then(|| self.messages.when(count, now))
    }

    async fn send_what_is_due(&mut self, session: &mut Session) -> Result<(), Lost> {
        let now = Instant::now();
        if session.pong_by.is_some_and(|by| by <= now) || session.answers_by.is_some_and(|by| by <= now) {
            return Err(Lost::NoAnswer);
        }
        if self.next_sending(session, now).is_some_and(|at| at <= now) {
            let requests = session.conversation.send_next();
            session.answers_by = Some(now + self.patience.for_answers);
            self.send(session, requests).await?;
        }
        if session.ping_at <= now {
            session.pong_by.get_or_insert(now + self.patience.for_answers);
            self.send(session, vec![r#"{"method":"ping"}"#.to_owned()]).await?;
        }
        self.announce(session).await
    }

    async fn send(&mut self, session: &mut Session, texts: Vec<String>) -> Result<(), Lost> {
        self.messages.spend(texts.len(), Instant::now());
        let sending = async {
            for text in texts {
                session.socket.feed(Message::text(text)).await?;
            }
            session.socket.flush().await
        };
        timeout(self.patience.for_answers, sending).await.map_err(|_| Lost::NoAnswer)??;
        session.ping_at = Instant::now() + self.patience.until_ping;
        Ok(())
    }

    /// Says when everything was answered, and once more when what follows should have come.
    async fn announce(&mut self, session: &mut Session) -> Result<(), Lost> {
        if session.conversation.is_complete() && !session.is_announced {
            let (coins, edition) = (session.conversation.coins(), session.edition);
            info!("{}: the trades of {} coins are followed", self.url, coins.len());
            self.tell(Event::Subscribed { time: (self.now)(), coins, edition }).await?;
            session.is_announced = true;
            session.settled_at = Some(Instant::now() + self.patience.for_backlogs);
        }
        if session.settled_at.is_some_and(|at| at <= Instant::now()) {
            self.tell(Event::Settled { time: (self.now)() }).await?;
            session.settled_at = None;
        }
        Ok(())
    }

    async fn take(
        &mut self,
        session: &mut Session,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), Lost> {
        let bytes = match message.ok_or(Lost::Ended)?? {
            Message::Close(frame) => return Err(Lost::closed(frame)),
            message @ (Message::Text(_) | Message::Binary(_)) => Vec::from(message.into_data()),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
        };
        let received = (self.now)();
        let limit = self.hear(session, &bytes);
        let began = Instant::now();
        self.tell(Event::Frame { bytes, received }).await?;
        session.excuse(began.elapsed());
        limit
    }

    /// What cannot be understood is for the reader to set aside.
    fn hear(&mut self, session: &mut Session, bytes: &[u8]) -> Result<(), Lost> {
        let Ok(frame) = understand(bytes) else { return Ok(()) };
        if let Frame::Error(text) = &frame {
            self.log(&format!("{} says: {text}", self.url));
        }
        match session.conversation.hear(&frame) {
            Heard::Nothing => {}
            Heard::Pong => session.pong_by = None,
            Heard::Limit => return Err(Lost::Limit),
            Heard::Answer if session.conversation.is_awaiting() => {}
            Heard::Answer => session.answers_by = None,
        }
        Ok(())
    }

    async fn tell(&self, event: Event) -> Result<(), Lost> {
        self.events.send(event).await.map_err(|_| Lost::NobodyReads)
    }

    /// Once each.
    fn log(&mut self, text: &str) {
        if self.logged.len() < MOST_TEXTS && self.logged.insert(text.to_owned()) {
            warn!("{text}");
        }
    }
}
