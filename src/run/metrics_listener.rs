//! What was counted → `/metrics`, on an address of its own, for whoever keeps the process running.

use std::future::IntoFuture as _;
use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::info;

use super::Shared;
use crate::args::MetricsArgs;
use crate::failure::Failure;

/// Where they are served, if they are.
pub fn start(args: &MetricsArgs, shared: &Shared, runtime: &Runtime) -> Result<Option<SocketAddr>, Failure> {
    let Some(address) = args.address else { return Ok(None) };
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(|cause| {
        let why = format!("cannot listen on {address}: stop what does, or choose another address with --metrics");
        Failure::because(why, cause)
    })?;
    let bound = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;
    runtime.spawn(axum::serve(listener, router(shared)).into_future());
    info!("metrics are at http://{bound}/metrics");
    Ok(Some(bound))
}

fn router(shared: &Shared) -> Router {
    let shared = shared.clone();
    let metrics =
        async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], shared.stats.render(shared.log.as_ref()));
    Router::new().route("/metrics", get(metrics)).route("/health/live", get(async || "live\n"))
}
