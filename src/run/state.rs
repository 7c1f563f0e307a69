//! A state record of the log → what it says.

use schemas::Topic;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::log::Log;

/// Nothing, when there is none. `what` is what it is, for people.
pub fn read<T: DeserializeOwned>(
    log: &dyn Log,
    topic: &'static Topic,
    key: &[u8],
    what: &str,
) -> Result<Option<T>, Failure> {
    let Some(bytes) = log.last_value(topic, 0, key)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|cause| {
        let why = format!("{what} cannot be read: if a later version wrote this log, go on with that one");
        Failure::because(why, cause)
    })
}
