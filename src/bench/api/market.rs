//! A simulated market, through everything that `fathom up` runs, for about a minute: a log and rows that are the program's own.

use std::path::Path;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use tracing::info;

use crate::args::{BenchApi, BenchLatency, DatabaseArgs, KafkaArgs};
use crate::bench::latency::everything;
use crate::bench::latency::market::Market;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use crate::run::up;

/// Enough for each kind of result to be there, cascades of liquidations as well.
const FILLS_PER_SECOND: u32 = 5_000;
const WALLETS: u32 = 10_000;
const TIME: Duration = Duration::from_secs(30);
/// Of wallets it is told once a minute how they stand, so long after its end at the latest.
const MINUTE: Duration = Duration::from_secs(60);
const TOLD: Duration = Duration::from_secs(15);

pub fn run(folder: &Path, args: &BenchApi) -> Result<DataDir, Failure> {
    let mut market = Market::open(folder, FILLS_PER_SECOND, WALLETS)?;
    let everything = everything(as_latency(args), folder, &market);
    let path = everything.data.path.clone();
    let into_the_minute = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() % MINUTE.as_secs());
    let time = TIME.max(MINUTE + TOLD - Duration::from_secs(into_the_minute));
    info!("a market runs for {} s at {FILLS_PER_SECOND} fills/s", time.as_secs());
    up::up_while(everything, |shared, _, _| {
        thread::scope(|scope| {
            let running = scope.spawn(|| market.run(shared.stop.flag()));
            shared.stop.rest(time);
            shared.stop.finish();
            shared.log.wake();
            running.join().unwrap_or_else(|_| Err(Failure::stop("the market panicked: this is a bug")))
        })
    })??;
    DataDir::take(&path, data_dir::Market::Simulated)
}

/// The same market and the same roles.
fn as_latency(args: &BenchApi) -> BenchLatency {
    BenchLatency {
        rate: FILLS_PER_SECOND,
        wallets: WALLETS,
        seconds: TIME.as_secs(),
        warm_up: 0,
        kafka: KafkaArgs { brokers: None, kafka_config: None },
        database: DatabaseArgs { url: args.database.url.clone() },
        json: false,
    }
}
