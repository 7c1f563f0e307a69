//! The one form of every reply: `data` with what it stands on, or `error`.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemas::ResultClock;
use serde::Serialize;
use serde_json::json;
use serde_json::value::to_raw_value;

use crate::as_it_was::AsItWas;
use crate::error::ApiError;
use crate::standing::Standing;
use crate::{Context, caching};

#[derive(Serialize)]
pub(crate) struct Reply<T> {
    pub(crate) data: T,
    pub(crate) meta: Meta,
}

/// What the data stand on.
#[derive(Serialize)]
pub(crate) struct Meta {
    pub(crate) next_cursor: Option<String>,
    /// No page follows, and no block is missing in any row.
    pub(crate) complete: bool,
    /// The latest clock that a row stands on; the rows say everything up to it.
    pub(crate) as_of: Option<i64>,
    /// Everything up to this event time, and this block, is in the rows; unknown where results have no clock.
    pub(crate) watermark: Option<i64>,
    pub(crate) block_height: Option<u64>,
    pub(crate) generation: u32,
    pub(crate) simulated: bool,
    /// The offset behind the last record that is in the rows, per partition.
    pub(crate) source: BTreeMap<String, u64>,
    pub(crate) coverage: Coverage,
    /// What the data were computed from once more, where they are of a moment that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recomputed: Option<Recomputed>,
    pub(crate) schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) definition: Option<&'static str>,
    /// Why there are no data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    /// Nothing will change the data any more.
    #[serde(skip)]
    pub(crate) is_settled: bool,
}

#[derive(Serialize)]
pub(crate) struct Recomputed {
    /// The clock of the state that it began with; nothing where that were the first records.
    snapshot: Option<i64>,
    records: u64,
}

#[derive(Serialize)]
pub(crate) struct Coverage {
    method: &'static str,
    source: &'static str,
    /// What happened before this is not known.
    since_block: Option<u64>,
    since_time: Option<i64>,
}

impl Coverage {
    /// Not computed from fills, but told by the exchange.
    pub(crate) const METADATA: Self =
        Self { method: "exact", source: "info endpoint", since_block: None, since_time: None };
    /// Valued by the exchange, and told as it is.
    pub(crate) const PUBLIC_FEED: Self =
        Self { method: "exact", source: "public feed", since_block: None, since_time: None };
    /// What somebody has asked for.
    pub(crate) const ASKED_FOR: Self =
        Self { method: "exact", source: "requests", since_block: None, since_time: None };
    /// What sources tell of themselves.
    pub(crate) const REPORTS: Self =
        Self { method: "exact", source: "reports of the sources", since_block: None, since_time: None };
    const FILLS: Self = Self { method: "exact", source: "node fills", since_block: None, since_time: None };
}

impl Meta {
    pub(crate) fn new(context: &Context, standing: &Standing, schema: &'static str) -> Self {
        let clock = standing.clock();
        let (since_block, since_time) = clock.map(|clock| (clock.since_block, clock.since_time)).unzip();
        Self {
            next_cursor: None,
            complete: true,
            as_of: None,
            watermark: clock.map(|clock| clock.time),
            block_height: clock.map(|clock| clock.block),
            generation: context.generation,
            simulated: context.simulated,
            source: standing.source(),
            coverage: Coverage { since_block, since_time, ..Coverage::FILLS },
            recomputed: None,
            schema,
            definition: None,
            reason: None,
            is_settled: false,
        }
    }

    /// Of how things stood, which nothing will change any more.
    pub(crate) fn as_it_was(context: &Context, was: &AsItWas, schema: &'static str) -> Self {
        let ResultClock { time, block, since_time, since_block } = was.clock;
        let coverage = Coverage { since_block: Some(since_block), since_time: Some(since_time), ..Coverage::FILLS };
        Self {
            as_of: Some(time),
            watermark: Some(time),
            block_height: Some(block),
            coverage,
            recomputed: Some(Recomputed { snapshot: was.snapshot, records: was.records }),
            ..Self::new(context, &Standing::of_state(&[], &BTreeMap::new(), &BTreeMap::new()), schema)
        }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match to_raw_value(&self.data) {
            Ok(data) => {
                (caching::headers(data.get(), &self.meta), Json(Reply { data, meta: self.meta })).into_response()
            }
            // What cannot be written is told as it was always told: as a fault of ours.
            Err(_) => Json(self).into_response(),
        }
    }
}

/// Gives errors their body, also those that were found before anything of ours was asked.
pub(crate) async fn say_errors(State(context): State<Arc<Context>>, response: Response) -> Response {
    let is_plain = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let (head, body) = response.into_parts();
    let error = match head.extensions.get::<Arc<ApiError>>() {
        Some(error) => Arc::clone(error),
        None if is_plain && head.status.is_client_error() => Arc::new(unread(head.status, body).await),
        None => return Response::from_parts(head, body),
    };
    if error.status().is_server_error() {
        tracing::warn!(%error, cause = error.source(), "a request was not answered");
    }
    // What else was said of it stays: what else may be asked here, and how much.
    let mut told = said(&error, context.simulated);
    let of_the_error = std::mem::replace(told.headers_mut(), head.headers);
    told.headers_mut().remove(CONTENT_LENGTH);
    told.headers_mut().extend(of_the_error);
    told
}

async fn unread(status: StatusCode, body: Body) -> ApiError {
    let said = to_bytes(body, LONGEST_SENTENCE).await.unwrap_or_default();
    ApiError::Unread { status, said: String::from_utf8_lossy(&said).into_owned() }
}

fn said(error: &ApiError, simulated: bool) -> Response {
    let form = json!({
        "error": { "code": error.code(), "message": error.to_string(), "details": error.details() },
        "simulated": simulated,
    });
    let mut response = (error.status(), Json(form)).into_response();
    response.headers_mut().extend(error.retry_after().map(|seconds| (RETRY_AFTER, seconds.into())));
    if error.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

const LONGEST_SENTENCE: usize = 4 * 1024;
