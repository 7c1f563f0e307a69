//! The HTTP server as a role: bound at once, so that an address in use is said before anything else begins.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use api::{Context, Live};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::Shared;
use crate::failure::Failure;

/// So long clients may take to hear that the server ends.
const FAREWELL: Duration = Duration::from_millis(500);

pub struct Server {
    serving: JoinHandle<std::io::Result<()>>,
    live: Live,
}

impl Server {
    pub fn start(listener: TcpListener, context: Context, shared: &Shared, runtime: &Runtime) -> Self {
        let (live, ended) = (context.live.clone(), shared.stop.clone());
        let app = api::router(context);
        // A frame goes when it is made. Where that cannot be set it goes a little later.
        let listener = listener.tap_io(|client| drop(client.set_nodelay(true)));
        let server = axum::serve(listener, app).with_graceful_shutdown(async move { ended.wait().await });
        Self { serving: runtime.spawn(server.into_future()), live }
    }

    /// Clients hear that it is over, and have a moment to go.
    pub fn end(self, runtime: &Runtime) {
        let farewell = Instant::now();
        while self.live.has_clients() && farewell.elapsed() < FAREWELL {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let _ = runtime.block_on(async { tokio::time::timeout(FAREWELL, self.serving).await });
    }
}

pub fn listen(address: SocketAddr, runtime: &Runtime) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(|cause| {
        Failure::because(
            format!("cannot listen on {address}: stop what does, or choose another address with --http"),
            cause,
        )
    })?;
    let bound = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;
    Ok((listener, bound))
}
