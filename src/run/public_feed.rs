//! The public WebSocket → `raw.public-feed`, `trades`, `asset-contexts`, `feed-status`, and the state behind them, in
//! one commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use parser::{FeedCursor, Markets, Patience, PublicFeed, RunRecord};
use schemas::{Outbox, topics};
use tokio::runtime::Handle;
use tracing::info;

use super::listing::Published;
use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, now_ms};
use crate::failure::Failure;
use crate::stats;

pub const STAGE: &str = "parser.public-feed";
const NAME: &str = "public-feed";
const RETRY: Duration = Duration::from_millis(250);
/// A new listing is followed after at most this long; one that is noticed on the feed, sooner.
const METADATA_EVERY: Duration = Duration::from_secs(60);
const METADATA_SOON: Duration = Duration::from_secs(5);

/// Where the exchange is asked and heard.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub info: String,
    /// A node of ours answers some questions, as many as are asked.
    pub node_info: Option<String>,
    pub feed: String,
    /// Whether spot pairs are followed too.
    pub wants_spot: bool,
}

pub fn run(shared: &Shared, exchange: &Exchange, runtime: &Handle) -> Result<(), Failure> {
    shared.stats.feed.is_followed.store(true, Ordering::Relaxed);
    show(shared, &FeedCursor::default(), 0);
    tasks::keep(shared, STAGE, &topics::STATE_PARSER_PUBLIC_FEED, |shared, _, lease| {
        runtime.block_on(task(shared, exchange, lease))
    })
}

async fn task(shared: &Shared, exchange: &Exchange, lease: &Lease) -> Result<(), Failure> {
    let log = &shared.log;
    let Some(markets) = first_markets(shared, lease)? else { return Ok(()) };
    // First the writer: when it has begun, nobody else can change the state that is read next.
    let mut writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
    let mut state = Vec::new();
    let topic = &topics::STATE_PARSER_PUBLIC_FEED;
    log.last_values(topic, 0, &mut |key, value| state.push((key.to_vec(), value.to_vec())))?;
    let generation = log.generation().number;
    let patience = Patience::default();
    let mut feed = PublicFeed::open(&exchange.feed, markets, state, generation, patience, now_ms)?;
    let (mut out, mut asked) = (Outbox::new(log.generation()), Instant::now());
    let mut run = RunRecord::begin(NAME, &exchange.feed, now_ms());
    while !shared.stop.asked() && !lease.is_over() {
        let patience = if feed.wants_metadata() { METADATA_SOON } else { METADATA_EVERY };
        if asked.elapsed() > patience {
            asked = Instant::now();
            if let Some(markets) = Published::read(log.as_ref())?.markets() {
                feed.follow(markets, now_ms());
            }
        }
        let before = feed.cursor().counts();
        let taken = tokio::select! {
            taken = feed.read(&mut out) => taken?,
            () = tokio::time::sleep(PATIENCE) => continue,
        };
        let (cursor, now) = (feed.cursor(), now_ms());
        run.count(taken.lines, taken.bytes, &before, &cursor.counts(), now);
        run.say(format!("{} connections", cursor.connection), now, &mut out);
        if out.records() > 0 {
            writer.commit(&out)?;
            stats::committed(NAME, &out);
        }
        show(shared, feed.cursor(), taken.bytes);
        out.clear();
    }
    run.end(format!("{} connections", feed.cursor().connection), now_ms(), &mut out);
    tasks::say_last(writer.as_mut(), &out)
}

/// Which markets there are; nothing, when the end comes before that is known. The role that asks the exchange says
/// what is wrong with it.
fn first_markets(shared: &Shared, lease: &Lease) -> Result<Option<Markets>, Failure> {
    let mut said = false;
    while !shared.stop.asked() && !lease.is_over() {
        if let Some(markets) = Published::read(shared.log.as_ref())?.markets() {
            return Ok(Some(markets));
        }
        if !said {
            said = true;
            info!("the public feed waits for the metadata of the markets");
        }
        shared.stop.rest(RETRY);
    }
    Ok(None)
}

/// What the cursor has counted, as metrics; and what tells whether it is heard.
fn show(shared: &Shared, cursor: &FeedCursor, bytes: u64) {
    let feed = &shared.stats.feed;
    feed.connected.store(cursor.connected, Ordering::Relaxed);
    feed.last_frame_time.store(cursor.last_frame_time, Ordering::Relaxed);
    gauge!("fathom_feed_connected", "source" => NAME).set(u8::from(cursor.connected));
    gauge!("fathom_feed_last_frame_timestamp_seconds", "source" => NAME).set(cursor.last_frame_time as f64 / 1_000.0);
    counter!("fathom_feed_bytes_total", "source" => NAME).increment(bytes);
    counter!("fathom_feed_trades_total", "source" => NAME).absolute(cursor.trades);
    counter!("fathom_feed_contexts_total", "source" => NAME).absolute(cursor.contexts);
    counter!("fathom_feed_duplicates_total", "source" => NAME).absolute(cursor.duplicates);
    counter!("fathom_feed_gaps_total", "source" => NAME).absolute(cursor.gaps);
    counter!("fathom_feed_connections_total", "source" => NAME).absolute(cursor.connection);
}
