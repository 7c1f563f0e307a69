//! Which pages of other sites may read replies in a browser.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What a browser may forget what it was allowed after.
const REMEMBERED: Duration = Duration::from_secs(600);

pub(super) fn layer(origins: &[HeaderValue]) -> CorsLayer {
    let told = ["x-request-id", "x-fathom-simulated"].map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(allowed(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, HeaderName::from_static("x-api-key")])
        .expose_headers(told.into_iter().chain([RETRY_AFTER]).collect::<Vec<_>>())
        .max_age(REMEMBERED)
}

fn allowed(origins: &[HeaderValue]) -> AllowOrigin {
    if origins.iter().any(|origin| origin == "*") { AllowOrigin::any() } else { AllowOrigin::list(origins.to_vec()) }
}
