//! The info endpoint's metadata → `markets`, whatever changed of it, and what was published last, in one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parser::{InfoClient, InfoError, dead_letter};
use schemas::{Coin, Market, Message as _, Outbox, topics};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::tasks::{self, Lease};
use super::{PATIENCE, Shared, now_ms};
use crate::failure::Failure;
use crate::log::Writer;

pub const STAGE: &str = "parser.meta";
/// A new listing is known after at most this long.
const EVERY: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(2);

pub fn run(shared: &Shared, url: &str, runtime: &Handle) -> Result<(), Failure> {
    tasks::keep(shared, STAGE, &topics::STATE_PARSER_META, |shared, _, lease| {
        runtime.block_on(task(shared, url, lease))
    })
}

async fn task(shared: &Shared, url: &str, lease: &Lease) -> Result<(), Failure> {
    let client = InfoClient::new(url).map_err(|error| Failure::because(error.to_string(), error))?;
    let mut publisher = Publisher::begin(shared)?;
    let mut failures = 0_u32;
    while !shared.stop.asked() && !lease.is_over() {
        let answer = tokio::select! {
            answer = client.markets(now_ms()) => answer,
            () = shared.stop.wait() => return Ok(()),
        };
        let rest = match answer {
            Ok(markets) => {
                publisher.publish(markets)?;
                failures = 0;
                EVERY
            }
            Err(error) => {
                publisher.set_aside(&error)?;
                if failures == 0 {
                    let chain = Failure::because(error.to_string(), error).chain();
                    warn!("no metadata of the markets: {chain}: trying again");
                }
                failures += 1;
                RETRY.saturating_mul(failures).min(EVERY)
            }
        };
        rest_for(rest, shared, lease).await;
    }
    Ok(())
}

/// Rests, but not when it is over.
async fn rest_for(rest: Duration, shared: &Shared, lease: &Lease) {
    let until = tokio::time::Instant::now() + rest;
    while tokio::time::Instant::now() < until && !lease.is_over() {
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => {}
            () = shared.stop.wait() => return,
        }
    }
}

/// Says what has changed of the markets' terms.
struct Publisher {
    writer: Box<dyn Writer>,
    out: Outbox,
    published: BTreeMap<Coin, Market>,
}

impl Publisher {
    fn begin(shared: &Shared) -> Result<Self, Failure> {
        let log = &shared.log;
        let writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
        let mut published = BTreeMap::new();
        log.last_values(&topics::STATE_PARSER_META, 0, &mut |_, value| {
            if let Ok(market) = serde_json::from_slice::<Market>(value) {
                published.insert(market.coin.clone(), market);
            }
        })?;
        Ok(Self { writer, out: Outbox::new(log.generation()), published })
    }

    fn publish(&mut self, markets: Vec<Market>) -> Result<(), Failure> {
        for market in markets {
            let before = self.published.get(&market.coin);
            // The time says when these terms were first seen: it is no news by itself.
            if before.is_some_and(|before| Market { time: before.time, ..market.clone() } == *before) {
                continue;
            }
            self.out.send(&market);
            market.append_to(self.out.batch(&topics::STATE_PARSER_META, 0), &[]);
            self.published.insert(market.coin.clone(), market);
        }
        if self.out.records() > 0 {
            info!("{} markets are known", self.published.len());
        }
        self.commit()
    }

    fn set_aside(&mut self, error: &InfoError) -> Result<(), Failure> {
        let InfoError::Reply { reject, bytes } = error else { return Ok(()) };
        self.out.send(&dead_letter("meta", "reply", bytes, reject, now_ms()));
        self.commit()
    }

    fn commit(&mut self) -> Result<(), Failure> {
        if self.out.records() > 0 {
            self.writer.commit(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }
}
