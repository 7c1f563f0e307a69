//! The info endpoint's metadata → `markets`, whatever changed of it, and what was published last, in one commit.

use std::collections::BTreeMap;
use std::time::Duration;

use parser::{InfoClient, InfoError, dead_letter};
use schemas::{Market, Message as _, Outbox, topics};
use tracing::{info, warn};

use super::{Shared, now_ms};
use crate::failure::Failure;

/// A new listing is known after at most this long.
const EVERY: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(2);

pub async fn run(shared: &Shared, url: &str) -> Result<(), Failure> {
    let client = InfoClient::new(url).map_err(|error| Failure::because(error.to_string(), error))?;
    let mut published = BTreeMap::new();
    shared.log.last_values(&topics::STATE_PARSER_META, 0, |_, value| {
        if let Ok(market) = serde_json::from_slice::<Market>(value) {
            published.insert(market.coin.clone(), market);
        }
    })?;
    let mut failures = 0_u32;
    while !shared.stop.asked() {
        let answer = tokio::select! {
            answer = client.markets(now_ms()) => answer,
            () = shared.stop.wait() => return Ok(()),
        };
        let rest = match answer {
            Ok(markets) => {
                publish(shared, markets, &mut published)?;
                failures = 0;
                EVERY
            }
            Err(error) => {
                set_aside(shared, &error)?;
                if failures == 0 {
                    warn!(
                        "no metadata of the markets: {}: trying again",
                        Failure::because(error.to_string(), error).chain()
                    );
                }
                failures += 1;
                RETRY.saturating_mul(failures).min(EVERY)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = shared.stop.wait() => {}
        }
    }
    Ok(())
}

fn publish(
    shared: &Shared,
    markets: Vec<Market>,
    published: &mut BTreeMap<schemas::Coin, Market>,
) -> Result<(), Failure> {
    let mut out = Outbox::new(shared.log.generation());
    for market in markets {
        let before = published.get(&market.coin);
        // The time says when these terms were first seen: it is no news by itself.
        if before.is_some_and(|before| Market { time: before.time, ..market.clone() } == *before) {
            continue;
        }
        out.send(&market);
        market.append_to(out.batch(&topics::STATE_PARSER_META, 0), &[]);
        published.insert(market.coin.clone(), market);
    }
    if out.records() > 0 {
        shared.log.commit("parser/meta", &out)?;
        info!("{} markets are known", published.len());
    }
    Ok(())
}

fn set_aside(shared: &Shared, error: &InfoError) -> Result<(), Failure> {
    let InfoError::Reply { reject, bytes } = error else { return Ok(()) };
    let mut out = Outbox::new(shared.log.generation());
    out.send(&dead_letter("meta", "reply", bytes, reject, now_ms()));
    Ok(shared.log.commit("parser/meta", &out)?)
}
