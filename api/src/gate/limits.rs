//! A request → its reply, within bounds: of what is asked, of what comes with it, and of how long it may take. Replies that
//! are streams and WebSockets have begun when this is over, and are not cut.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;
use tokio::time::timeout;

use crate::error::ApiError;

/// Far more than any question here takes; what servers along the way allow as well.
const ADDRESS_BYTES: usize = 4 * 1024;
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 * 1024;
const BODY_BYTES: usize = 64 * 1024;
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// Longer than the database may take for one question.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn bounded(request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    check_head(&parts)?;
    let body = whole(body).await?;
    let answering = AssertUnwindSafe(next.run(Request::from_parts(parts, body))).catch_unwind();
    match timeout(PATIENCE, answering).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(ApiError::Panicked),
        Err(_) => Err(ApiError::TookTooLong),
    }
}

fn check_head(parts: &Parts) -> Result<(), ApiError> {
    let address = parts.uri.path_and_query().map_or(0, |address| address.as_str().len());
    if address > ADDRESS_BYTES {
        return Err(ApiError::AddressTooLong { most: ADDRESS_BYTES });
    }
    // No name holds it, and not every database takes it.
    if parts.uri.path_and_query().is_some_and(|address| address.as_str().contains("%00")) {
        return Err(ApiError::NulInAddress);
    }
    let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if parts.headers.len() > HEADERS || bytes > HEADER_BYTES {
        return Err(ApiError::HeadersTooLarge { headers: HEADERS, bytes: HEADER_BYTES });
    }
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES as u64) {
        return Err(ApiError::BodyTooLarge { most: BODY_BYTES });
    }
    Ok(())
}

/// All of what was sent, so that whoever sends it slowly keeps nobody waiting but this.
async fn whole(body: Body) -> Result<Body, ApiError> {
    if body.is_end_stream() {
        return Ok(body);
    }
    match timeout(BODY_PATIENCE, to_bytes(body, BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(Body::from(bytes)),
        // Or the client is gone, and hears nothing anyway.
        Ok(Err(_)) => Err(ApiError::BodyTooLarge { most: BODY_BYTES }),
        Err(_) => Err(ApiError::BodyTooSlow),
    }
}
