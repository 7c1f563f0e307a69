//! The info endpoint's metadata → `markets`, whatever changed of it, and what was published last, in one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parser::{InfoClient, InfoError, dead_letter};
use schemas::{Coin, Market, Message as _, Outbox, topics};
use tracing::{info, warn};

use super::tasks::Lease;
use super::{PATIENCE, Shared, now_ms};
use crate::failure::Failure;
use crate::log::{Log, Writer};

const STAGE: &str = "parser.meta";
/// A new listing is known after at most this long.
const EVERY: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(2);

pub async fn poll(shared: &Shared, client: &InfoClient, lease: &Lease) -> Result<(), Failure> {
    let mut publisher = Publisher::begin(shared)?;
    let mut failures = 0_u32;
    while !shared.stop.asked() && !lease.is_over() {
        let answer = tokio::select! {
            answer = client.markets(now_ms()) => answer,
            () = over(shared, lease) => return Ok(()),
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

/// Every market that is listed, on its terms, dex by dex in the exchange's order.
pub fn published(log: &dyn Log) -> Result<Vec<Market>, Failure> {
    let Published { mut terms, listings } = Published::read(log)?;
    let coins = listings.values().flatten();
    Ok(coins.filter_map(|coin| terms.remove(coin)).collect())
}

/// What the state holds: the terms of each coin, and each dex's coins in the order in which the exchange lists them.
/// Contexts come in that order and without a name.
#[derive(Default)]
struct Published {
    terms: BTreeMap<Coin, Market>,
    listings: BTreeMap<String, Vec<Coin>>,
}

const LISTING: &str = "dex|";

impl Published {
    fn read(log: &dyn Log) -> Result<Self, Failure> {
        let mut published = Self::default();
        log.last_values(&topics::STATE_PARSER_META, 0, &mut |key, value| match std::str::from_utf8(key)
            .ok()
            .and_then(|key| key.strip_prefix(LISTING))
        {
            Some(dex) => {
                drop(published.listings.insert(dex.to_owned(), serde_json::from_slice(value).unwrap_or_default()))
            }
            None => published.terms.extend(serde_json::from_slice(value).ok().map(|it: Market| (it.coin.clone(), it))),
        })?;
        Ok(published)
    }
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

    fn publish(&mut self, markets: Vec<Market>) -> Result<(), Failure> {
        let mut listings = BTreeMap::<String, Vec<Coin>>::new();
        for market in markets {
            listings.entry(market.dex.clone()).or_default().push(market.coin.clone());
            let before = self.published.terms.get(&market.coin);
            // The time says when these terms were first seen: it is no news by itself.
            if before.is_some_and(|before| Market { time: before.time, ..market.clone() } == *before) {
                continue;
            }
            self.out.send(&market);
            market.append_to(self.out.batch(&topics::STATE_PARSER_META, 0), &[]);
            self.published.terms.insert(market.coin.clone(), market);
        }
        self.list(listings);
        if self.out.records() > 0 {
            info!("{} markets are known", self.published.terms.len());
        }
        self.commit()
    }

    fn list(&mut self, listings: BTreeMap<String, Vec<Coin>>) {
        for (dex, coins) in &listings {
            if self.published.listings.get(dex) != Some(coins)
                && let Ok(value) = serde_json::to_vec(coins)
            {
                let key = format!("{LISTING}{dex}");
                self.out.batch(&topics::STATE_PARSER_META, 0).push(now_ms(), key.as_bytes(), Some(&value), &[]);
            }
        }
        for dex in self.published.listings.keys().filter(|dex| !listings.contains_key(*dex)) {
            let key = format!("{LISTING}{dex}");
            self.out.batch(&topics::STATE_PARSER_META, 0).push(now_ms(), key.as_bytes(), None, &[]);
        }
        self.published.listings = listings;
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
