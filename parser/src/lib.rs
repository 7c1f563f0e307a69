//! BYTES → FACTS: sources, and the pure functions that understand what they give. What cannot be understood becomes
//! a dead letter with its exact bytes; the stream goes on.

mod dead_letter;
mod fill_stream;
mod info;
mod ledger;
mod misc_events;
mod node;
mod public_feed;
mod raw_frame;
mod redrive;
mod run_record;
mod source_error;
mod web_socket;

pub use dead_letter::{Reject, bytes_of, dead_letter};
pub use fill_stream::{FillStream, StreamConfig, StreamConfigError};
pub use info::{Budget, InfoClient, InfoError, InfoSource, InfoStatus, parse_meta};
pub use ledger::LedgerId;
pub use misc_events::{EventImport, EventProgress, Made, MiscCursor, MiscEvents};
pub use node::{
    Census, Contents, FoundLine, Import, Layout, Line, NodeFiles, Places, Progress, Taken, find_missing, look_into,
    take_line,
};
pub use public_feed::{FeedCursor, Follow, Markets, Patience, PublicFeed, parse_spot_meta};
pub use redrive::{Became, Filed, Outcome, Redrive};
pub use run_record::RunRecord;
pub use source_error::SourceError;

use schemas::{NODE_FILLS, Topic, topics};

/// A way into the market: where its frames are kept, and where its cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub name: &'static str,
    pub state: &'static Topic,
    pub about: &'static str,
}

/// Every source there is.
pub fn sources() -> [Source; 6] {
    [
        Source {
            name: NODE_FILLS,
            state: &topics::STATE_PARSER_NODE_FILLS,
            about: "hourly `node_fills_by_block` files that a Hyperliquid node writes: every fill, blocks numbered without holes",
        },
        Source {
            name: "fill-stream",
            state: &topics::STATE_PARSER_NODE_FILLS,
            about: "somebody's stream of a node's fills over WebSocket, as a file describes it (`--stream`); read as one more node",
        },
        Source {
            name: "misc-events",
            state: &topics::STATE_PARSER_MISC_EVENTS,
            about: "hourly `misc_events_by_block` or `misc_events` files of a node: deposits, withdrawals, transfers, funding, of all users",
        },
        Source {
            name: "meta",
            state: &topics::STATE_PARSER_META,
            about: "`meta` of the info endpoint, polled: what can be traded and on which terms",
        },
        Source {
            name: "info",
            state: &topics::STATE_PARSER_INFO,
            about: "the info endpoint, asked within its budget: what the accounts of the largest wallets are worth, hold, move and pay, what named ones trade, and the exchange's own candles",
        },
        Source {
            name: "public-feed",
            state: &topics::STATE_PARSER_PUBLIC_FEED,
            about: "the exchange's public WebSocket: each trade of the tape, the context of each market, and when it was not heard",
        },
    ]
}

#[cfg(test)]
mod tests;
