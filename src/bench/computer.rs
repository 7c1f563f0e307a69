//! The coin stage in memory, on one core: simulated fills as bytes in, every result and every state record encoded.
//! Beside it, in the same run on the same bytes, what merely decoding them takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use computer::Stage;
use indicatif::{ProgressBar, ProgressStyle};
use schemas::{Batch, Cursor, Fill, GENERATION, Outbox, kind, topics};
use serde_json::json;

use crate::args::BenchComputer;
use crate::failure::Failure;

/// What one commit takes in: results and state are encoded as often as a task that catches up would.
const RECORDS_PER_COMMIT: usize = 10_000;
/// Fills per second of event time.
const RATE: u32 = 2_000;
const START: i64 = 1_782_633_600_000;

#[derive(Default)]
struct Measured {
    fills: u64,
    records_in: u64,
    records_out: u64,
    state_records: u64,
    bytes_out: u64,
    computing: Duration,
    decoding: Duration,
}

pub fn computer(args: &BenchComputer) -> Result<(), Failure> {
    let mut market = simulator::Engine::new(1, args.wallets, RATE, START);
    let mut stages: Vec<Stage> =
        (0..GENERATION.partitions).map(|partition| Stage::coin(GENERATION, partition)).collect();
    let (mut cursor, mut line, mut facts) = (Cursor::default(), Vec::new(), Outbox::new(GENERATION));
    let mut measured = Measured::default();
    let progress = ProgressBar::new(args.fills);
    progress.set_style(
        ProgressStyle::with_template("{bar:40} {percent}% {pos} fills, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    while measured.fills < args.fills {
        // Made outside of what is measured.
        while facts.records() < 4 * RECORDS_PER_COMMIT {
            market.next_block(&mut line);
            parser::take_line(&of_a_node(&line), &mut cursor, &mut facts);
        }
        for (_, partition, batch) in facts.filled().filter(|(topic, ..)| topic.name == topics::FILLS.name) {
            measured.decode(batch);
            measured.compute(&mut stages[partition as usize], batch)?;
        }
        progress.set_position(measured.fills.min(args.fills));
        facts.clear();
    }
    progress.finish_and_clear();
    measured.print(args, stages.iter().map(Stage::entries).sum());
    Ok(())
}

fn of_a_node(bytes: &[u8]) -> parser::Line<'_> {
    let (layout, received) = (parser::Layout::ByBlock, START + i64::MAX / 4);
    parser::Line { bytes, layout, stream: "bench", position: "bench", received, keeps_raw: true }
}

impl Measured {
    fn decode(&mut self, batch: &Batch) {
        let began = Instant::now();
        for record in batch.records().filter(|record| record.headers.get(kind::HEADER) == Some(kind::FILL)) {
            let fill: Result<Fill, _> = serde_json::from_slice(record.value.unwrap_or_default());
            self.fills += u64::from(black_box(fill).is_ok());
        }
        self.decoding += began.elapsed();
    }

    fn compute(&mut self, stage: &mut Stage, batch: &Batch) -> Result<(), Failure> {
        let mut out = Outbox::new(GENERATION);
        let began = Instant::now();
        for (offset, record) in (self.records_in..).zip(batch.records()) {
            stage.take(0, offset, &record, &mut out);
        }
        stage.has_read(0, self.records_in + u64::from(batch.count()));
        (0..stage.lanes().count()).for_each(|lane| stage.has_all_of(lane));
        stage.go_on(&mut out);
        if let Some(refused) = stage.set_aside().first() {
            return Err(Failure::stop(format!("a simulated record was refused: {}", refused.reason)));
        }
        stage.save(&mut out);
        self.computing += began.elapsed();
        self.records_in += u64::from(batch.count());
        for (topic, _, batch) in out.filled() {
            let records = u64::from(batch.count());
            *(if topic.name == topics::STATE_COIN.name { &mut self.state_records } else { &mut self.records_out }) +=
                records;
            self.bytes_out += batch.bytes().len() as u64;
        }
        Ok(())
    }

    fn print(&self, args: &BenchComputer, entries: usize) {
        let rate = |count: u64, time: Duration| count as f64 / time.as_secs_f64();
        let (figure, limit) = (rate(self.fills, self.computing), rate(self.fills, self.decoding));
        println!("{} simulated fills of {} wallets, one core, bytes in, everything encoded", self.fills, args.wallets);
        println!("  computed            {figure:>12.0} fills/s");
        println!("  merely decoded      {limit:>12.0} fills/s with serde_json");
        println!("  ratio               {:>12.2}", figure / limit);
        println!("  result records      {:>12}", self.records_out);
        println!("  state records       {:>12}", self.state_records);
        println!("  entries held        {entries:>12}");
        println!("  bytes out           {:>12}", self.bytes_out);
        if args.json {
            let object = json!({
                "bench": "computer", "figure": figure, "limit": limit, "ratio": figure / limit, "unit": "fills/s",
                "fills": self.fills, "wallets": args.wallets, "records_out": self.records_out, "state_records": self.state_records,
                "entries": entries, "bytes_out": self.bytes_out,
            });
            println!("{object}");
        }
    }
}
