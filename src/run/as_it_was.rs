//! What the log keeps → how a coin stood at a moment, for whoever asks the API: one at a time, and the last few are remembered,
//! so that pages of the same moment are computed once.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use api::{AsItWas, NotKnown};
use schemas::{Amount, AssetContext, Topic, partition_of, topics};
use tracing::warn;

use super::Shared;
use crate::failure::Failure;
use crate::log::{Log, LogError, Start, read_to_the_end};
use crate::replay::as_it_was;

/// Computes what is asked for.
pub struct Desk {
    shared: Shared,
    /// Held by the one who computes.
    computing: Mutex<()>,
    known: Mutex<VecDeque<(Asked, Arc<AsItWas>)>>,
}

/// Topic, coin and time.
type Asked = (&'static str, String, i64);

/// More facts than this take longer than a client waits.
const MOST_RECORDS: u64 = 1_000_000;
const REMEMBERED: usize = 4;
/// Contexts come every few seconds; a mark from before that says nothing of the moment.
const MARK_MS: i64 = 60_000;

impl Desk {
    pub fn new(shared: &Shared) -> Self {
        Self { shared: shared.clone(), computing: Mutex::default(), known: Mutex::default() }
    }

    pub fn ask(&self, topic: &'static Topic, coin: &str, time: i64) -> Result<Arc<AsItWas>, NotKnown> {
        let asked = (topic.name, coin.to_owned(), time);
        if let Some(known) = self.known(&asked) {
            return Ok(known);
        }
        let _computing = match self.computing.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(NotKnown::Busy),
        };
        let was = Arc::new(self.compute(topic, coin, time).map_err(refused)?);
        let mut known = self.remembered();
        known.push_back((asked, Arc::clone(&was)));
        while known.len() > REMEMBERED {
            known.pop_front();
        }
        Ok(was)
    }

    fn compute(&self, topic: &'static Topic, coin: &str, time: i64) -> Result<AsItWas, Failure> {
        let Shared { log, rules, .. } = &self.shared;
        let was = as_it_was(log, rules, (topic, Some(coin)), &time.to_string(), MOST_RECORDS)?;
        let values = was.values.into_iter().map(|(_, value)| value).collect();
        let mark = mark(log, coin, was.clock.time)?;
        Ok(AsItWas { values, clock: was.clock, snapshot: was.began_with, records: was.records, mark })
    }

    fn known(&self, asked: &Asked) -> Option<Arc<AsItWas>> {
        self.remembered().iter().find(|(known, _)| known == asked).map(|(_, was)| Arc::clone(was))
    }

    /// Nothing can fail half-way while it is held.
    fn remembered(&self) -> MutexGuard<'_, VecDeque<(Asked, Arc<AsItWas>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last one that had been received by then.
fn mark(log: &Arc<dyn Log>, coin: &str, time: i64) -> Result<Option<(Amount, i64)>, Failure> {
    let topic = &topics::ASSET_CONTEXTS;
    let partition = partition_of(coin.as_bytes(), log.generation().partitions);
    let from = Some(Arc::clone(log).offset_at(topic, partition, time - MARK_MS)?);
    let mut mark = None;
    read_to_the_end::<LogError>(log, Start { topic, partition, from }, |_, record| {
        if record.time <= time && record.key == coin.as_bytes() {
            let context: Option<AssetContext> = serde_json::from_slice(record.value.unwrap_or_default()).ok();
            mark = context.map(|context| (context.mark_px, context.time)).or(mark);
        }
        Ok(record.time <= time + MARK_MS)
    })?;
    Ok(mark)
}

fn refused(failure: Failure) -> NotKnown {
    match failure {
        Failure::Stop { what, cause: None } => NotKnown::Then(what),
        Failure::Usage(what) => NotKnown::Then(what),
        Failure::Stop { cause: Some(cause), .. } if is_gone(cause.as_ref()) => {
            NotKnown::Then("what that takes went while it was read: it is kept no more".to_owned())
        }
        failure => {
            warn!("a moment could not be computed once more: {}", failure.chain());
            NotKnown::Failed
        }
    }
}

fn is_gone(cause: &(dyn Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(LogError::OutOfRange { .. }))
}
