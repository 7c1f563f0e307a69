//! Which market a log belongs to: written by the first parser, refused to parsers of another one, and told by the API
//! with every reply.

use std::sync::Arc;
use std::time::Duration;

use schemas::{MarketMark, Outbox, topics};
use tracing::info;

use super::{Shared, state};
use crate::data_dir::Market;
use crate::failure::Failure;
use crate::log::Log;

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Marks the log as this market's, or finds that it is.
pub fn mark(shared: &Shared, market: Market) -> Result<(), Failure> {
    loop {
        if let Some(found) = found(shared.log.as_ref())? {
            return if found == market { Ok(()) } else { Err(mixed(found, market)) };
        }
        match write(shared, market) {
            // Written by us or by another parser at the same time: it is looked at once more.
            Ok(()) | Err(Failure::Again { .. }) if !shared.stop.asked() => {}
            outcome => return outcome,
        }
    }
}

/// Writes the mark where there is none: with a writer that shuts all others out before it looks.
fn write(shared: &Shared, market: Market) -> Result<(), Failure> {
    let mut writer = Arc::clone(&shared.log).writer("parser.market.0")?;
    if found(shared.log.as_ref())?.is_some() {
        return Ok(());
    }
    let mut out = Outbox::new(shared.log.generation());
    MarketMark { simulated: market == Market::Simulated }.append_to(out.batch(&topics::STATE_PARSER, 0));
    Ok(writer.commit(&out)?)
}

/// Waits until a parser has said which market it is; nothing, when the end is asked for before.
pub fn wait_for(shared: &Shared) -> Result<Option<Market>, Failure> {
    let mut said = false;
    while !shared.stop.asked() {
        if let Some(market) = found(shared.log.as_ref())? {
            return Ok(Some(market));
        }
        if !said {
            said = true;
            info!("no parser has begun yet: waiting for one");
        }
        shared.stop.rest(LOOK_AGAIN);
    }
    Ok(None)
}

/// Which market the log is marked with.
pub fn found(log: &dyn Log) -> Result<Option<Market>, Failure> {
    let mark: Option<MarketMark> =
        state::read(log, &topics::STATE_PARSER, 0, MarketMark::KEY, "the mark of the log's market")?;
    Ok(mark.map(|mark| if mark.simulated { Market::Simulated } else { Market::Mainnet }))
}

fn mixed(found: Market, market: Market) -> Failure {
    Failure::stop(format!(
        "this log holds the {} market, not the {} one: use another cluster or data directory",
        found.name(),
        market.name()
    ))
}
