//! The roles as processes of their own, on services, over a simulated market.

use std::collections::BTreeMap;
use std::path::Path;

use crate::place::Place;
use crate::process::{Process, fathom, path};

pub struct Roles {
    place: Place,
    market: std::path::PathBuf,
    running: BTreeMap<&'static str, Process>,
}

pub const ALL: [&str; 5] = ["parser", "computer one", "computer two", "sink", "api"];

impl Roles {
    pub fn new(place: &Place, market: &Path) -> Self {
        Self { place: place.clone(), market: market.to_owned(), running: BTreeMap::new() }
    }

    pub fn start_all(&mut self) {
        ALL.into_iter().for_each(|name| self.start(name));
    }

    /// Its commits are traced.
    pub fn start(&mut self, name: &'static str) {
        let Place::Services { brokers, database } = &self.place else { unreachable!() };
        let mut command = fathom(&[name.split(' ').next().unwrap()]);
        match name {
            "parser" => command.args([
                "--simulated",
                "--node",
                path(&self.market),
                "--info",
                "http://127.0.0.1:9/info",
                "--feed",
                "ws://127.0.0.1:9/ws",
            ]),
            "api" => command.args(["--http", "127.0.0.1:0"]),
            _ => &mut command,
        };
        command.env("KAFKA_BROKERS", brokers).env("DATABASE_URL", database).env("RUST_LOG", "fathom=trace,warn");
        self.running.insert(name, Process::start(command));
    }

    pub fn role(&mut self, name: &str) -> &mut Process {
        self.running.get_mut(name).unwrap()
    }

    /// Every role that is told to end does so, and says so with its status.
    pub fn end_all(&mut self) {
        for (_, mut process) in std::mem::take(&mut self.running) {
            process.end();
        }
    }
}

/// A market that goes on until it is ended; its truth is whole then.
pub fn live_market(market: &Path, rate: u32, speed: u32, more: &[&str]) -> Process {
    let (rate, speed) = (rate.to_string(), speed.to_string());
    let all = ["simulate", "--out", path(market), "--seed", "3", "--rate", &rate, "--wallets", "1000"];
    Process::start(fathom(&[&all[..], &["--speed", &speed, "--start", "1782633557000"], more].concat()))
}
