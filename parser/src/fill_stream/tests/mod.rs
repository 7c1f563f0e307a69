//! Streams: what their files may say, what is found in frames, and what becomes of it on the tape.
#![allow(clippy::unwrap_used)]

mod config;
mod connection;
mod frames;
mod property;
mod queue;
mod tape;
