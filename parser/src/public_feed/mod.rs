//! The exchange's public WebSocket → `raw.public-feed`, `trades`, `asset-contexts`, `mids`, `feed-status`,
//! `dead-letters` and the state behind them. Tasks keep the connections and queue what happens on them; whoever reads
//! takes it from there.

mod connection;
mod conversation;
mod coverage;
mod event;
pub(crate) mod facts;
mod feed;
mod feed_quotes;
mod feed_says;
mod feed_trades;
pub(crate) mod frame;
mod gap;
mod keeper;
mod lost;
mod markets;
mod memory;
mod object;
mod pace;
mod patience;
mod plan;
mod session;
mod state;
mod subscription;
mod takeover;
mod window;

pub use markets::{Follow, Markets, parse_spot_meta};
pub(crate) use pace::Pauses;
pub use patience::Patience;
pub use state::FeedCursor;

use std::collections::BTreeSet;
use std::sync::Arc;

use schemas::Outbox;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tracing::warn;

use self::event::{Event, What};
use self::feed::Feed;
use self::keeper::{Clock, Keeper, Wanted};
use self::pace::Pace;
use self::plan::CONNECTIONS;
use crate::node::Taken;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct PublicFeed {
    feed: Feed,
    events: mpsc::Receiver<Event>,
    wanted: watch::Sender<Wanted>,
    keepers: JoinSet<()>,
}

/// So much is queued, of all connections, before their sockets are read no further.
const MOST_EVENTS: usize = 64;
/// So much is taken before what was taken is committed.
const CHUNK_BYTES: u64 = 1024 * 1024;

impl PublicFeed {
    /// Goes on where the state says, on connections of its own that are kept up from here on; to be called in a
    /// runtime. `url` is as `wss://api.hyperliquid.xyz/ws`; `now` gives milliseconds UTC.
    pub fn open<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        url: &str,
        markets: Markets,
        state: impl IntoIterator<Item = (K, V)>,
        generation: u32,
        patience: Patience,
        now: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Result<Self, SourceError> {
        let not_a_url = |reason: String| SourceError::Url { url: url.to_owned(), reason };
        url.into_client_request().map_err(|error| not_a_url(error.to_string()))?;
        let entries = state.into_iter().map(|(key, value)| state::entry(key.as_ref(), value.as_ref()));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let feed = Feed::new(entries, generation, markets, now())?;
        // Another part of the process may have chosen already; either choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, events) = mpsc::channel(MOST_EVENTS);
        let (wanted, what_is_wanted) = watch::channel(Wanted::of(&feed));
        let (now, pace): (Clock, _) = (Arc::new(now), Arc::new(Pace::new(patience.between_attempts)));
        let keeper = |on| Keeper {
            on,
            url: url.to_owned(),
            patience,
            now: Arc::clone(&now),
            pace: Arc::clone(&pace),
            wanted: what_is_wanted.clone(),
            events: sender.clone(),
            logged: BTreeSet::new(),
        };
        let keepers = (0..CONNECTIONS).map(|on| keeper(on).keep()).collect();
        let opened = Self { feed, events, wanted, keepers };
        opened.warn_of_what_is_left_out();
        Ok(opened)
    }

    pub fn cursor(&self) -> &FeedCursor {
        self.feed.cursor()
    }

    /// Whether something came of markets that the metadata does not name.
    pub fn wants_metadata(&self) -> bool {
        self.feed.wants_metadata()
    }

    /// Newer metadata. Markets that are new in it are subscribed without a new connection, and those that are not
    /// traded any more are given back.
    pub fn follow(&mut self, markets: Markets, time: i64) {
        let is_left_out = self.wanted.borrow().plan.left_out.clone();
        if self.feed.follow(markets, time) {
            self.wanted.send_replace(Wanted::of(&self.feed));
        }
        if self.wanted.borrow().plan.left_out != is_left_out {
            self.warn_of_what_is_left_out();
        }
    }

    fn warn_of_what_is_left_out(&self) {
        let plan = &self.wanted.borrow().plan;
        if !plan.left_out.is_empty() {
            warn!("the public feed: {}", plan.what_is_left_out());
        }
    }

    /// Waits until something happens and takes all that has happened, up to a bound; adds its facts and the state
    /// behind them to the outbox. Given up while it waits, it has taken nothing.
    pub async fn read(&mut self, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut next = Some(self.next().await?);
        let mut taken = Taken::default();
        while let Some(event) = next {
            if let What::Frame(bytes) = &event.what {
                taken.lines += 1;
                taken.bytes += bytes.len() as u64;
            }
            self.feed.take(&event, out);
            next = if taken.bytes < CHUNK_BYTES { self.events.try_recv().ok() } else { None };
        }
        self.feed.write_state(out);
        Ok(taken)
    }

    /// A keeper that has ended would leave its share unheard, and nobody would say so.
    async fn next(&mut self) -> Result<Event, SourceError> {
        tokio::select! {
            event = self.events.recv() => event.ok_or(SourceError::Ended),
            _ = self.keepers.join_next() => Err(SourceError::Ended),
        }
    }
}

impl Wanted {
    fn of(feed: &Feed) -> Self {
        let (plan, edition) = feed.plan();
        Self { plan, edition }
    }
}

#[cfg(test)]
pub(crate) mod tests;
