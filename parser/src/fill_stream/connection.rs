//! One WebSocket, opened again and again for ever → frames with lines in them, in order. Nobody reading is
//! back-pressure: then the socket is not read either, and no deadline runs.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tracing::{debug, info, warn};

use super::config::StreamConfig;
use super::event::Event;
use super::frame::understand;
use super::lost::Lost;
use crate::public_feed::{Patience, Pauses};
use crate::web_socket::heard;

/// The longest line of a node that was ever seen has 12 MB.
const MOST_FRAME_BYTES: usize = 64 * 1024 * 1024;
/// So much of frames is queued, in KiB; a longer one alone.
const ROOM_KIB: u32 = 32 * 1024;
/// Texts that were logged, and how much of one is.
const MOST_TEXTS: usize = 100;
const TEXT_LETTERS: usize = 300;

pub struct Connection {
    config: StreamConfig,
    patience: Patience,
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
    logged: BTreeSet<String>,
}

struct Session {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    silent_at: Instant,
    ping_at: Option<Instant>,
}

impl Connection {
    pub fn new(config: StreamConfig, patience: Patience, events: mpsc::Sender<Event>) -> Self {
        let room = Arc::new(Semaphore::new(ROOM_KIB as usize));
        Self { config, patience, events, room, logged: BTreeSet::new() }
    }

    /// Ends when nobody wants the events any more.
    pub async fn keep(mut self) {
        let Patience { first_pause, longest_pause, for_answers, .. } = self.patience;
        let mut pauses = Pauses::from_to(first_pause, longest_pause);
        let mut long_pauses = Pauses::from_to(longest_pause * 2, longest_pause * 10);
        loop {
            let began = Instant::now();
            let Err(lost) = self.keep_one().await;
            let reason = self.config.secrets.hide(&lost.to_string());
            if matches!(lost, Lost::NobodyReads)
                || self.tell(Event::Lost { status: lost.status(), reason: reason.clone() }).await.is_err()
            {
                return;
            }
            if began.elapsed() > for_answers + self.config.silence {
                pauses.start_anew();
                self.logged.clear();
            }
            self.log(&reason);
            let pause = if lost.is_refusal() { long_pauses.next() } else { pauses.next() };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.events.closed() => return,
            }
        }
    }

    async fn keep_one(&mut self) -> Result<Infallible, Lost> {
        let config =
            WebSocketConfig::default().max_message_size(Some(MOST_FRAME_BYTES)).max_frame_size(Some(MOST_FRAME_BYTES));
        let request = self.config.request().map_err(Lost::Request)?;
        let connecting = connect_async_with_config(request, Some(config), true);
        let (socket, _) = timeout(self.patience.for_answers, connecting).await.map_err(|_| Lost::NoAnswer)??;
        self.tell(Event::Opened).await?;
        let silent_at = Instant::now() + self.config.silence;
        let mut session = Session { socket, silent_at, ping_at: self.next_ping() };
        for message in self.config.subscribe.clone() {
            self.send(&mut session, message).await?;
        }
        info!("stream {}: connected", self.config.name);
        self.converse(&mut session).await
    }

    async fn converse(&mut self, session: &mut Session) -> Result<Infallible, Lost> {
        loop {
            let next_deadline = session.ping_at.map_or(session.silent_at, |ping_at| ping_at.min(session.silent_at));
            tokio::select! {
                message = session.socket.next() => self.take(session, message).await?,
                () = sleep_until(next_deadline) => self.send_what_is_due(session).await?,
            }
        }
    }

    async fn send_what_is_due(&mut self, session: &mut Session) -> Result<(), Lost> {
        let now = Instant::now();
        if session.silent_at <= now {
            return Err(Lost::Silent(self.config.silence));
        }
        if let Some(ping) = &self.config.ping
            && session.ping_at.is_some_and(|at| at <= now)
        {
            let message = ping.message.clone();
            session.ping_at = self.next_ping();
            self.send(session, message).await?;
        }
        Ok(())
    }

    fn next_ping(&self) -> Option<Instant> {
        self.config.ping.as_ref().map(|ping| Instant::now() + ping.every)
    }

    async fn send(&self, session: &mut Session, message: String) -> Result<(), Lost> {
        let sending = session.socket.send(Message::text(message));
        Ok(timeout(self.patience.for_answers, sending).await.map_err(|_| Lost::NoAnswer)??)
    }

    async fn take(
        &mut self,
        session: &mut Session,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), Lost> {
        let Some(bytes) = heard(message)? else { return Ok(()) };
        match understand(&bytes, &self.config.fills, self.config.layout) {
            Ok(Some(lines)) => {
                let room = Some(self.room_for(&bytes).await?);
                self.tell(Event::Lines { bytes, lines, room }).await?;
                session.silent_at = Instant::now() + self.config.silence;
            }
            Ok(None) => self.look_at_answer(&bytes),
            Err(reject) => {
                let began = Instant::now();
                let room = Some(self.room_for(&bytes).await?);
                self.tell(Event::Odd { bytes, reject, room }).await?;
                // It was no fill; but that nobody read is not to be held against the server.
                session.silent_at += began.elapsed();
            }
        }
        Ok(())
    }

    /// Answers are not kept; one that speaks of an error is what the operator has to know.
    fn look_at_answer(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let shown: String = self.config.secrets.hide(&text).chars().take(TEXT_LETTERS).collect();
        if text.to_ascii_lowercase().contains("error") {
            self.log(&format!("the provider says {shown}"));
        } else {
            debug!("stream {}: the provider answers {shown}", self.config.name);
        }
    }

    async fn room_for(&self, bytes: &[u8]) -> Result<tokio::sync::OwnedSemaphorePermit, Lost> {
        let kib = u32::try_from(bytes.len() / 1024 + 1).unwrap_or(ROOM_KIB).min(ROOM_KIB);
        Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| Lost::NobodyReads)
    }

    async fn tell(&self, event: Event) -> Result<(), Lost> {
        self.events.send(event).await.map_err(|_| Lost::NobodyReads)
    }

    /// Once each.
    fn log(&mut self, text: &str) {
        if self.logged.len() < MOST_TEXTS && self.logged.insert(text.to_owned()) {
            warn!("stream {}: {text}", self.config.name);
        }
    }
}
