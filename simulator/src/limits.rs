//! How much the exchange takes from one address, and how long it waits.

use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// A connection to which nothing was sent for so long is closed.
    pub(crate) idle: Duration,
    /// How long one frame may take on its way out.
    pub(crate) patience: Duration,
    /// At a time; so are subscriptions, over all connections.
    pub(crate) connections: u32,
    pub(crate) new_connections_per_minute: u32,
    pub(crate) subscriptions: u32,
    pub(crate) messages_per_minute: u32,
    pub(crate) weight_per_minute: u32,
}

impl Limits {
    pub(crate) const EXCHANGE: Self = Self {
        idle: Duration::from_secs(60),
        patience: Duration::from_secs(10),
        connections: 10,
        new_connections_per_minute: 30,
        subscriptions: 1_000,
        messages_per_minute: 2_000,
        weight_per_minute: 1_200,
    };
}
