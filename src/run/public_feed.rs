//! The public WebSocket → `raw.public-feed`, `trades`, `asset-contexts`, `feed-status`, and the state behind them, in
//! one commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parser::{InfoClient, Markets, Patience, PublicFeed, SourceError};
use schemas::{Outbox, topics};
use tokio::runtime::Handle;
use tracing::warn;

use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, now_ms};
use crate::failure::Failure;

pub const STAGE: &str = "parser.public-feed";
const RETRY: Duration = Duration::from_secs(2);
/// A new listing is followed after at most this long; one that is noticed on the feed, sooner.
const METADATA_EVERY: Duration = Duration::from_secs(60);
const METADATA_SOON: Duration = Duration::from_secs(5);

/// Where the exchange is asked and heard.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub info: String,
    pub feed: String,
}

pub fn run(shared: &Shared, exchange: &Exchange, runtime: &Handle) -> Result<(), Failure> {
    shared.stats.feed.is_followed.store(true, Ordering::Relaxed);
    tasks::keep(shared, STAGE, &topics::STATE_PARSER_PUBLIC_FEED, |shared, _, lease| {
        runtime.block_on(task(shared, exchange, lease))
    })
}

async fn task(shared: &Shared, exchange: &Exchange, lease: &Lease) -> Result<(), Failure> {
    let log = &shared.log;
    let client = InfoClient::new(&exchange.info).map_err(|error| Failure::because(error.to_string(), error))?;
    let Some(markets) = first_metadata(shared, &client, lease).await else { return Ok(()) };
    // First the writer: when it has begun, nobody else can change the state that is read next.
    let mut writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
    let mut state = Vec::new();
    let topic = &topics::STATE_PARSER_PUBLIC_FEED;
    log.last_values(topic, 0, &mut |key, value| state.push((key.to_vec(), value.to_vec())))?;
    let generation = log.generation().number;
    let patience = Patience::default();
    let mut feed = PublicFeed::open(&exchange.feed, markets, state, generation, patience, now_ms).map_err(stopped)?;
    let (mut out, mut asked) = (Outbox::new(log.generation()), Instant::now());
    while !shared.stop.asked() && !lease.is_over() {
        let patience = if feed.wants_metadata() { METADATA_SOON } else { METADATA_EVERY };
        if asked.elapsed() > patience {
            asked = Instant::now();
            follow(&mut feed, &client).await;
        }
        let taken = tokio::select! {
            taken = feed.read(&mut out) => taken.map_err(stopped)?,
            () = tokio::time::sleep(PATIENCE) => continue,
        };
        if out.records() > 0 {
            writer.commit(&out)?;
        }
        shared.stats.feed.show(feed.cursor(), taken.bytes);
        out.clear();
    }
    Ok(())
}

/// Which markets there are; nothing, when the end comes before that is known.
async fn first_metadata(shared: &Shared, client: &InfoClient, lease: &Lease) -> Option<Markets> {
    let mut said = false;
    while !shared.stop.asked() && !lease.is_over() {
        match client.markets(now_ms()).await {
            Ok(markets) => return Some(Markets::all(&markets)),
            Err(error) if !said => {
                said = true;
                let chain = Failure::because(error.to_string(), error).chain();
                warn!("the public feed waits for the metadata of the markets: {chain}");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = shared.stop.wait() => {}
        }
    }
    None
}

/// The role that polls metadata says what is wrong with it.
async fn follow(feed: &mut PublicFeed, client: &InfoClient) {
    if let Ok(markets) = client.markets(now_ms()).await {
        feed.follow(Markets::all(&markets), now_ms());
    }
}

fn stopped(error: SourceError) -> Failure {
    Failure::because(error.to_string(), error)
}
