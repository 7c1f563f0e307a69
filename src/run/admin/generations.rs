//! `fathom rebuild` for who holds a key: begun and compared as jobs, told and dropped at once. What changes anything is a dry
//! run, unless it is said otherwise.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemas::Amount;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Desk, NOWHERE, asked, begun, read, refusal, unreadable, yes};
use crate::args::NewRules;
use crate::control::Question;
use crate::rebuild::Request;
use crate::replay;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    whale_floor: Option<Amount>,
    whale_share: Option<Amount>,
    remember_closed: Option<u32>,
    #[serde(default = "yes")]
    dry_run: bool,
}

pub(super) async fn begin(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    match read(&body) {
        Ok(Begin { whale_floor, whale_share, remember_closed, dry_run }) => {
            let rules = NewRules { whale_floor, whale_share, remember_closed };
            let request = Request::Begin { rules, dry_run };
            begun(desk, json!({ "rebuild": request }), Question::Rebuild(request), dry_run).await
        }
        Err(error) => unreadable(&error),
    }
}

/// What of both is held against each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compare {
    from: Option<String>,
    to: Option<String>,
    coin: Option<String>,
    processor: Option<String>,
    topic: Option<String>,
}

pub(super) async fn compare(State(desk): State<Arc<Desk>>, Path(number): Path<String>, body: Bytes) -> Response {
    let Ok(generation) = number.parse() else { return unknown() };
    match read(&body) {
        Ok(Compare { from, to, coin, processor, topic }) => {
            let with = replay::Request { from, to, coin, processor, topic, ..replay::Request::default() };
            let request = Request::Compare { generation, with };
            begun(desk, json!({ "rebuild": request }), Question::Rebuild(request), false).await
        }
        Err(error) => unreadable(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    #[serde(default = "yes")]
    dry_run: bool,
}

pub(super) async fn tell(State(desk): State<Arc<Desk>>, Path(number): Path<String>, body: Bytes) -> Response {
    at_once(desk, &number, &body, |generation, dry_run| Request::Tell { generation, dry_run }).await
}

pub(super) async fn drop(State(desk): State<Arc<Desk>>, Path(number): Path<String>, body: Bytes) -> Response {
    at_once(desk, &number, &body, |generation, dry_run| Request::Drop { generation, dry_run }).await
}

async fn at_once(desk: Arc<Desk>, number: &str, body: &[u8], request: fn(u32, bool) -> Request) -> Response {
    let Ok(generation) = number.parse() else { return unknown() };
    match read(body) {
        Ok(One { dry_run }) => asked(desk, Question::Rebuild(request(generation, dry_run)), Value::Array).await,
        Err(error) => unreadable(&error),
    }
}

fn unknown() -> Response {
    refusal(StatusCode::NOT_FOUND, "NOT_FOUND", NOWHERE)
}
