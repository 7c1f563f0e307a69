//! The whole pipeline as processes, against the simulator's truth: the demo, kills, bad input, and streams.
#![allow(clippy::unwrap_used)]

mod accounts;
mod all_faults;
mod bad_input;
mod compare;
mod contract;
mod dead_letters;
mod demo;
mod exchange;
mod exchange_candles;
mod facts;
mod import;
mod import_events;
mod kills;
mod metrics;
mod on_services;
mod once_more;
mod past;
mod place;
mod process;
mod quality;
mod rebuilt;
mod replays;
mod roles;
mod secrets;
mod services;
mod socket;
mod streams;
mod traded;
mod transactions;
mod two_parsers;
mod wallets;
mod watches;
mod web;
mod whale_orders;
mod without_database;
