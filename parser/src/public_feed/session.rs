//! One open connection: its socket, what was said on it, and until when what has to happen.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::conversation::{Conversation, Heard};
use super::frame::Frame;
use super::lost::Lost;
use super::patience::Patience;
use super::plan::Share;

pub struct Session {
    pub socket: Socket,
    pub conversation: Conversation,
    pub edition: u64,
    pub is_announced: bool,
    pub ping_at: Instant,
    pub sending_at: Option<Instant>,
    /// Or anything else that shows that somebody is there.
    pub pong_by: Option<Instant>,
    pub answers_by: Option<Instant>,
    pub settled_at: Option<Instant>,
    /// As soon as something is subscribed that never is silent.
    tick_by: Option<Instant>,
    has_ticked: bool,
    patience: Patience,
}

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Session {
    pub fn new(socket: Socket, share: &Share, edition: u64, patience: Patience) -> Self {
        let (conversation, ping_at) = (Conversation::about(share), Instant::now() + patience.until_ping);
        let (is_announced, has_ticked) = (false, false);
        let (sending_at, pong_by, answers_by, settled_at, tick_by) = Default::default();
        Self {
            socket,
            conversation,
            edition,
            is_announced,
            ping_at,
            sending_at,
            pong_by,
            answers_by,
            settled_at,
            tick_by,
            has_ticked,
            patience,
        }
    }

    pub fn follow(&mut self, share: &Share, edition: u64) {
        self.conversation.follow(share);
        self.is_announced &= self.edition == edition;
        self.edition = edition;
    }

    pub fn hear(&mut self, frame: &Frame<'_>, now: Instant) -> Result<(), Lost> {
        self.pong_by = None;
        match self.conversation.hear(frame) {
            Heard::Nothing => {}
            Heard::Limit => return Err(Lost::Limit),
            Heard::Answer if self.conversation.is_awaiting() => {}
            Heard::Answer => self.answers_by = None,
        }
        self.has_ticked |= frame.is_of_the_market();
        if frame.is_of_the_market() || self.tick_by.is_none() {
            self.tick_by = self.conversation.ticks().then(|| now + self.patience.for_ticks);
        }
        Ok(())
    }

    /// Everything that is wanted was answered, and it is not only said to be coming.
    pub fn is_live(&self) -> bool {
        self.conversation.is_complete() && (self.has_ticked || self.tick_by.is_none())
    }

    pub fn next_deadline(&self) -> Instant {
        let others = [self.sending_at, self.pong_by, self.answers_by, self.settled_at, self.tick_by];
        others.into_iter().flatten().fold(self.ping_at, Instant::min)
    }

    /// To be asked when everything that has come was read.
    pub fn judge(&self, now: Instant) -> Result<(), Lost> {
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|by| by <= now);
        if is_over(self.tick_by) {
            return Err(Lost::Silent(self.patience.for_ticks));
        }
        if is_over(self.pong_by) {
            return Err(Lost::Mute(self.patience.for_answers));
        }
        if is_over(self.answers_by) { Err(Lost::NoAnswer) } else { Ok(()) }
    }

    /// Answers may have been there all the while that nobody read.
    pub fn excuse(&mut self, held_up: Duration) {
        let deadlines = [&mut self.pong_by, &mut self.answers_by, &mut self.settled_at, &mut self.tick_by];
        for deadline in deadlines.into_iter().flatten() {
            *deadline += held_up;
        }
    }
}
