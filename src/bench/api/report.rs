//! What was measured → a table, the slowest first, one JSON object, and whether it is good enough.

use std::time::Duration;

use serde_json::{Value, json};

use super::filled::Filled;
use super::questions::Question;
use crate::args::BenchApi;
use crate::bench::spread::Spread;
use crate::failure::Failure;

pub struct Report {
    pub filled: Filled,
    fills: u64,
    filling: Duration,
    measured: Vec<Measured>,
}

struct Measured {
    question: Question,
    /// Steps of plans that walk through a big table.
    walks: Vec<String>,
    alone: Spread,
    together: Spread,
}

/// Milliseconds that a page may take, at the 99th percentile.
const ON_SQLITE: f64 = 100.0;
const ON_POSTGRES: f64 = 50.0;
/// So many lines people read.
const SHOWN: usize = 40;

impl Report {
    pub fn new(args: &BenchApi, filled: Filled, filling: Duration) -> Self {
        Self { filled, fills: args.fills, filling, measured: Vec::new() }
    }

    pub fn add(&mut self, question: Question, walks: Vec<String>, alone: Vec<f64>, together: Vec<f64>) {
        if let (Some(alone), Some(together)) = (Spread::of(&alone), Spread::of(&together)) {
            self.measured.push(Measured { question, walks, alone, together });
        }
    }

    pub fn is_too_slow(&self, alone: &[f64]) -> bool {
        Spread::of(alone).is_some_and(|alone| alone.p99 > self.limit())
    }

    pub fn tell(mut self, wants_json: bool) -> Result<(), Failure> {
        self.measured.sort_by(|one, other| other.alone.p99.total_cmp(&one.alone.p99));
        self.print();
        if wants_json {
            println!("{}", self.json());
        }
        let too_slow = self.lists().filter(|it| it.alone.p99 > self.limit()).count();
        let walks = self.measured.iter().filter(|it| !it.walks.is_empty()).count();
        match too_slow + walks {
            0 => Ok(()),
            _ => Err(Failure::stop(format!(
                "{too_slow} pages take more than {} ms, and {walks} requests walk through a big table",
                self.limit()
            ))),
        }
    }

    fn lists(&self) -> impl Iterator<Item = &Measured> {
        self.measured.iter().filter(|it| it.question.is_list)
    }

    fn limit(&self) -> f64 {
        if self.filled.is_sqlite { ON_SQLITE } else { ON_POSTGRES }
    }

    /// The slowest page.
    fn figure(&self) -> f64 {
        self.lists().map(|it| it.alone.p99).fold(0.0, f64::max)
    }

    fn print(&self) {
        let Filled { rows, bytes, .. } = &self.filled;
        let (seconds, most) = (self.filling.as_secs(), rows.values().sum::<i64>());
        println!(
            "{most} rows in {} MB, made in {seconds} s, {} fills of them",
            bytes / 1_000_000,
            rows["transactions"]
        );
        println!("  {:<100}{:>9}{:>9}{:>9}{:>9}{:>7}  p99 of four", "milliseconds", "p50", "p95", "p99", "max", "n");
        for Measured { question, alone, together, .. } in self.measured.iter().take(SHOWN) {
            println!("  {:<100}{}{:>9.1}", question.url, alone.row(), together.p99);
        }
        for Measured { question, walks, .. } in self.measured.iter().filter(|it| !it.walks.is_empty()) {
            println!("  {} walks: {}", question.url, walks.join("; "));
        }
        let (figure, limit) = (self.figure(), self.limit());
        println!(
            "  the slowest of {} pages takes {figure:.1} ms at the 99th percentile, of {limit} ms",
            self.lists().count()
        );
    }

    fn json(&self) -> Value {
        let (figure, limit) = (self.figure(), self.limit());
        let requests: Vec<Value> = self.measured.iter().map(Measured::json).collect();
        json!({
            "bench": "api", "unit": "ms", "database": if self.filled.is_sqlite { "sqlite" } else { "postgres" },
            "fills": self.fills, "rows": self.filled.rows, "bytes": self.filled.bytes,
            "fill_seconds": self.filling.as_secs(), "figure": figure, "limit": limit, "ratio": figure / limit,
            "requests": requests,
        })
    }
}

impl Measured {
    fn json(&self) -> Value {
        let Self { question, walks, alone, together } = self;
        json!({ "request": question.url, "list": question.is_list, "walks": walks, "one": alone.json(), "four": together.json() })
    }
}
