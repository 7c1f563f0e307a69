//! A connection for which there is no room → one reply that says so.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;

/// Put into a request by whoever holds the connections: why this one has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// There are as many as there may be.
    ForAnyone,
    /// Its address has as many as one may have.
    ForTheAddress,
}

pub(super) async fn turn_away(request: Request, next: Next) -> Result<Response, ApiError> {
    match request.extensions().get::<NoRoom>() {
        Some(why) => Err(ApiError::NoRoom(*why)),
        None => Ok(next.run(request).await),
    }
}
