//! Milliseconds of each hop → a table, and one JSON object.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::matching::Matched;
use crate::args::BenchLatency;
use crate::bench::spread::Spread;

/// What was measured, in the words of whoever asked.
pub struct Report {
    rate: u32,
    wallets: u32,
    log: &'static str,
    database: &'static str,
    cores: usize,
}

impl Report {
    pub fn new(args: &BenchLatency) -> Self {
        Self {
            rate: args.rate,
            wallets: args.wallets,
            log: if args.kafka.brokers.is_some() { "kafka" } else { "embedded" },
            database: if args.database.url.is_some() { "postgres" } else { "sqlite" },
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    pub fn print(&self, found: &Matched, measured: Duration) {
        let Self { rate, wallets, log, database, cores } = self;
        println!("from a line of the node to a frame at the client, {rate} fills/s of {wallets} wallets");
        println!("log {log}, database {database}, {cores} cores for everything, the market included\n");
        println!("  {:<44}{:>9}{:>9}{:>9}{:>9}{:>10}", "milliseconds", "p50", "p95", "p99", "max", "n");
        for (_, title, values) in hops(found) {
            println!("  {title:<44}{}", Spread::of(values).map_or_else(|| format!("{:>46}", 0), |spread| spread.row()));
        }
        let Matched { blocks, unchanged, lost, .. } = found;
        println!(
            "\n  {blocks} blocks in {} s, {:.0} fills/s; {unchanged} of them changed no position; of the other {}, {lost} \
             did not arrive whole",
            measured.as_secs(),
            per_second(found, measured),
            blocks - unchanged
        );
    }

    pub fn json(&self, found: &Matched, measured: Duration) -> Value {
        let spread = |values| Spread::of(values).map_or(Value::Null, |spread| spread.json());
        let hops: Map<String, Value> =
            hops(found).into_iter().map(|(name, _, values)| (name, spread(values))).collect();
        json!({
            "bench": "latency", "unit": "ms", "log": self.log, "database": self.database, "cores": self.cores,
            "rate": self.rate, "wallets": self.wallets, "seconds": measured.as_secs(),
            "fills_per_second": per_second(found, measured), "blocks": found.blocks, "unchanged": found.unchanged,
            "lost": found.lost, "hops": hops,
        })
    }
}

/// By name and in words.
fn hops(found: &Matched) -> [(String, &'static str, &[f64]); 7] {
    [
        ("written_to_facts", "line written -> facts readable", &found.to_facts),
        ("facts_to_results", "facts readable -> results readable", &found.to_results),
        ("results_to_frame", "results readable -> frame received", &found.to_frame),
        ("total", "total: line written -> first frame", &found.total),
        ("written_to_last_frame", "line written -> last frame of its block", &found.to_last_frame),
        ("written_to_liquidation", "line written -> frame of a liquidation", &found.to_liquidation),
        ("due_to_written", "beside it: line due -> line written", &found.late),
    ]
    .map(|(name, title, values)| (name.to_owned(), title, values.as_slice()))
}

fn per_second(found: &Matched, measured: Duration) -> f64 {
    found.fills as f64 / measured.as_secs_f64()
}
