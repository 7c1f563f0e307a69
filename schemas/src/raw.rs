//! `raw.<source>`: frames as they were received, before anything was understood of them. What a better parser
//! would read again.

use crate::{Belongs, Keeps, Topic};

pub static NODE_FILLS: Topic = Topic {
    name: "raw.node-fills",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/raw.node-fills/schema.json"),
    partitioned_by: &[],
    key: "hour and byte offset of the line",
    keeps: Keeps::Recent { hours: 72, mib: 1024 },
    about: "lines of the node's `node_fills_by_block` files, byte for byte; a long one in parts (header `part`)",
};

pub static MISC_EVENTS: Topic = Topic {
    name: "raw.misc-events",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/raw.misc-events/schema.json"),
    partitioned_by: &[],
    key: "hour and byte offset of the line",
    keeps: Keeps::Recent { hours: 72, mib: 512 },
    about: "lines of the node's `misc_events` files, byte for byte; a long one in parts (header `part`)",
};

pub static INFO: Topic = Topic {
    name: "raw.info",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/raw.info/schema.json"),
    partitioned_by: &[],
    key: "the request",
    keeps: Keeps::Recent { hours: 24, mib: 512 },
    about: "replies of the info endpoint that facts were made of, byte for byte; a long one in parts (header `part`)",
};

pub static PUBLIC_FEED: Topic = Topic {
    name: "raw.public-feed",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/raw.public-feed/schema.json"),
    partitioned_by: &[],
    key: "connection and number of the frame",
    keeps: Keeps::Recent { hours: 24, mib: 512 },
    about: "frames of the public WebSocket that facts were made of, byte for byte; a long one in parts (header `part`)",
};

/// A frame above this size is cut into parts, so that no record passes a broker's limit.
pub const RAW_PART_BYTES: usize = 512 * 1024;

/// The frame in parts, each with its number from 1 and the number of all.
pub fn raw_parts(frame: &[u8]) -> impl Iterator<Item = (usize, usize, &[u8])> {
    let parts = frame.len().div_ceil(RAW_PART_BYTES).max(1);
    (0..parts).map(move |part| {
        let start = part * RAW_PART_BYTES;
        (part + 1, parts, &frame[start..frame.len().min(start + RAW_PART_BYTES)])
    })
}
