//! The exchange's public WebSocket → `raw.public-feed`, `trades`, `asset-contexts`, `feed-status`, `dead-letters` and
//! the state behind them. A task keeps the connection and queues what happens on it; whoever reads takes it from there.

mod connection;
mod conversation;
mod coverage;
mod facts;
mod feed;
mod frame;
mod lost;
mod markets;
mod object;
mod pace;
mod session;
mod state;
mod subscription;
mod window;

pub use markets::Markets;
pub(crate) use pace::Pauses;
pub use session::Patience;
pub use state::FeedCursor;

use schemas::Outbox;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use self::connection::Connections;
use self::feed::{Event, Feed};
use self::session::Wanted;
use crate::node::Taken;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct PublicFeed {
    feed: Feed,
    events: mpsc::Receiver<Event>,
    wanted: watch::Sender<Wanted>,
    connection: JoinHandle<()>,
}

/// So much is queued before the socket is read no further.
const MOST_EVENTS: usize = 64;
/// So much is taken before what was taken is committed.
const CHUNK_BYTES: u64 = 1024 * 1024;

impl PublicFeed {
    /// Goes on where the state says, on a connection of its own that is kept up from here on; to be called in a
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
        let feed = Feed::new(entries, generation, markets.clone(), now())?;
        // Another part of the process may have chosen already; either choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, events) = mpsc::channel(MOST_EVENTS);
        let (wanted, what_is_wanted) = watch::channel(Wanted { markets, edition: 0 });
        let connections = Connections::new(url, patience, now, what_is_wanted, sender);
        let connection = tokio::spawn(connections.keep());
        Ok(Self { feed, events, wanted, connection })
    }

    pub fn cursor(&self) -> &FeedCursor {
        self.feed.cursor()
    }

    /// Whether something came of markets that the metadata does not name.
    pub fn wants_metadata(&self) -> bool {
        self.feed.wants_metadata()
    }

    /// Newer metadata. Markets that are new in it are subscribed on the same connection.
    pub fn follow(&mut self, markets: Markets, time: i64) {
        let edition = self.feed.follow(markets.clone(), time);
        self.wanted.send_replace(Wanted { markets, edition });
    }

    /// Waits until something happens and takes all that has happened, up to a bound; adds its facts and the state
    /// behind them to the outbox. Given up while it waits, it has taken nothing.
    pub async fn read(&mut self, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut next = Some(self.events.recv().await.ok_or(SourceError::Ended)?);
        let mut taken = Taken::default();
        while let Some(event) = next {
            if let Event::Frame { bytes, .. } = &event {
                taken.lines += 1;
                taken.bytes += bytes.len() as u64;
            }
            self.feed.take(&event, out);
            next = if taken.bytes < CHUNK_BYTES { self.events.try_recv().ok() } else { None };
        }
        self.feed.write_state(out);
        Ok(taken)
    }
}

impl Drop for PublicFeed {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

#[cfg(test)]
mod tests;
