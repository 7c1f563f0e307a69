//! The simulated market of `fathom up --demo`: it writes a node's files and answers as the exchange does, and everything
//! else reads it through the real sources.

use std::net::SocketAddr;

use simulator::Simulator;
use tokio::runtime::Runtime;

use super::Shared;
use super::public_feed::Exchange;
use super::roles::Roles;
use super::server;
use super::sources::Ways;
use crate::args::Up;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::stop::Upstream;

/// Of the simulated node's files: the pipeline is never more than moments behind them.
const MARKET_HOURS: usize = 4;

/// Starts the market; gives back its node folder and where the exchange is.
pub fn start_market(
    args: &Up,
    data: &DataDir,
    roles: &mut Roles,
    market: &Upstream,
    runtime: &Runtime,
) -> Result<Ways, Failure> {
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
        layouts: simulator::Layouts::default(),
        second_node: false,
        faults: simulator::Faults::default(),
    };
    let mut simulator = Simulator::open(options).map_err(|error| Failure::because(error.to_string(), error))?;
    let feed = simulator.feed();
    roles.start("simulator", market, move |shared| run_market(simulator, shared));
    let (listener, address) = server::listen(SocketAddr::from(([127, 0, 0, 1], 0)), runtime, "--http")?;
    let stop = roles.shared.stop.clone();
    runtime.spawn(simulator::serve(listener, feed, async move { stop.wait().await }));
    let exchange = Exchange {
        info: format!("http://{address}/info"),
        node_info: None,
        feed: format!("ws://{address}/ws"),
        wants_spot: false,
    };
    Ok(Ways { nodes: vec![out], streams: Vec::new(), archives: Vec::new(), exchange, wallets: Vec::new() })
}

fn run_market(mut simulator: Simulator, shared: &Shared) -> Result<(), Failure> {
    simulator.run(shared.stop.flag()).map(drop).map_err(|error| Failure::because(error.to_string(), error))
}
