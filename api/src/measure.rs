//! Requests and frames → what is counted of them. The names are told in the table of metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Gauge, counter, gauge, histogram};

use crate::time_of_day::now;

/// Counts a request by the pattern of its path: what a client can invent makes no series.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().into());
    let method = known(request.method());
    let began = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let counted =
        counter!("fathom_http_requests_total", "method" => method, "route" => route.clone(), "status" => status);
    counted.increment(1);
    histogram!("fathom_http_request_seconds", "route" => route).record(began.elapsed());
    response
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts one as long as it is held.
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn connection() -> Self {
        Self::one(gauge!("fathom_ws_connections"))
    }

    pub(crate) fn subscription() -> Self {
        Self::one(gauge!("fathom_ws_subscriptions"))
    }

    pub(crate) fn replay() -> Self {
        Self::one(gauge!("fathom_replays"))
    }

    fn one(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A client read too slowly.
pub(crate) fn lagged() {
    counter!("fathom_ws_lagged_total").increment(1);
}

/// Frames on their way to a socket, by when what they tell was received.
#[derive(Default)]
pub(crate) struct Written {
    frames: u64,
    received: Vec<i64>,
}

impl Written {
    pub(crate) fn frame(&mut self, received: Option<i64>) {
        self.frames += 1;
        self.received.extend(received);
    }

    /// They have left.
    pub(crate) fn flush(&mut self) {
        counter!("fathom_ws_frames_total").increment(std::mem::take(&mut self.frames));
        let (latency, now) = (histogram!("fathom_latency_seconds", "hop" => "websocket"), now());
        for received in self.received.drain(..) {
            latency.record((now - received).max(0) as f64 / 1_000.0);
        }
    }
}

/// What has not happened yet is told as nothing.
pub(crate) fn begin() {
    drop((Counted::connection(), Counted::subscription(), Counted::replay()));
    counter!("fathom_ws_lagged_total").increment(0);
    Written::default().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_nobody_knows_makes_no_series_of_its_own() {
        assert_eq!(known(&Method::GET), "GET");
        assert_eq!(Method::from_bytes(b"INVENTED").map(|method| known(&method)).ok(), Some("other"));
    }
}
