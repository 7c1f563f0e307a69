//! Nodes that lack blocks, garble lines and write them again, in every layout: what comes out is the tape.
#![allow(clippy::unwrap_used)]

mod importing;
mod layouts;
pub mod market;
mod merging;
mod property;
