//! What nodes write: every fill, of every user. Lines of any layout in; `raw.node-fills`, `fills`, `fills-history`,
//! `feed-status`, `source-runs`, `dead-letters` and the cursor behind them out.

mod archive;
mod census;
mod gaps;
mod healing;
mod hours;
mod import;
mod layout;
mod legs;
mod node_files;
mod one_node;
mod origin;
mod run_record;
mod search;
mod tail;
mod tape;
mod trade_line;
mod unit;

#[cfg(test)]
pub(crate) mod tests;

pub use census::Census;
pub use healing::{FoundLine, find_missing};
pub use import::{Import, Progress};
pub use layout::Layout;
pub use node_files::{NodeFiles, Taken};
pub use tape::{Line, take_line};
