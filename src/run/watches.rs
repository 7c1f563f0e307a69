//! What somebody wants to have watched → the topic `whale-watches`, from which every computer hears of it.

use std::sync::Arc;

use ::computer::BESIDE_MS;
use api::{Live, Watched};
use schemas::{GENERATION, Message, Outbox, WhaleWatch, topics};
use tracing::warn;

use super::{Shared, now_ms, state};
use crate::failure::Failure;

/// A computer applies it when its clock has come so much further: by then it has it, also when it is read again, and
/// all computers do at the same clock.
const TAKES_EFFECT_MS: i64 = 500;
/// Another process may be writing its own at the same time.
const TRIES: usize = 5;

/// Begins or ends a watch.
pub fn write(shared: &Shared, live: &Live, watch: &WhaleWatch) -> Watched {
    let mut outcome = try_to_write(shared, live, watch);
    for _ in 1..TRIES {
        match outcome {
            Err(Failure::Again { .. }) => outcome = try_to_write(shared, live, watch),
            _ => break,
        }
    }
    outcome.unwrap_or_else(|failure| {
        warn!("a watch was not written: {}", failure.chain());
        Watched::Refused
    })
}

/// With a writer that shuts all others out before it looks.
fn try_to_write(shared: &Shared, live: &Live, watch: &WhaleWatch) -> Result<Watched, Failure> {
    let partition = watch.partition(GENERATION.partitions);
    let mut writer = Arc::clone(&shared.log).writer(&format!("api.watches.{partition}"))?;
    if watch.removed && !is_watched(shared, partition, watch)? {
        return Ok(Watched::NotThere);
    }
    let now = live.head().map_or_else(now_ms, |clock| clock.time);
    let watch = WhaleWatch { time: now - BESIDE_MS + TAKES_EFFECT_MS, ..watch.clone() };
    let mut out = Outbox::new(shared.log.generation());
    out.send(&watch);
    writer.commit(&out)?;
    Ok(Watched::Written(watch))
}

fn is_watched(shared: &Shared, partition: u32, watch: &WhaleWatch) -> Result<bool, Failure> {
    let mut key = Vec::new();
    watch.write_key(&mut key);
    let last: Option<WhaleWatch> =
        state::read(shared.log.as_ref(), &topics::WHALE_WATCHES, partition, &key, "a watch")?;
    Ok(last.is_some_and(|last| !last.removed))
}
