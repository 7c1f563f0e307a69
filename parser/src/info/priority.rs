//! Who goes first when not everybody can be paid for.

/// In this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Metadata,
    AtRisk,
    Accounts,
    Ledgers,
    Histories,
    Candles,
}
