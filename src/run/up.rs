//! `fathom up`: every role in one process, on one log and one database under one directory.

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use api::Live;
use schemas::{GENERATION, topics};
use simulator::Simulator;
use sink::{Sink, SinkError};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::info;

use super::{Shared, api as api_role, computer, housekeeping, markets, parser, sink as sink_role};
use crate::args::{Services, Up};
use crate::control;
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::log::Log;
use crate::stats::Stats;
use crate::stop::{Stop, Upstream};

pub fn up(args: Up) -> Result<(), Failure> {
    let began = Instant::now();
    refuse_services(&args.services)?;
    let market = if args.demo || args.simulated { Market::Simulated } else { Market::Mainnet };
    let node = (!args.demo).then(|| node_folder(&args.node)).transpose()?;
    let data = DataDir::take(&args.data.path, market)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::because("could not start the runtime", cause))?;
    let listener = runtime.block_on(listen(args.http))?;
    let address = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;

    let log = Arc::new(Log::open(&data.log(), GENERATION)?);
    let shared = Shared { log, stats: Arc::new(Stats::default()), stop: Stop::new() };
    let database = Database::open(&data, &runtime)?;
    let live = Live::new(shared.stop.watch());
    computer::announce(&shared.log)?;
    api_role::begin(&shared, &live, &database.positions);
    runtime.spawn(shared.stop.clone().listen());
    let control = control::Server::start(&data, &shared, address, &runtime)?;

    let app = api::router(api_role::context(&shared, &data, database.reader.clone(), live.clone()));
    let ended = shared.stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { ended.wait().await });
    let serving = runtime.spawn(server.into_future());
    let roles = start_roles(&args, node, &data, &shared, database, &live, &runtime)?;

    announce_when_ready(&shared, &data, address, began);
    let outcome = roles.wait();
    let farewell = Instant::now();
    while live.has_clients() && farewell.elapsed() < FAREWELL {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let _ = runtime.block_on(async { tokio::time::timeout(FAREWELL, serving).await });
    drop(control);
    runtime.shutdown_timeout(Duration::from_millis(200));
    if outcome.is_ok() {
        info!("everything is committed; started again it goes on here");
    }
    outcome
}

/// The roles in the order of the flow; each ends when those before it have.
fn start_roles(
    args: &Up,
    node: Option<PathBuf>,
    data: &DataDir,
    shared: &Shared,
    database: Database,
    live: &Live,
    runtime: &Runtime,
) -> Result<Roles, Failure> {
    let mut roles = Roles { shared: shared.clone(), running: Vec::new() };
    let [simulated, parsed, computed, stored, apart] = std::array::from_fn(|_| Upstream::default());
    let (node, info_url) = match node {
        Some(node) => (node, args.info.clone()),
        None => start_market(args, data, &mut roles, &simulated, runtime)?,
    };
    let drains = args.demo || args.simulated;
    roles.start("parser", &parsed, move |shared| parser::run(shared, &node, &simulated, drains));
    for partition in shared.log.partitions(&topics::FILLS) {
        let upstream = parsed.clone();
        roles.start(format!("coin/{partition}"), &computed, move |shared| computer::run(shared, partition, &upstream));
    }
    let Database { sink, positions, .. } = database;
    let (handle, upstream) = (runtime.handle().clone(), computed.clone());
    roles.start("sink", &stored, move |shared| sink_role::run(shared, sink, &upstream, &handle));
    let feeding = live.clone();
    roles.start("feed", &stored, move |shared| api_role::feed(shared, &feeding, positions, &computed));
    roles.start("housekeeping", &apart, housekeeping::run);
    let handle = runtime.handle().clone();
    roles.start("markets", &apart, move |shared| handle.block_on(markets::run(shared, &info_url)));
    Ok(roles)
}

/// The database, for writing and for reading, and where it stands.
struct Database {
    sink: Sink,
    reader: sqlx::SqlitePool,
    positions: BTreeMap<(String, u32), u64>,
}

impl Database {
    fn open(data: &DataDir, runtime: &Runtime) -> Result<Self, Failure> {
        let failed = |error: SinkError| Failure::because(error.to_string(), error);
        let sink = runtime.block_on(sink::connect(&data.database_url())).map_err(failed)?;
        let positions = runtime.block_on(sink.positions(GENERATION.number)).map_err(failed)?;
        let reader = runtime.block_on(api::open_database(&data.database_url()));
        let reader = reader.map_err(|cause| Failure::because("could not open the database for reading", cause))?;
        Ok(Self { sink, reader, positions })
    }
}

/// So long clients may take to hear that the server ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// Threads, each a role; the first one that fails ends all.
struct Roles {
    shared: Shared,
    running: Vec<(String, JoinHandle<Result<(), Failure>>)>,
}

