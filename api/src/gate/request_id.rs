//! A request → the same with a name, which stands in its reply and in each line of the log that speaks of it.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// Whoever asks may have given it one already.
pub(super) async fn named(request: Request, next: Next) -> Response {
    let given = request.headers().get(X_REQUEST_ID).and_then(|given| given.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(a_new_one, str::to_owned);
    // Without what is asked: a query may hold what is nobody's business.
    let span = tracing::info_span!("request", %id, method = %request.method(), path = request.uri().path());
    let began = Instant::now();
    let answered = async {
        let response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), ms = began.elapsed().as_millis() as u64, "answered");
        response
    };
    let mut response = answered.instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// Nothing that could pass for something else in a log.
fn is_plain(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_plain)
}

/// Two processes hardly ever make the same one.
fn a_new_one() -> String {
    static PROCESS: LazyLock<u32> = LazyLock::new(|| RandomState::new().hash_one(()) as u32);
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{:08x}-{:08x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}
