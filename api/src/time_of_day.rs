//! What time it is, for whoever tells how old something is.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
