//! A state record of the log → what it says.

use schemas::Topic;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::log::Log;

/// Nothing, when there is none. `what` is what it is, for people.
pub fn read<T: DeserializeOwned>(
    log: &dyn Log,
    topic: &'static Topic,
    partition: u32,
    key: &[u8],
    what: &str,
) -> Result<Option<T>, Failure> {
    let Some(bytes) = log.last_value(topic, partition, key)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|cause| {
        let why = format!("{what} cannot be read: if a later version wrote this log, go on with that one");
        Failure::because(why, cause)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use schemas::{Checkpoint, Cursor, GENERATION, Outbox, topics};

    use crate::log::Log;
    use crate::log::embedded::Embedded;
    use crate::run::{computer, parser};

    #[test]
    fn what_cannot_be_read_is_said_and_never_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let log: Arc<dyn Log> = Arc::new(Embedded::open(folder.path(), GENERATION).unwrap());
        assert_eq!(parser::cursor(log.as_ref()).unwrap(), Cursor::default());
        let mut out = Outbox::new(GENERATION);
        for (topic, partition, key) in
            [(&topics::STATE_PARSER_NODE_FILLS, 0, Cursor::KEY), (&topics::STATE_COIN, 2, Checkpoint::KEY)]
        {
            out.batch(topic, partition).push(0, key, Some(b"of a later version"), &[]);
        }
        Arc::clone(&log).writer("test").unwrap().commit(&out).unwrap();
        let cursor = parser::cursor(log.as_ref()).unwrap_err().to_string();
        assert!(cursor.starts_with("the cursor of the node's files cannot be read: if a later version"), "{cursor}");
        let checkpoint = computer::checkpoint(log.as_ref(), &computer::COIN, 2).unwrap_err().to_string();
        assert!(checkpoint.starts_with("the checkpoint of coin/2 cannot be read"), "{checkpoint}");
        assert_eq!(computer::checkpoint(log.as_ref(), &computer::COIN, 1).unwrap(), Checkpoint::default());
    }
}
