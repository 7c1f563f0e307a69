//! How a replay ended, as its last line and its last frame say it.

use serde::Serialize;

use super::stretch::Stretch;
use crate::openapi::form::{Field, Form};
use crate::past::Unread;

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ended {
    from: i64,
    to: i64,
    rows: u64,
    complete: bool,
    reason: &'static str,
}

/// Why it ended. With the first one all was told that there is.
const REASONS: [&str; 5] = ["complete", "not_retained", "log_unreachable", "server_stops", "key_revoked"];

pub(crate) const ENDINGS: [Field; 5] = [
    ("from", Form::Integer),
    ("to", Form::Integer),
    ("rows", Form::Integer),
    ("complete", Form::Boolean),
    ("reason", Form::Words(&REASONS)),
];

impl Ended {
    /// When nothing followed, after so many rows.
    pub(crate) fn of(stretch: Stretch, rows: u64, read: Result<(), Unread>) -> Self {
        let reason = match read {
            Ok(()) => "complete",
            Err(Unread::Gone) => "not_retained",
            Err(Unread::Failed) => "log_unreachable",
        };
        Self { from: stretch.from, to: stretch.to, rows, complete: read.is_ok(), reason }
    }

    pub(crate) fn by_the_server(stretch: Stretch, rows: u64) -> Self {
        Self { reason: "server_stops", complete: false, ..Self::of(stretch, rows, Ok(())) }
    }

    pub(crate) fn by_its_key(stretch: Stretch, rows: u64) -> Self {
        Self { reason: "key_revoked", ..Self::by_the_server(stretch, rows) }
    }
}
