//! One of the connections that are kept side by side, kept open for ever → its events. After each loss a longer pause,
//! and never before its turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::warn;

use super::event::{Event, What};
use super::gap::name;
use super::lost::Lost;
use super::pace::{Pace, Pauses};
use super::patience::Patience;
use super::plan::Plan;
use super::session::{Session, Socket};

/// What outlives a connection.
pub struct Keeper {
    pub on: usize,
    pub url: String,
    pub patience: Patience,
    pub now: Clock,
    pub pace: Arc<Pace>,
    pub wanted: watch::Receiver<Wanted>,
    pub events: mpsc::Sender<Event>,
    pub logged: BTreeSet<String>,
}

/// Milliseconds UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What is wanted, and how often that has changed.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub plan: Arc<Plan>,
    pub edition: u64,
}

/// Beyond this a frame is not what the exchange sends.
const MOST_FRAME_BYTES: usize = 2 * 1024 * 1024;
/// Texts of errors that were logged.
const MOST_TEXTS: usize = 1_000;

impl Keeper {
    /// Ends when nobody wants the events any more.
    pub async fn keep(mut self) {
        let mut pauses = Pauses::from_to(self.patience.first_pause, self.patience.longest_pause);
        while self.has_something_to_carry().await {
            self.pace.turn_to_connect().await;
            let began = Instant::now();
            let Err(lost) = self.keep_one().await;
            if matches!(lost, Lost::NobodyReads) {
                return;
            }
            if began.elapsed() > self.patience.longest_pause {
                pauses.start_anew();
                self.logged.clear();
            }
            self.log(&lost.to_string());
            tokio::select! {
                () = tokio::time::sleep(pauses.next()) => {}
                () = self.events.closed() => return,
            }
        }
    }

    /// Waits for it; `false` when nobody is there any more who could want something.
    async fn has_something_to_carry(&mut self) -> bool {
        let on = self.on;
        self.wanted.wait_for(|wanted| !wanted.plan.share(on).is_empty()).await.is_ok()
    }

    async fn keep_one(&mut self) -> Result<std::convert::Infallible, Lost> {
        let socket = self.connect().await?;
        self.tell(What::Opened).await?;
        let wanted = self.wanted.borrow_and_update().clone();
        let mut session = Session::new(socket, wanted.plan.share(self.on), wanted.edition, self.patience);
        let Err(lost) = self.converse(&mut session).await;
        let reason = lost.to_string();
        self.tell(if lost.is_stale() { What::Stale { reason } } else { What::Lost { reason } }).await?;
        Err(lost)
    }

    async fn connect(&self) -> Result<Socket, Lost> {
        let config = WebSocketConfig::default().max_message_size(Some(MOST_FRAME_BYTES));
        let connecting = connect_async_with_config(self.url.as_str(), Some(config), true);
        let (socket, _) = timeout(self.patience.for_answers, connecting).await.map_err(|_| Lost::NoAnswer)??;
        Ok(socket)
    }

    pub async fn tell(&self, what: What) -> Result<(), Lost> {
        self.tell_of((self.now)(), what).await
    }

    pub async fn tell_of(&self, time: i64, what: What) -> Result<(), Lost> {
        self.events.send(Event { on: self.on, time, what }).await.map_err(|_| Lost::NobodyReads)
    }

    /// Once each.
    pub fn log(&mut self, text: &str) {
        if self.logged.len() < MOST_TEXTS && self.logged.insert(text.to_owned()) {
            warn!("{} to {}: {text}", name(self.on), self.url);
        }
    }
}
