//! `as_of=`: how something stood at a moment, computed once more from the log by whoever runs the API → rows of the same form
//! as those of the present.

use std::sync::Arc;

use schemas::{Amount, ResultClock, Topic};
use tokio::task::spawn_blocking;

use crate::Context;
use crate::error::ApiError;

/// Tells of a topic and a coin how everything stood at a time.
pub type AskAsItWas = dyn Fn(&'static Topic, &str, i64) -> Result<Arc<AsItWas>, NotKnown> + Send + Sync;

/// What was known when everything up to its clock had happened.
pub struct AsItWas {
    /// The last value of each key, in the order of the keys.
    pub values: Vec<Vec<u8>>,
    pub clock: ResultClock,
    /// The clock of the snapshot it was computed from; nothing where that were the first records there ever were.
    pub snapshot: Option<i64>,
    /// How many facts were read from there on.
    pub records: u64,
    /// The mark there was, and when it was received.
    pub mark: Option<(Amount, i64)>,
}

/// Why it could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotKnown {
    /// Of that moment, in words.
    Then(String),
    /// Another one is being computed.
    Busy,
    /// The log does not answer. Whoever reads has said why.
    Failed,
}

/// Waits for it where waiting keeps nobody else from anything.
pub(crate) async fn ask(
    context: &Context,
    topic: &'static Topic,
    coin: &str,
    time: i64,
) -> Result<Arc<AsItWas>, ApiError> {
    // So long before everything that has come in, as elsewhere.
    let time = if time < 0 { context.live.watermark().ok_or(ApiError::NotReady)? + time } else { time };
    let (ask, coin) = (Arc::clone(&context.as_it_was), coin.to_owned());
    let asked = spawn_blocking(move || ask(topic, &coin, time)).await;
    asked.map_err(|_| ApiError::Panicked)?.map_err(|unknown| match unknown {
        NotKnown::Then(said) => ApiError::NotKnownThen { said },
        NotKnown::Busy => ApiError::BusyWithThePast,
        NotKnown::Failed => ApiError::LogUnread,
    })
}
