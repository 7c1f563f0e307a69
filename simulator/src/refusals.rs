//! Refusals that nobody has deserved: requests and new connections are counted; now and then one is refused, the way
//! the proxies before the exchange do it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::faults::Fault;
use crate::feed::Feed;

#[derive(Clone)]
pub(crate) struct Refusals {
    feed: Feed,
    requests: Arc<AtomicU64>,
}

/// So many in a thousand say that it was too much, the others that nobody answers behind the proxy.
const TOO_MANY_PER_MILLE: u64 = 500;

impl Refusals {
    pub(crate) fn new(feed: Feed) -> Self {
        Self { feed, requests: Arc::default() }
    }

    /// What the next request gets instead of an answer.
    pub(crate) fn next(&self) -> Option<Response> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.feed.hits(Fault::Refusals, request).then(|| self.page(request))
    }

    fn page(&self, request: u64) -> Response {
        let too_many = self.feed.dice(Fault::Refusals, request).happens(TOO_MANY_PER_MILLE);
        let status = if too_many { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::BAD_GATEWAY };
        let page = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
             <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
        );
        (status, Html(page)).into_response()
    }
}
