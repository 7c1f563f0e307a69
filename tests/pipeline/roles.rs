//! The roles as processes of their own, on services, over a simulated market: what `docker-compose.yml` runs, with the
//! addresses and folders of the test in place of those within Compose.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::place::Place;
use crate::process::{Process, fathom, path};

pub struct Roles {
    place: Place,
    market: std::path::PathBuf,
    services: Vec<Value>,
    running: BTreeMap<&'static str, Process>,
}

pub const ALL: [&str; 5] = ["parser", "computer one", "computer two", "sink", "api"];

impl Roles {
    pub fn new(place: &Place, market: &Path) -> Self {
        Self { place: place.clone(), market: market.to_owned(), services: services(), running: BTreeMap::new() }
    }

    pub fn start_all(&mut self) {
        ALL.into_iter().for_each(|name| self.start(name));
    }

    /// Its commits are traced.
    pub fn start(&mut self, name: &'static str) {
        let service = match name.split(' ').next().unwrap() {
            "parser" => "simulated-parser",
            role => role,
        };
        let service = self.services.iter().find(|known| known["name"] == service).unwrap();
        let words = service["command"].as_array().unwrap().iter().map(|word| self.here(word)).collect::<Vec<_>>();
        let mut command = fathom(&words.iter().map(String::as_str).collect::<Vec<_>>());
        for (variable, value) in service["environment"].as_object().unwrap() {
            command.env(variable, self.here(value));
        }
        command.env("RUST_LOG", "fathom=trace,warn");
        self.running.insert(name, Process::start(command));
    }

    /// What Compose calls something, as it is called here. Nobody answers for the exchange.
    fn here(&self, text: &Value) -> String {
        let Place::Services { brokers, database } = &self.place else { unreachable!() };
        let places = [
            ("kafka:9092", brokers.as_str()),
            ("postgres://fathom:change-me@postgres/fathom", database),
            ("/market", path(&self.market)),
            ("simulator:7001", "127.0.0.1:9"),
            ("0.0.0.0:8080", "127.0.0.1:0"),
            ("0.0.0.0:9100", "127.0.0.1:0"),
        ];
        places.iter().fold(text.as_str().unwrap().to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
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

/// What the file says that is run, as `docker-compose` understands it.
fn services() -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/compose");
    let output = Command::new("bash").arg(script).arg("commands").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A market that goes on until it is ended; its truth is whole then.
pub fn live_market(market: &Path, rate: u32, speed: u32, more: &[&str]) -> Process {
    let (rate, speed) = (rate.to_string(), speed.to_string());
    let all = ["simulate", "--out", path(market), "--seed", "3", "--rate", &rate, "--wallets", "1000"];
    let mut market =
        Process::start(fathom(&[&all[..], &["--speed", &speed, "--start", "1782633557000"], more].concat()));
    market.wait_for("a market in");
    market
}
