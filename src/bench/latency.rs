//! A simulated node's lines in, at a given rate; out comes how long each block takes until a client of the WebSocket has
//! it, hop by hop. Everything runs in this process: the market, all that `fathom up --simulated` runs, and whoever looks
//! on, so that all times are of one monotonic clock.
//!
//! - written: the last byte of a block's line has been handed to the system. The market says so itself, in `market`:
//!   the line's own `local_time` is when it is due, and making the line comes after that.
//! - facts readable: a reader of `fills` has the clock of the block, which says that the block is whole.
//! - results readable: a reader of `positions` has the first record of the block.
//! - frame received: a client that listens to all positions has the first update of the block.
//!
//! The readers are in `taps`, one more beside those of the roles, and compete with them: when one is late, a hop is too
//! long and the next one too short, but their sum is right. Client and server talk over the loopback, and the market
//! takes its share of the cores as well.
//!
//! A block is followed through the partition whose frame comes first. Every block that is written in the measured time
//! counts; the market goes on at the same rate for a while, so that the last ones have no easier time than the others.

mod client;
pub mod market;
mod matching;
mod report;
mod taps;

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use schemas::{GENERATION, topics};
use tracing::info;

use crate::args::{BenchLatency, Data, KafkaArgs, KeepArgs, MetricsArgs, RuleArgs, Serving, Sources, Up};
use crate::failure::Failure;
use crate::log::Log as _;
use crate::log::kafka::Kafka;
use crate::run::{Shared, up};
use crate::stop::Stop;
use client::Client;
use market::Market;
use matching::{Matched, Seen};
use report::Report;

/// What has not arrived so long after the last measured block is counted as lost.
const AFTERWARDS: Duration = Duration::from_secs(5);

pub fn latency(args: BenchLatency) -> Result<(), Failure> {
    refuse_topics_in_use(&args.kafka)?;
    let (report, wants_json) = (Report::new(&args), args.json);
    let (warm_up, measured) = (Duration::from_secs(args.warm_up), Duration::from_secs(args.seconds));
    let folder = super::folder()?;
    let mut market = Market::open(folder.path(), args.rate, args.wallets)?;
    let everything = everything(args, folder.path(), &market);
    let seen = up::up_while(everything, |shared, _, address| {
        let seen = look_on(shared, address, &mut market, warm_up + measured + AFTERWARDS);
        shared.stop.ask();
        seen
    })??;
    let matched = Matched::of(&seen, warm_up, measured);
    report.print(&matched, measured);
    if wants_json {
        println!("{}", report.json(&matched, measured));
    }
    Ok(())
}

/// Nothing of ours may come between somebody else's facts.
fn refuse_topics_in_use(kafka: &KafkaArgs) -> Result<(), Failure> {
    let Some(settings) = kafka.settings()? else { return Ok(()) };
    let log = Kafka::open(settings, GENERATION, Stop::new())?;
    for partition in log.partitions(&topics::FILLS) {
        if log.extent(&topics::FILLS, partition)?.next > 0 {
            let name = GENERATION.name(&topics::FILLS);
            return Err(Failure::Usage(format!(
                "{name} on {} is not empty: this bench writes a market of its own, so give it brokers without any",
                kafka.shown()
            )));
        }
    }
    Ok(())
}

/// `fathom up` on the market's files and addresses.
pub fn everything(args: BenchLatency, folder: &Path, market: &Market) -> Up {
    let (nodes, exchange) = (vec![market.folder.clone()], market.exchange.clone());
    Up {
        demo: false,
        data: Data { path: folder.join("data") },
        kafka: args.kafka,
        database: args.database,
        keep: KeepArgs::default(),
        serving: Serving::at(SocketAddr::from(([127, 0, 0, 1], 0))),
        sources: Sources {
            nodes,
            streams: Vec::new(),
            archives: Vec::new(),
            info: exchange.info,
            node_info: None,
            wallets: Vec::new(),
            feed: exchange.feed,
            spot: false,
            simulated: true,
        },
        metrics: MetricsArgs::default(),
        rules: RuleArgs::default(),
        rate: args.rate,
        seed: market::SEED,
    }
}

/// Lets the market run for so long and notes what is seen of its blocks.
fn look_on(shared: &Shared, address: SocketAddr, market: &mut Market, time: Duration) -> Result<Seen, Failure> {
    let client = Client::subscribe(address)?;
    thread::scope(|scope| {
        let facts = scope.spawn(|| or_end(shared, taps::facts(shared)));
        let results = scope.spawn(|| or_end(shared, taps::results(shared)));
        let frames = scope.spawn(|| or_end(shared, client.hear(shared)));
        let began = Instant::now();
        let market = scope.spawn(|| or_end(shared, market.run(shared.stop.flag())));
        info!("measuring; that takes {} s", time.as_secs());
        shared.stop.rest(time);
        let is_complete = began.elapsed() >= time;
        shared.stop.ask();
        let (lines, facts, results, frames) = (join(market)?, join(facts)?, join(results)?, join(frames)?);
        match is_complete {
            true => Ok(Seen { began, lines, facts, results, frames }),
            false => Err(Failure::stop("ended before everything was measured")),
        }
    })
}

/// Nobody goes on alone.
fn or_end<T>(shared: &Shared, outcome: Result<T, Failure>) -> Result<T, Failure> {
    if outcome.is_err() {
        shared.stop.ask();
    }
    outcome
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    thread.join().unwrap_or_else(|_| Err(Failure::stop("whoever looked on panicked: this is a bug")))
}
