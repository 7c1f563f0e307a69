//! What nodes write beside fills: lines of `misc_events` files in; `raw.misc-events`, `ledger-updates`, `feed-status`,
//! `source-runs`, `dead-letters` and the cursor behind them out.

mod cursor;
mod event;
mod files;
mod line;

#[cfg(test)]
mod tests;

pub use cursor::MiscCursor;
pub use files::MiscEvents;
