//! A request → whether whoever sends it may: its key opens what it asks for, and it has not asked too much.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::keys::{Scope, fingerprint, token};
use super::rates::{Allowance, Caller, seconds};
use super::{Gate, address};
use crate::Context;
use crate::error::ApiError;

pub(super) async fn checked(State(context): State<Arc<Context>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (allowance, admitted) = context.gate.admit(&mut parts);
    let mut response = match admitted {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    };
    if let Some(allowance) = allowance {
        allowance.tell(response.headers_mut());
    }
    response
}

impl Gate {
    /// What is left to the caller, where that is counted; and why it may not. Whoever answers finds who it is.
    fn admit(&self, parts: &mut Parts) -> (Option<Allowance>, Result<(), ApiError>) {
        if parts.uri.path().starts_with("/health/") {
            // Whoever keeps it running asks often, and must not be turned away.
            return (None, Ok(()));
        }
        let address = Caller::Address(address::household(address::of(parts, &self.proxies)));
        let (caller, opened) = match self.caller(parts) {
            Ok(Some(key)) => (key, Ok(())),
            Ok(None) => (address, Ok(())),
            Err(error) => (address, Err(error)),
        };
        parts.extensions.insert(caller.clone());
        let allowance = self.rates.as_ref().map(|rates| rates.ask(caller, weight(parts), Instant::now()));
        let refused = allowance.and_then(|allowance| allowance.refused_for);
        let in_time = refused.map_or(Ok(()), |wait| Err(ApiError::TooManyRequests { after: seconds(wait) }));
        (allowance, in_time.and(opened))
    }

    /// By its key, where keys are asked for.
    fn caller(&self, parts: &Parts) -> Result<Option<Caller>, ApiError> {
        let (Some(keys), Some(needed)) = (&self.keys, needed(parts)) else { return Ok(None) };
        let token = token(&parts.headers).ok_or(ApiError::NoKey)?;
        let keys = keys();
        let key = keys.of(token).ok_or(ApiError::UnknownKey)?;
        if !key.scopes.contains(&needed) {
            return Err(ApiError::ScopeMissing { needed });
        }
        Ok(Some(Caller::Key(key.id.clone())))
    }
}

/// By what somebody came in who stays: nothing, where no keys are asked for.
#[derive(Clone)]
pub(crate) struct Pass(Option<String>);

impl Pass {
    pub(crate) fn may_be_revoked(&self) -> bool {
        self.0.is_some()
    }
}

impl Gate {
    /// Of somebody who was let in with these headers.
    pub(crate) fn pass(&self, headers: &HeaderMap) -> Pass {
        Pass(self.keys.as_ref().and_then(|_| token(headers)).map(fingerprint))
    }

    /// Whether whoever has it would be let in now, to be told something.
    pub(crate) fn lets_stay(&self, Pass(fingerprint): &Pass) -> bool {
        let (Some(keys), Some(fingerprint)) = (&self.keys, fingerprint) else { return true };
        keys().with(fingerprint).is_some_and(|key| key.scopes.contains(&Scope::Read))
    }
}

/// What anybody may see who finds the way here: the page, and how to ask.
const OPEN: [&str; 4] = ["/", "/docs", "/openapi.json", "/asyncapi.json"];

fn needed(parts: &Parts) -> Option<Scope> {
    let path = parts.uri.path();
    if OPEN.contains(&path) {
        return None;
    }
    let only_asks = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method);
    Some(if only_asks { Scope::Read } else { Scope::Watch })
}

/// What is read over many rows for one reply.
const DEAR: [&str; 8] = [
    "/api/v1/liquidation-heatmap/",
    "/api/v1/liquidations/summary",
    "/api/v1/whales/positions",
    "/api/v1/wallets/leaderboard",
    "/api/v1/wallets/distribution",
    "/api/v1/data-quality/coverage",
    "/api/v1/replay",
    "/api/v1/ws",
];

/// How much of its allowance a request takes.
fn weight(parts: &Parts) -> u32 {
    let accepted = parts.headers.get(ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    let accepts = |kind: &str| accepted.windows(kind.len()).any(|part| part.eq_ignore_ascii_case(kind.as_bytes()));
    let asks = |form: &str| parts.uri.query().is_some_and(|query| query.split('&').any(|given| given == form));
    let asks_of_the_past =
        parts.uri.query().is_some_and(|query| query.split('&').any(|given| given.starts_with("as_of=")));
    match parts.uri.path() {
        _ if asks_of_the_past => 20,
        _ if asks("format=csv") || asks("format=ndjson") || accepts("text/csv") || accepts("ndjson") => 50,
        path if DEAR.iter().any(|dear| path.starts_with(dear)) => 5,
        _ => 1,
    }
}