impl Roles {
    fn start(
        &mut self,
        name: impl Into<String>,
        kind: &Upstream,
        role: impl FnOnce(&Shared) -> Result<(), Failure> + Send + 'static,
    ) {
        let (name, shared, running) = (name.into(), self.shared.clone(), kind.enter());
        let body = move || {
            // Also when the role panics: nobody may wait for one that has gone.
            let _running = running;
            let ender = EndsAllUnlessAsked(shared.clone());
            let outcome = role(&shared);
            shared.log.wake();
            if outcome.is_ok() && shared.stop.asked() {
                std::mem::forget(ender);
            }
            outcome
        };
        let thread = std::thread::Builder::new().name(name.clone()).spawn(body);
        match thread {
            Ok(thread) => self.running.push((name, thread)),
            Err(cause) => {
                self.shared.stop.ask();
                let failed = Failure::because(format!("could not start {name}"), cause);
                self.running.push((name, std::thread::spawn(move || Err(failed))));
            }
        }
    }

    /// Waits for all; gives back what the first one that failed says.
    fn wait(self) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for (name, thread) in self.running {
            let ended = thread.join().unwrap_or_else(|_| Err(Failure::stop(format!("{name} panicked: this is a bug"))));
            outcome = outcome.and(ended);
        }
        outcome
    }
}

struct EndsAllUnlessAsked(Shared);

impl Drop for EndsAllUnlessAsked {
    fn drop(&mut self) {
        self.0.stop.ask();
        self.0.log.wake();
    }
}

/// Of the simulated node's files: the pipeline is never more than moments behind them.
const MARKET_HOURS: usize = 4;

/// Starts the simulated market; gives back its node folder and its info endpoint.
fn start_market(
    args: &Up,
    data: &DataDir,
    roles: &mut Roles,
    market: &Upstream,
    runtime: &Runtime,
) -> Result<(PathBuf, String), Failure> {
    let out = data.simulator();
    let options = simulator::Options {
        out: out.clone(),
        seed: args.seed,
        rate: args.rate,
        wallets: 3_000,
        start: None,
        speed: 1,
        blocks: None,
        keep_hours: Some(MARKET_HOURS),
    };
    let simulator = Simulator::open(options).map_err(|error| Failure::because(error.to_string(), error))?;
    roles.start("simulator", market, move |shared| run_market(simulator, shared));
    let listener = runtime.block_on(listen(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let address = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;
    let stop = roles.shared.stop.clone();
    runtime.spawn(simulator::serve(listener, async move { stop.wait().await }));
    Ok((out, format!("http://{address}/info")))
}

fn run_market(mut simulator: Simulator, shared: &Shared) -> Result<(), Failure> {
    simulator.run(shared.stop.flag()).map(drop).map_err(|error| Failure::because(error.to_string(), error))
}

/// What was asked for and cannot be done is said, not passed over.
fn refuse_services(services: &Services) -> Result<(), Failure> {
    let asked = [("KAFKA_BROKERS", &services.brokers), ("DATABASE_URL", &services.database)];
    match asked.into_iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(Failure::Usage(format!(
            "{name} is set, but this version keeps log and database under --data: unset it for `fathom up`"
        ))),
        None => Ok(()),
    }
}

/// A node that has written nothing yet may still be starting; a folder that is not there is a mistake.
fn node_folder(path: &Path) -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let path = path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| home.join(rest));
    if path.is_dir() {
        return Ok(path);
    }
    Err(Failure::Usage(format!(
        "there is no Hyperliquid node's data folder at {}: run one with `hl-visor run-non-validator --write-fills \
         --batch-by-block --disable-output-file-buffering` and name its data folder with --node, or see a simulated \
         market with `fathom up --demo`",
        path.display()
    )))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|cause| {
        Failure::because(
            format!("cannot listen on {address}: stop what does, or choose another address with --http"),
            cause,
        )
    })
}

/// Prints where things are as soon as they answer with data.
fn announce_when_ready(shared: &Shared, data: &DataDir, address: SocketAddr, began: Instant) {
    let stored = || shared.stats.has_results.load(Ordering::Relaxed);
    let said_after = Duration::from_secs(10);
    let mut waited = false;
    while !stored() && !shared.stop.asked() {
        let seen = shared.log.commits();
        shared.log.wait(seen, Duration::from_millis(100));
        if !waited && began.elapsed() > said_after {
            waited = true;
            info!("http://{address} is up, without data so far");
        }
    }
    if shared.stop.asked() {
        return;
    }
    println!(
        "\nFathom follows the {} market. Ready after {:.1} s; data in {}\n\n  \
         http://{address}/\n\n  \
         curl -s http://{address}/api/v1/long-short-ratio/BTC\n  \
         curl -s 'http://{address}/api/v1/positions?coin=BTC&limit=5'\n\n\
         How far it is: fathom status --data {}.  Ctrl-C ends it; started again it goes on where it was.\n",
        data.market.name(),
        began.elapsed().as_secs_f32(),
        data.path().display(),
        data.path().display(),
    );
}
