//! What was found → a table and one JSON object.

use std::time::Duration;

use serde_json::{Value, json};

use super::events::Events;
use super::{Found, Watched, verdict};
use crate::args::BenchWs;
use crate::bench::spread::Spread;
use crate::failure::Failure;

pub struct Report<'a> {
    args: &'a BenchWs,
    pub found: &'a Found,
    pub alone: Spread,
    pub beside: Spread,
    pub events: Events,
    pub holes: u64,
    /// Why clients that kept up were cut off.
    pub cut: Vec<&'a str>,
}

impl<'a> Report<'a> {
    pub fn of(args: &'a BenchWs, found: &'a Found) -> Result<Self, Failure> {
        let spread = |values: Vec<f64>| Spread::of(&values).ok_or_else(|| Failure::stop("the clients heard nothing"));
        Ok(Self {
            args,
            found,
            alone: spread(found.heard.iter().flat_map(|heard| heard.alone.iter().copied()).collect())?,
            beside: spread(found.heard.iter().flat_map(|heard| heard.beside.iter().copied()).collect())?,
            events: Events::of(&found.heard, &found.times),
            holes: found.heard.iter().map(|heard| heard.holes).sum(),
            cut: found.heard.iter().filter_map(|heard| heard.cut.as_deref()).collect(),
        })
    }

    /// How much later updates come beside those two.
    pub fn ratio(&self) -> f64 {
        self.beside.p99 / self.alone.p99
    }

    /// What those two have added to what the server holds.
    pub fn growth(&self) -> u64 {
        self.found.beside.most_memory.saturating_sub(self.found.alone.most_memory)
    }

    pub fn print(&self) {
        let BenchWs { clients, rate, .. } = self.args;
        println!(
            "from the event to the frame of each of {clients} clients, {rate} fills/s; all stages and the market in it\n"
        );
        println!("  {:<36}{:>9}{:>9}{:>9}{:>9}{:>10}", "milliseconds", "p50", "p95", "p99", "max", "n");
        for (title, spread, _) in self.measured() {
            println!("  {title:<36}{}", spread.row());
        }
        println!("\n  p99 beside them over p99 by themselves: {:.2}", self.ratio());
        for (title, spread, watched) in self.measured() {
            println!("  {title}: {}", cost(spread, watched));
        }
        self.print_the_rest();
    }

    fn print_the_rest(&self) {
        let Self { found, events: Events { all, missed, repeated }, holes, cut, .. } = self;
        let (before, each) = (found.without_clients / 1_000_000, self.bytes_per_client() / 1_000);
        println!("  memory: {before} MB before there were clients, and {each} kB for each of them");
        println!(
            "  of {all} events {missed} were missed and {repeated} heard twice; {holes} holes in the numbers of frames; \
             {} of the clients cut off",
            cut.len()
        );
        println!("  stalled: {}", found.stalled);
        let end = found.slow.cut.as_deref().unwrap_or("connected to the end");
        println!("  slow: {} updates, the last of them {:.0} ms late; {end}", found.slow.updates, found.slow.last);
    }

    pub fn json(&self) -> Value {
        let Self { args, found, events, .. } = self;
        let [alone, beside] = self.measured().map(|(_, spread, watched)| {
            json!({
                "latency": spread.json(), "frames_per_second": per_second(spread, watched),
                "memory_bytes": watched.most_memory, "server_cores": cores(watched.server, watched),
                "client_cores": cores(watched.clients, watched),
            })
        });
        json!({
            "bench": "ws", "figure": self.beside.p99, "limit": self.alone.p99, "ratio": self.ratio(), "unit": "ms",
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "clients": args.clients, "rate": args.rate, "seconds": args.seconds, "alone": alone, "beside": beside,
            "memory_without_clients": found.without_clients, "bytes_per_client": self.bytes_per_client(),
            "memory_growth": self.growth(), "most_memory_growth": verdict::most_growth(found.limits),
            "events": events.all, "missed": events.missed, "repeated": events.repeated, "holes": self.holes,
            "cut_off": self.cut.len(), "stalled": found.stalled.json(),
            "slow": { "updates": found.slow.updates, "last_ms": found.slow.last, "end": found.slow.cut },
        })
    }

    fn measured(&self) -> [(&'static str, &Spread, &Watched); 2] {
        let Found { alone, beside, .. } = self.found;
        [("by themselves", &self.alone, alone), ("beside a stalled and a slow one", &self.beside, beside)]
    }

    fn bytes_per_client(&self) -> u64 {
        self.found.alone.most_memory.saturating_sub(self.found.without_clients) / u64::from(self.args.clients)
    }
}

fn cost(spread: &Spread, watched: &Watched) -> String {
    let [server, clients] = [watched.server, watched.clients].map(|worked| cores(worked, watched));
    let (frames, memory) = (per_second(spread, watched), watched.most_memory / 1_000_000);
    format!(
        "{frames:.0} frames/s, for which the server took {server:.2} cores and the clients {clients:.2}; at most {memory} MB of memory"
    )
}

fn per_second(spread: &Spread, watched: &Watched) -> f64 {
    spread.n as f64 / watched.time.as_secs_f64()
}

fn cores(worked: Duration, watched: &Watched) -> f64 {
    worked.as_secs_f64() / watched.time.as_secs_f64()
}
