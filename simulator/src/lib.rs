//! A market that behaves like Hyperliquid: a seed goes in; the files of a node, the answers of the info API and the
//! truth about every account come out. It shares no arithmetic with the rest of Fathom, so that the two can be
//! compared.

mod accounts;
mod crowd;
mod dice;
mod dust;
mod engine;
mod error;
mod info;
mod markets;
mod metadata;
mod node_files;
mod orders;
mod print;
mod replace;
mod simulator;
mod snapshot;
mod truth;
mod wishes;

#[cfg(test)]
mod tests;

pub use engine::Engine;
pub use error::SimulatorError;
pub use info::serve;
pub use simulator::{Options, Simulator, Summary};
