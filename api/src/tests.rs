//! The whole of what is served, over real sockets and a real database that the sink has written.
#![allow(clippy::unwrap_used)]

mod access;
mod alike;
mod as_it_was;
mod asyncapi;
mod binance;
mod caching;
mod client;
mod compression;
mod dashboards;
mod data_quality;
mod databases;
mod exports;
mod fixture;
mod frames;
mod gate;
mod heatmaps;
mod http;
mod kept;
mod liquidation_map;
mod liquidations;
mod market_ratios;
mod openapi;
mod outlets;
mod plans;
// The same places as the sink's own tests: its migrations make the tables that are read here.
mod past;
#[path = "../../sink/src/tests/place.rs"]
pub(crate) mod place;
mod prices;
mod protocol;
mod ratio_kinds;
mod replays;
mod replays_on_a_connection;
mod resume;
mod seam;
mod standing;
mod transactions;
mod turning;
mod wallets;
mod watches;
mod websocket;
mod whale_positions;
mod whales;
mod without_database;
