//! Every way into the market that a process reads, each as a role.

use std::path::PathBuf;

use ::parser::StreamConfig;
use schemas::Wallet;
use tokio::runtime::Runtime;

use super::accounts::Accounts;
use super::healing::{self, Healing};
use super::roles::Roles;
use super::{Exchange, info, misc_events, parser, public_feed};
use crate::stop::Upstream;

/// Where facts come from.
#[derive(Debug)]
pub struct Ways {
    /// Data folders of nodes that see the same blocks.
    pub nodes: Vec<PathBuf>,
    /// Others that give the same, over WebSocket.
    pub streams: Vec<StreamConfig>,
    pub archives: Vec<PathBuf>,
    pub exchange: Exchange,
    /// Whose accounts are followed, besides those with the largest positions.
    pub wallets: Vec<Wallet>,
}

/// The fills of nodes and streams where there are any, and what the exchange tells everybody.
pub fn start(roles: &mut Roles, ways: Ways, simulated: Upstream, parsed: &Upstream, runtime: &Runtime) {
    let Ways { nodes, streams, archives, exchange, wallets } = ways;
    let has_node = !nodes.is_empty();
    let has_fills = has_node || !streams.is_empty();
    if has_node {
        let (folders, upstream) = (nodes.clone(), simulated.clone());
        roles.start("misc events", parsed, move |shared| misc_events::run(shared, &folders, &upstream));
    }
    if has_fills {
        let healing = Healing::new();
        let (found, handle) = (healing.clone(), runtime.handle().clone());
        let origins = parser::Origins { nodes, streams };
        roles.start("parser", parsed, move |shared| parser::run(shared, &origins, &found, &simulated, &handle));
        if !archives.is_empty() {
            roles.start("healing", parsed, move |shared| healing::run(shared, &archives, &healing));
        }
    }
    let (handle, endpoint) = (runtime.handle().clone(), exchange.clone());
    let wanted = Accounts { url: endpoint.info.clone(), named: wallets, has_node, has_fills };
    roles.start("info", parsed, move |shared| info::run(shared, &endpoint, &wanted, &handle));
    let handle = runtime.handle().clone();
    roles.start("public feed", parsed, move |shared| public_feed::run(shared, &exchange, &handle));
}

/// Folders as they were named on the command line.
pub mod folders {
    use std::path::{Path, PathBuf};

    use tracing::info;

    use crate::failure::Failure;

    /// Where a node writes when it is not told otherwise.
    const USUAL_NODE: &str = "hl/data";

    /// The nodes' data folders. One that was named and is not there is a mistake; without any, and without a stream, the
    /// public feed is all.
    pub fn nodes(named: &[PathBuf], has_streams: bool) -> Result<Vec<PathBuf>, Failure> {
        if !named.is_empty() {
            return named.iter().map(|path| node(path)).collect();
        }
        let usual = home().join(USUAL_NODE);
        if usual.is_dir() {
            return Ok(vec![usual]);
        }
        if has_streams {
            return Ok(Vec::new());
        }
        info!(
            "there is no Hyperliquid node's data folder at {}: the public feed has prices and trades, but positions, \
             ratios and liquidations need the fills of a node (--node, or --stream for somebody else's)",
            usual.display()
        );
        Ok(Vec::new())
    }

    pub fn archives(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let archive = |path: &PathBuf| {
            let path = at_home(path);
            let nothing =
                || format!("there is no archive's folder at {}: --archive names one that is there", path.display());
            if path.is_dir() { Ok(path) } else { Err(Failure::Usage(nothing())) }
        };
        named.iter().map(archive).collect()
    }

    fn node(named: &Path) -> Result<PathBuf, Failure> {
        let path = at_home(named);
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

    pub fn at_home(path: &Path) -> PathBuf {
        path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| home().join(rest))
    }

    fn home() -> PathBuf {
        std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default()
    }
}
