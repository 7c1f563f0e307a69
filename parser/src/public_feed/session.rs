//! One connection: its socket, what was said on it, and until when what has to happen.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::conversation::Conversation;
use super::markets::Markets;

/// One connection.
pub struct Session {
    pub socket: Socket,
    pub conversation: Conversation,
    pub edition: u64,
    pub is_announced: bool,
    pub ping_at: Instant,
    pub pong_by: Option<Instant>,
    pub answers_by: Option<Instant>,
    pub settled_at: Option<Instant>,
}

/// What is wanted, and how often that has changed.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub markets: Markets,
    pub edition: u64,
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A ping goes out when nothing was sent for so long: the server closes a connection that is silent for a minute.
    pub until_ping: Duration,
    /// For a pong, for the answers to subscriptions, for a connection, for bytes to be sent.
    pub for_answers: Duration,
    /// For the backlogs, once everything is subscribed.
    pub for_backlogs: Duration,
    /// Before the second attempt to connect, and at most.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Session {
    pub fn new(socket: Socket, wanted: &Wanted, patience: Patience) -> Self {
        let (conversation, edition) = (Conversation::about(&wanted.markets), wanted.edition);
        let (ping_at, is_announced) = (Instant::now() + patience.until_ping, false);
        let (pong_by, answers_by, settled_at) = (None, None, None);
        Self { socket, conversation, edition, is_announced, ping_at, pong_by, answers_by, settled_at }
    }

    pub fn follow(&mut self, wanted: &Wanted) {
        self.conversation.follow(&wanted.markets);
        self.is_announced &= self.edition == wanted.edition;
        self.edition = wanted.edition;
    }

    pub fn next_deadline(&self, sending_at: Option<Instant>) -> Instant {
        let others = [self.pong_by, self.answers_by, self.settled_at, sending_at];
        others.into_iter().flatten().fold(self.ping_at, Instant::min)
    }

    /// Answers may have been there all the while that nobody read.
    pub fn excuse(&mut self, held_up: Duration) {
        for deadline in [&mut self.pong_by, &mut self.answers_by, &mut self.settled_at].into_iter().flatten() {
            *deadline += held_up;
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            until_ping: Duration::from_secs(30),
            for_answers: Duration::from_secs(10),
            for_backlogs: Duration::from_secs(5),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
        }
    }
}
