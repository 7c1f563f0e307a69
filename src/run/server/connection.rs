//! One connection: bytes in, requests to the application, replies out. Whoever sends no request, or takes no reply, for
//! long is cut off; a connection that became a WebSocket looks after itself.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use api::NoRoom;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::line::Line;
use super::room::Guest;
use crate::stop::Stop;

/// What is expected of clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// The head of a request comes within this time, also that of the next one on the same connection.
    pub(super) head_within: Duration,
    /// Something of what is sent is taken within this time.
    pub(super) taken_within: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self { head_within: Duration::from_secs(30), taken_within: Duration::from_secs(30) }
    }
}

/// What is read of a head before it is refused as too large: more than the application takes, so that most hear it said.
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS: usize = 256;
/// Whoever is turned away has this long to hear it.
const TURNED_AWAY_WITHIN: Duration = Duration::from_secs(5);

/// Serves a client until it goes, or until everything ends.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    guest: Guest,
    app: Router,
    manners: Manners,
    stop: Stop,
) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        app.call(request)
    });
    let line = Line::new(stream, manners.taken_within, Some(guest));
    let mut connection = pin!(protocol(manners).serve_connection(TokioIo::new(line), service).with_upgrades());
    tokio::select! {
        // A client that broke off, or said what is no HTTP, has been answered as far as that is possible.
        _ = &mut connection => return,
        () = stop.wait() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Answers whatever is asked with why there is no room, and closes.
pub(super) async fn turn_away(stream: TcpStream, address: SocketAddr, why: NoRoom, app: Router, manners: Manners) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(async |mut request: Request<Incoming>| -> Result<Response, Infallible> {
        request.extensions_mut().insert(ConnectInfo(address));
        request.extensions_mut().insert(why);
        app.call(request).await
    });
    let line = Line::new(stream, manners.taken_within, None);
    let telling = protocol(manners).keep_alive(false).serve_connection(TokioIo::new(line), service);
    let _ = timeout(TURNED_AWAY_WITHIN, telling).await;
}

fn protocol(manners: Manners) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(manners.head_within)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES);
    protocol
}
