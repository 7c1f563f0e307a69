//! The log and the rows of the bench → the API over them, as `fathom api` serves it, without limits; and beside it the same
//! once more, with a database that says by which plans it answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use api::{Database, Live, Plans};
use schemas::GENERATION;
use tokio::runtime::Runtime;

use crate::args::Serving;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use crate::log::embedded::Embedded;
use crate::run::roles::Roles;
use crate::run::server::{self, Server};
use crate::run::{Shared, api as api_role};
use crate::stop::{Stop, Upstream};

pub struct Served {
    pub address: SocketAddr,
    /// Where each answer is explained.
    pub explained: SocketAddr,
    pub plans: Plans,
    shared: Shared,
    roles: Roles,
    servers: [Server; 2],
}

impl Served {
    pub fn start(url: &str, data: &DataDir, runtime: &Runtime) -> Result<Self, Failure> {
        let shared = Shared::new(Arc::new(Embedded::open(&data.log(), GENERATION)?), Stop::new(), false);
        let opened = runtime.block_on(api::open_database(url));
        let database = opened.map_err(|cause| Failure::because("could not open the database to read it", cause))?;
        let (live, plans, mut roles) = (Live::new(shared.stop.watch()), Plans::default(), Roles::new(&shared));
        let fed = live.clone();
        roles.start("feed", &Upstream::default(), move |shared| api_role::feed(shared, &fed, &Upstream::default()));
        runtime.block_on(live.is_known_or_ends());
        let explaining = Database::Explained(Box::new(database.clone()), plans.clone());
        let (first, address) = serve(&shared, database, &live, runtime)?;
        let (second, explained) = serve(&shared, explaining, &live, runtime)?;
        Ok(Self { address, explained, plans, shared, roles, servers: [first, second] })
    }

    pub fn end(self, runtime: &Runtime) {
        self.shared.stop.ask();
        self.servers.into_iter().for_each(|server| server.end(runtime));
        // Everything has been asked: how the feed ends is nothing that was measured.
        let _ = self.roles.wait();
    }
}

fn serve(shared: &Shared, database: Database, live: &Live, runtime: &Runtime) -> Result<(Server, SocketAddr), Failure> {
    let serving = Serving { rate_limit: 0, ..Serving::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))) };
    let (listener, address) = server::listen(serving.http, runtime, "--http")?;
    let (market, gate) = (data_dir::Market::Simulated, serving.gate(None));
    let context = api_role::context(shared, market, "a temporary folder", database, live.clone(), gate)?;
    Ok((
        Server::start(listener, api::router(&api::Serving::of(context.into())), serving.most(), &shared.stop, runtime),
        address,
    ))
}
