//! `/api/v1/ws`: subscriptions to live results. A subscription begins with the rows as they are and goes on with every
//! result that is not in them: no seam, nothing twice.

mod allowance;
mod connection;
mod ending;
pub(crate) mod forms;
pub(crate) mod frames;
mod request;
mod writer;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use crate::Serving;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::gate::Caller;

pub(crate) use ending::Ending;

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "Live results, over WebSocket",
        description:
            "subscriptions, each of which begins with the rows as they are and goes on with every result after \
             them: no seam, nothing twice"
                .to_owned(),
        parameters: Vec::new(),
        answer: Answer::WebSocket,
        examples: &[],
    };
    Endpoint::new("/api/v1/ws", get(upgrade), operation)
}

async fn upgrade(
    State(serving): State<Serving>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_| ApiError::NotAWebSocket)?;
    let context = serving.now();
    context.live.known_present()?;
    // Beyond what is allowed, so that a client that sends too much can still be told.
    // Nothing is chosen by it: it stands beside the key, of which nothing is told back.
    let limited = upgrade.protocols(["fathom"]).max_message_size(4 * MESSAGE_BYTES).max_frame_size(4 * MESSAGE_BYTES);
    let limited = limited.read_buffer_size(READ_BYTES).write_buffer_size(WRITE_BYTES);
    let pass = context.gate.pass(&headers);
    Ok(limited.on_upgrade(move |socket| connection::serve(socket, serving, pass, caller)))
}

/// What a client may send in one message.
const MESSAGE_BYTES: usize = 64 * 1024;
/// Clients say little: what is set aside to hear each of them is small.
const READ_BYTES: usize = 4 * 1024;
/// What has gone in here is told, however old it is by the time the client takes it.
const WRITE_BYTES: usize = 16 * 1024;
