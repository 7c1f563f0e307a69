//! What a client has already is not told again: a reply has a tag of what its data are, and how long they hold. What they
//! stand on moves with every commit and is no part of the tag.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::Request;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::reply::Meta;

/// Nothing will change it any more: rows that are final, on a page whose ends are fixed. For whoever asked alone: what
/// comes with a key is nobody else's.
const SETTLED: &str = "private, max-age=3600";
/// It may be another in the next block.
const LIVE: &str = "private, max-age=1";

/// The headers of a reply whose data are these bytes.
pub(crate) fn headers(data: &str, meta: &Meta) -> [(axum::http::HeaderName, String); 3] {
    // Of the same program the same for the same data, whichever process it is.
    let mut hasher = DefaultHasher::new();
    (data, &meta.next_cursor, meta.generation, meta.schema, meta.reason, meta.complete).hash(&mut hasher);
    let holds = if meta.is_settled { SETTLED } else { LIVE };
    [
        (ETAG, format!("W/\"{:016x}\"", hasher.finish())),
        (CACHE_CONTROL, holds.to_owned()),
        (VARY, format!("{ACCEPT}, {ACCEPT_ENCODING}")),
    ]
}

/// Answers 304 to who has it already, and keeps from being stored what says nothing of how long it holds.
pub(crate) async fn spare_what_is_known(request: Request, next: Next) -> Response {
    let known = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::OK && response.headers().get(ETAG).is_some_and(|tag| is_one_of(tag, &known)) {
        return (StatusCode::NOT_MODIFIED, what_a_cache_needs(response.headers())).into_response();
    }
    let unsaid = HeaderValue::from_static("no-store");
    response.headers_mut().entry(CACHE_CONTROL).or_insert(unsaid);
    response
}

fn what_a_cache_needs(headers: &HeaderMap) -> HeaderMap {
    let of = |name| headers.get(&name).cloned().map(|value| (name, value));
    [ETAG, CACHE_CONTROL, VARY].into_iter().filter_map(of).collect()
}

/// Tags are weak: what is said before them does not count.
fn is_one_of(tag: &HeaderValue, known: &[HeaderValue]) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str().map(bare) else { return false };
    let said = known.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    said.map(bare).any(|said| said == tag || said == "*")
}
