//! What happens on the connection of a stream, in order.

use std::ops::Range;

use schemas::SourceStatus;
use tokio::sync::OwnedSemaphorePermit;

use crate::dead_letter::Reject;

#[derive(Debug)]
pub enum Event {
    Opened,
    /// A frame, and where in it lines are. Whoever drops it makes room for others.
    Lines {
        bytes: Vec<u8>,
        lines: Vec<Range<usize>>,
        room: Option<OwnedSemaphorePermit>,
    },
    /// One that cannot be understood.
    Odd {
        bytes: Vec<u8>,
        reject: Reject,
        room: Option<OwnedSemaphorePermit>,
    },
    Lost {
        status: SourceStatus,
        reason: String,
    },
}
