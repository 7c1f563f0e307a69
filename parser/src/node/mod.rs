//! What nodes write: every fill, of every user. Lines of any layout in; `raw.node-fills`, `fills`, `fills-history`,
//! `feed-status`, `source-runs`, `dead-letters` and the cursor behind them out.

mod archive;
mod census;
mod contents;
pub(crate) mod gaps;
mod healing;
mod hours;
mod import;
mod layout;
pub(crate) mod legs;
mod node_files;
mod one_node;
mod origin;
mod search;
mod side_by_side;
mod tail;
pub(crate) mod tape;
mod trade_line;
pub(crate) mod unit;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use archive::ArchiveFile;
pub(crate) use legs::fnv;
pub(crate) use side_by_side::SideBySide;
pub(crate) use tail::{CHUNK_BYTES, Next, Tail};
pub(crate) use tape::furthest_block;
pub(crate) use unit::{moment, understand};

pub use census::Census;
pub use contents::{Contents, look_into};
pub use healing::{FoundLine, find_missing};
pub use import::{Import, Progress};
pub use layout::Layout;
pub use node_files::{NodeFiles, Taken};
pub use side_by_side::Places;
pub use tape::{Line, take_line};
pub(crate) use unit::{Unit, head};
