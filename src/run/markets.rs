//! The info endpoint's metadata → `markets`, whatever changed of it, and what was published last, in one commit.

use std::sync::Arc;
use std::time::Duration;

use parser::{InfoClient, InfoError, dead_letter};
use schemas::{Coin, Market, Message as _, Outbox, topics};
use tracing::{info, warn};

use super::listing::{self, Published};
use super::tasks::Lease;
use super::{PATIENCE, Shared, now_ms};
use crate::failure::Failure;
use crate::log::Writer;

const STAGE: &str = "parser.meta";
/// A new listing is known after at most this long.
const EVERY: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(2);

/// Of spot only the names, and those only where they are wanted.
pub async fn poll(shared: &Shared, client: &InfoClient, wants_spot: bool, lease: &Lease) -> Result<(), Failure> {
    let mut publisher = Publisher::begin(shared)?;
    let mut failures = 0_u32;
    while !shared.stop.asked() && !lease.is_over() {
        let answer = tokio::select! {
            answer = ask(client, wants_spot) => answer,
            () = over(shared, lease) => return Ok(()),
        };
        let rest = match answer {
            Ok((markets, spot)) => {
                publisher.publish(markets, spot)?;
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

async fn ask(client: &InfoClient, wants_spot: bool) -> Result<(Vec<Market>, Option<Vec<Coin>>), InfoError> {
    let markets = client.markets(now_ms()).await?;
    let spot = if wants_spot { Some(client.spot_pairs().await?) } else { None };
    Ok((markets, spot))
}

/// Rests, but not when it is over.
async fn rest_for(rest: Duration, shared: &Shared, lease: &Lease) {
    tokio::select! {
        () = tokio::time::sleep(rest) => {}
        () = over(shared, lease) => {}
    }
}

async fn over(shared: &Shared, lease: &Lease) {
    while !shared.stop.asked() && !lease.is_over() {
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Says what has changed of the markets' terms.
struct Publisher {
    writer: Box<dyn Writer>,
    out: Outbox,
    published: Published,
}

impl Publisher {
    fn begin(shared: &Shared) -> Result<Self, Failure> {
        let log = &shared.log;
        let writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
        let published = Published::read(log.as_ref())?;
        Ok(Self { writer, out: Outbox::new(log.generation()), published })
    }

    fn publish(&mut self, markets: Vec<Market>, spot: Option<Vec<Coin>>) -> Result<(), Failure> {
        let listings = listing::of(&markets, spot);
        for market in markets {
            let before = self.published.terms.get(&market.coin);
            // The time says when these terms were first seen: it is no news by itself.
            if before.is_some_and(|before| Market { time: before.time, ..market.clone() } == *before) {
                continue;
            }
            self.out.send(&market);
            market.append_to(self.out.batch(&topics::STATE_PARSER_META, 0), &[]);
            self.published.terms.insert(market.coin.clone(), market);
        }
        self.published.list(listings, &mut self.out);
        if self.out.records() > 0 {
            info!("{} markets are known", self.published.terms.len());
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
