//! The whole of what is served, over real sockets and a real database that the sink has written.
#![allow(clippy::unwrap_used)]

mod client;
mod fixture;
mod http;
mod seam;
mod websocket;
