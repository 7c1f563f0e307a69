//! `fathom parser`, `computer`, `sink`, `api`: one role in a process of its own, on Kafka. As many may run as there is
//! work for: partitions are shared out, and whoever is too many waits until it is needed.

use std::net::SocketAddr;
use std::sync::Arc;

use schemas::GENERATION;
use tokio::runtime::Runtime;
use tracing::info;

use super::generations::{self, Generations, Parts};
use super::roles::Roles;
use super::server::{self, Server};
use super::{Shared, admin, api as api_role, database, market, metrics_listener, sources, up};
use crate::args::{ApiRole, ComputerRole, KafkaArgs, MetricsArgs, ParserRole, SinkRole};
use crate::control::answers_on_kafka;
use crate::data_dir::Market;
use crate::failure::Failure;
use crate::log::kafka::{Kafka, Settings};
use crate::stop::{Stop, Upstream};

pub fn parser(args: ParserRole) -> Result<(), Failure> {
    let settings = settings("parser", &args.kafka)?;
    let ways = args.sources.ways()?;
    let process = Process::begin("parser", settings, &args.metrics)?;
    let market = if args.sources.simulated { Market::Simulated } else { Market::Mainnet };
    market::mark(&process.shared, market)?;
    let mut roles = Roles::new(&process.shared);
    let (nobody, parsed) = (Upstream::default(), Upstream::default());
    sources::start(&mut roles, ways, nobody, &parsed, &process.runtime);
    process.run(roles)
}

pub fn computer(args: ComputerRole) -> Result<(), Failure> {
    let mut process = Process::begin("computer", settings("computer", &args.kafka)?, &args.metrics)?;
    process.shared.rules = args.rules.rules();
    let only = match args.generation {
        Some(number) => number,
        None => generations::known(process.shared.log.as_ref())?.told,
    };
    process.run_for_each(Parts { computes: true, keeps_house: false, only: Some(only), rows: None, context: None })
}

pub fn sink(args: SinkRole) -> Result<(), Failure> {
    let (settings, url) = (settings("sink", &args.kafka)?, args.database.url()?);
    let process = Process::begin("sink", settings, &args.metrics)?;
    let rows = database::rows_by(&url, args.keep.keeping(), &process.runtime, &process.shared.stop);
    process.run_for_each(Parts { computes: false, keeps_house: false, only: None, rows: Some(rows), context: None })
}

pub fn api(args: ApiRole) -> Result<(), Failure> {
    let (settings, url) = (settings("api", &args.kafka)?, args.database.url()?);
    let keys = args.serving.keys()?;
    let process = Process::begin("api", settings, &args.metrics)?;
    let Process { shared, runtime } = &process;
    let (listener, address) = server::listen(args.serving.http, runtime, "--http")?;
    let Some(market) = market::wait_for(shared)? else { return Ok(()) };
    let of = (market, args.kafka.shown());
    let context = api_role::context_by(&args.serving, keys.as_ref(), of, &url, runtime, &shared.stop);
    let parts = Parts { computes: false, keeps_house: true, only: None, rows: None, context: Some(context) };
    let mut generations = Generations::begin(shared, parts, &Upstream::default(), runtime.handle())?;
    let serving = generations.serving()?;
    let server = Server::start(listener, ::api::router(&serving), args.serving.most(), &shared.stop, runtime);
    let answers = || answers_on_kafka(shared, args.kafka.shown());
    let _admin = admin::start(&args.serving, keys, answers, &shared.stop, runtime)?;
    say_where(address, market);
    let mut roles = Roles::new(shared);
    roles.start("generations", &Upstream::default(), move |_| generations.run());
    let outcome = roles.wait();
    server.end(runtime);
    process.end(outcome)
}

fn say_where(address: SocketAddr, market: Market) {
    println!("Fathom serves the {} market at http://{address}/", market.name());
}

fn settings(name: &str, kafka: &KafkaArgs) -> Result<Settings, Failure> {
    kafka.settings()?.ok_or_else(|| {
        Failure::Usage(format!(
            "`fathom {name}` runs on Apache Kafka: set KAFKA_BROKERS (or --brokers) to host:port, or run everything in one process with `fathom up`"
        ))
    })
}

/// What every role in a process of its own stands on.
struct Process {
    shared: Shared,
    runtime: Runtime,
}

impl Process {
    fn begin(name: &str, settings: Settings, metrics: &MetricsArgs) -> Result<Self, Failure> {
        let brokers = settings.brokers().to_owned();
        let (runtime, stop) = (up::runtime()?, Stop::new());
        runtime.spawn(stop.clone().listen());
        let shared = open(settings, stop, false)?;
        info!("the {name} runs on Kafka at {brokers}");
        metrics_listener::start(metrics, &shared, &runtime)?;
        Ok(Self { shared, runtime })
    }

    /// Does its part for each generation that there is.
    fn run_for_each(self, parts: Parts) -> Result<(), Failure> {
        let generations = Generations::begin(&self.shared, parts, &Upstream::default(), self.runtime.handle())?;
        let mut roles = Roles::new(&self.shared);
        roles.start("generations", &Upstream::default(), move |_| generations.run());
        self.run(roles)
    }

    fn run(self, roles: Roles) -> Result<(), Failure> {
        let outcome = roles.wait();
        self.end(outcome)
    }

    fn end(self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        self.runtime.shutdown_timeout(std::time::Duration::from_millis(200));
        if outcome.is_ok() {
            info!("everything is committed; started again it goes on here");
        }
        outcome
    }
}

/// The log on Kafka, and what roles share beside it.
pub fn open(settings: Settings, stop: Stop, drains: bool) -> Result<Shared, Failure> {
    let log = Arc::new(Kafka::open(settings, GENERATION, stop.clone())?);
    Ok(Shared::new(log, stop, drains))
}
