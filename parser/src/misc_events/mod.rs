//! What nodes write beside fills: lines of `misc_events` files in; `raw.misc-events`, `ledger-updates`, `feed-status`,
//! `source-runs`, `dead-letters` and the cursor behind them out.

mod cursor;
mod event;
mod files;
mod import;
mod line;
mod stretches;

#[cfg(test)]
mod tests;

pub use cursor::{Made, MiscCursor};
pub use files::MiscEvents;
pub use import::{EventImport, EventProgress};
