//! The info endpoint, asked by one process at a time, since an address has one budget → the markets' terms, and the
//! accounts of wallets.

use std::sync::Arc;

use parser::{Budget, InfoClient};
use schemas::topics;
use tokio::runtime::Handle;

use super::accounts::{self, Accounts};
use super::tasks::{self, Lease};
use super::{Exchange, Shared, markets};
use crate::failure::Failure;

pub const STAGE: &str = "parser.info";

pub fn run(shared: &Shared, exchange: &Exchange, wanted: &Accounts, runtime: &Handle) -> Result<(), Failure> {
    tasks::keep(shared, STAGE, &topics::STATE_PARSER_INFO, |shared, _, lease| {
        runtime.block_on(task(shared, exchange, wanted, lease))
    })
}

async fn task(shared: &Shared, exchange: &Exchange, wanted: &Accounts, lease: &Lease) -> Result<(), Failure> {
    let client = InfoClient::sharing(&exchange.info, Arc::new(Budget::recorded()));
    let client = client.map_err(|error| Failure::because(error.to_string(), error))?;
    let client = match &exchange.node_info {
        Some(url) => client.with_node(url),
        None => client,
    };
    // The budget is kept in the state of the accounts: without them, nothing is asked.
    let accounts = accounts::follow(shared, client.clone(), wanted, lease);
    tokio::try_join!(accounts, markets::poll(shared, &client, exchange.wants_spot, lease)).map(drop)
}
