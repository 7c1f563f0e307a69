//! A market that behaves like Hyperliquid: a seed goes in; the files of a node, the answers of the info API and the
//! truth about every account come out. It shares no arithmetic with the rest of Fathom, so that the two can be
//! compared.

mod accounts;
mod allowances;
mod beside;
mod calendar;
mod contexts;
mod crowd;
mod deleveraging;
mod delistings;
mod dice;
mod dust;
mod engine;
mod error;
mod faults;
mod faults_pen;
mod faults_pieces;
mod faults_plan;
mod faults_truth;
mod feed;
mod feed_contexts;
mod feed_trades;
mod frames;
mod funding;
mod habits;
mod history;
mod in_memory;
mod info;
mod layout_lines;
mod layouts;
mod limits;
mod liquidation_price;
mod liquidations;
mod margin;
mod margin_tables;
mod markets;
mod metadata;
mod minute;
mod misc_events;
mod money;
mod node_files;
mod now;
mod options;
mod orders;
mod pace;
mod pairs;
mod print;
mod quotes;
mod refusals;
mod replace;
mod server;
mod simulator;
mod snapshot;
mod takeovers;
mod tape;
mod trades;
mod truth;
mod visitors;
mod websocket;
mod wishes;
mod written;

#[cfg(test)]
mod tests;

pub use engine::Engine;
pub use error::SimulatorError;
pub use faults::{Faults, FaultsError};
pub use feed::Feed;
pub use in_memory::InMemory;
pub use layouts::{Layouts, LayoutsError};
pub use liquidation_price::{Exposure, ONE, liquidation_price};
pub use margin_tables::Tier;
pub use options::Options;
pub use server::serve;
pub use simulator::{Simulator, Summary, WrittenBlock};
