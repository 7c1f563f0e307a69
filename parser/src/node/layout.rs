//! How a node writes fills, and the other events: which folder, and what a line of it is.

/// A layout of files under `{folder}/hourly/{YYYYMMDD}/{H}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// A block a line, empty blocks too: what is missing can be told by the numbers.
    ByBlock,
    /// The same envelope around one fill a line.
    Streaming,
    /// A fill of a user a line, without a block.
    Fills,
    /// A trade a line, with both users and without what the exchange took from them.
    Trades,
    /// The other events of a block a line.
    EventsByBlock,
    /// One of the other events a line, without a block.
    Events,
}

impl Layout {
    /// Those that say most first.
    pub const OF_FILLS: [Self; 4] = [Self::ByBlock, Self::Streaming, Self::Fills, Self::Trades];
    pub const OF_EVENTS: [Self; 2] = [Self::EventsByBlock, Self::Events];

    pub fn folder(self) -> &'static str {
        match self {
            Self::ByBlock => "node_fills_by_block",
            Self::Streaming => "node_fills_streaming",
            Self::Fills => "node_fills",
            Self::Trades => "node_trades",
            Self::EventsByBlock => "misc_events_by_block",
            Self::Events => "misc_events",
        }
    }

    /// Whether lines say the height of their block.
    pub fn is_numbered(self) -> bool {
        matches!(self, Self::ByBlock | Self::Streaming | Self::EventsByBlock)
    }
}
