//! `fathom up`: every role in one process. Log and database are under one directory, or on Kafka and Postgres where
//! those are named.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use schemas::GENERATION;
use tokio::runtime::Runtime;
use tracing::info;

use super::generations::{Generations, Parts};
use super::roles::Roles;
use super::server::{self, Server};
use super::{Shared, admin, alone, api as api_role, database, demo, market, metrics_listener, sources};
use crate::args::Up;
use crate::control;
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::log::embedded::Embedded;
use crate::stats;
use crate::stop::{Stop, Upstream};

pub fn up(args: Up) -> Result<(), Failure> {
    let began = Instant::now();
    up_while(args, |shared, data, address| announce_when_ready(shared, data, address, began))
}

/// Runs everything. When all of it has been started this is called, and what it returns is returned in the end.
pub fn up_while<T>(args: Up, meanwhile: impl FnOnce(&Shared, &DataDir, SocketAddr) -> T) -> Result<T, Failure> {
    let market = if args.demo || args.sources.simulated { Market::Simulated } else { Market::Mainnet };
    let ways = if args.demo { None } else { Some(args.sources.ways()?) };
    let keys = args.serving.keys()?;
    let data = DataDir::take(&args.data.path, market)?;
    let runtime = runtime()?;
    let (listener, address) = server::listen(args.serving.http, &runtime, "--http")?;
    let stop = Stop::new();
    runtime.spawn(stop.clone().listen());

    let shared = open(&args, &data, stop)?;
    market::mark(&shared, market)?;
    let url = args.database.url_or(&data);
    let [simulated, parsed, apart] = std::array::from_fn(|_| Upstream::default());
    let kept = data.path().display().to_string();
    let context = api_role::context_by(&args.serving, keys.as_ref(), (market, kept), &url, &runtime, &shared.stop);
    let parts = Parts {
        computes: true,
        keeps_house: true,
        only: None,
        rows: Some(database::rows_by(&url, args.keep.keeping(), &runtime, &shared.stop)),
        context: Some(context),
    };
    // Whoever sees that something is at work may ask at once.
    let metrics = metrics_listener::start(&args.metrics, &shared, &runtime)?;
    let owner = Arc::new(control::Owner::new(&data, &shared, address, metrics));
    let control = control::Server::start(&data, &owner, &runtime)?;
    let admin = admin::start(&args.serving, keys.clone(), || owner.answers(), &shared.stop, &runtime)?;
    let mut generations = Generations::begin(&shared, parts, &parsed, runtime.handle())?;
    let (serving, present) = (generations.serving()?, generations.live());
    let server = Server::start(listener, ::api::router(&serving), args.serving.most(), &shared.stop, &runtime);

    let mut roles = Roles::new(&shared);
    let ways = match ways {
        Some(ways) => ways,
        None => demo::start_market(&args, &data, &mut roles, &simulated, &runtime)?,
    };
    sources::start(&mut roles, ways, simulated, &parsed, &runtime);
    roles.start("generations", &apart, move |_| generations.run());

    if let Some(present) = present {
        runtime.block_on(present.is_known_or_ends());
    }
    let made = meanwhile(&shared, &data, address);
    let outcome = roles.wait();
    server.end(&runtime);
    drop(admin);
    drop(control);
    runtime.shutdown_timeout(Duration::from_millis(200));
    if outcome.is_ok() {
        info!("everything is committed; started again it goes on here");
    }
    outcome.map(|()| made)
}

fn open(args: &Up, data: &DataDir, stop: Stop) -> Result<Shared, Failure> {
    let (drains, rules) = (args.demo || args.sources.simulated, args.rules.rules());
    match args.kafka.settings()? {
        Some(settings) => Ok(Shared { rules, ..alone::open(settings, stop, drains)? }),
        None => {
            let log = Arc::new(Embedded::open(&data.log(), GENERATION)?);
            Ok(Shared { rules, ..Shared::new(log, stop, drains) })
        }
    }
}

pub fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::because("could not start the runtime", cause))?;
    runtime.spawn(stats::keep());
    Ok(runtime)
}

/// Prints where things are as soon as they answer with data.
fn announce_when_ready(shared: &Shared, data: &DataDir, address: SocketAddr, began: Instant) {
    let stored = || shared.stats.has_results.load(Ordering::Relaxed);
    let said_after = Duration::from_secs(10);
    let mut waited = false;
    while !stored() && !shared.stop.asked() {
        shared.stop.rest(Duration::from_millis(50));
        if !waited && began.elapsed() > said_after {
            waited = true;
            info!("http://{address} is up, without positions so far");
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
