//! How everything runs → whoever holds a key for that, on a listener of its own: nothing of it is on the public one.

mod generations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use api::{Scope, token};
use axum::body::Bytes;
use axum::extract::{Path, Query, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tracing::info;

use super::jobs::{Job, Jobs};
use super::server::{self, Most, Server};
use crate::args::Serving;
use crate::control::{Answers, Question};
use crate::failure::Failure;
use crate::keys::KeysFile;
use crate::rebuild;
use crate::replay::{Request, Speed};
use crate::stop::Stop;

/// Those who look after it are few.
const MOST: Most = Most { in_all: 64, from_one_address: 64, proxies: Vec::new() };
const LETTERS: u64 = 100;
const MOST_LETTERS: u64 = 1000;

struct Desk {
    answers: Answers,
    jobs: Jobs,
    keys: Arc<KeysFile>,
}

/// Where an address and keys were named for it.
pub fn start(
    serving: &Serving,
    keys: Option<Arc<KeysFile>>,
    answers: impl FnOnce() -> Answers,
    stop: &Stop,
    runtime: &Runtime,
) -> Result<Option<Server>, Failure> {
    let (Some(address), Some(keys)) = (serving.admin, keys) else { return Ok(None) };
    let (listener, address) = server::listen(address, runtime, "--admin")?;
    info!("keys of scope admin are told how everything runs at http://{address}/admin/v1/status");
    Ok(Some(Server::start(listener, app(answers(), keys), MOST, stop, runtime)))
}

fn app(answers: Answers, keys: Arc<KeysFile>) -> Router {
    let desk = Arc::new(Desk { jobs: Jobs::new(Arc::clone(&answers)), answers, keys });
    Router::new()
        .route("/admin/v1/status", get(|desk| one(desk, Question::Status)))
        .route("/admin/v1/topics", get(|desk| one(desk, Question::Topics)))
        .route("/admin/v1/lag", get(|desk| one(desk, Question::Lag)))
        .route("/admin/v1/dead-letters", get(dead_letters))
        .route("/admin/v1/dead-letters/redrive", post(redrive))
        .route("/admin/v1/replay", post(replay))
        .route(
            "/admin/v1/rebuild",
            get(|desk| one(desk, Question::Rebuild(rebuild::Request::List))).post(generations::begin),
        )
        .route("/admin/v1/rebuild/{generation}/compare", post(generations::compare))
        .route("/admin/v1/rebuild/{generation}/tell", post(generations::tell))
        .route("/admin/v1/rebuild/{generation}/drop", post(generations::drop))
        .route("/admin/v1/jobs", get(jobs))
        .route("/admin/v1/jobs/{id}", get(job).delete(cancel))
        .route("/admin/v1/keys", get(keys_without_tokens))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "NOT_FOUND", NOWHERE))
        .layer(from_fn_with_state(Arc::clone(&desk), only_admins))
        .with_state(desk)
}

const NOWHERE: &str =
    "there is nothing here but /admin/v1/ status, topics, lag, dead-letters, replay, rebuild, jobs and keys";

/// Whoever has no key does not hear what there is either.
async fn only_admins(State(desk): State<Arc<Desk>>, request: HttpRequest, next: Next) -> Response {
    let keys = desk.keys.now();
    let Some(key) = token(request.headers()).and_then(|token| keys.of(token)) else {
        return refusal(StatusCode::UNAUTHORIZED, "NO_KEY", "this takes a key: Authorization: Bearer, or X-API-Key");
    };
    if !key.scopes.contains(&Scope::Admin) {
        return refusal(StatusCode::FORBIDDEN, "SCOPE_MISSING", "this takes a key of scope admin");
    }
    info!(key = key.id, path = request.uri().path(), "an admin asks");
    next.run(request).await
}

async fn one(State(desk): State<Arc<Desk>>, question: Question) -> Response {
    asked(desk, question, |mut lines| lines.pop().unwrap_or_default()).await
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<u64>,
}

/// The first of each partition, with their exact bytes as text.
async fn dead_letters(State(desk): State<Arc<Desk>>, Query(wanted): Query<Wanted>) -> Response {
    let limit = wanted.limit.unwrap_or(LETTERS).min(MOST_LETTERS);
    let topic = schemas::topics::DEAD_LETTERS.name.to_owned();
    let question = Question::Records { topic, partition: None, from: None, since: None, limit: Some(limit) };
    asked(desk, question, |lines| lines.into_iter().filter(|line| line.get("summary").is_none()).collect()).await
}

/// A dry run, unless it is said otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redrive {
    #[serde(default = "yes")]
    dry_run: bool,
}

async fn redrive(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    match read::<Redrive>(&body) {
        Ok(Redrive { dry_run }) => {
            begun(desk, json!({ "redrive": { "dry_run": dry_run } }), Question::Redrive { dry_run }, dry_run).await
        }
        Err(error) => unreadable(&error),
    }
}

/// What `fathom replay --check` takes: it is compared, and what differs is told; or what `--keep` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    from: Option<String>,
    to: Option<String>,
    coin: Option<String>,
    processor: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    speed: Speed,
    #[serde(default)]
    keep: bool,
    #[serde(default = "yes")]
    dry_run: bool,
}

async fn replay(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let Replay { from, to, coin, processor, topic, speed, keep, dry_run } = match read(&body) {
        Ok(asked) => asked,
        Err(error) => return unreadable(&error),
    };
    let request = Request { from, to, coin, processor, topic, speed, at: None, check: !keep, keep, dry_run };
    begun(desk, json!({ "replay": request }), Question::Replay(request), dry_run).await
}

/// A dry run is answered with what would be done; else a job is, which goes on by itself.
async fn begun(desk: Arc<Desk>, what: Value, question: Question, is_dry_run: bool) -> Response {
    if is_dry_run {
        return asked(desk, question, Value::Array).await;
    }
    match desk.jobs.begin(what, question) {
        Ok(job) => {
            let place = format!("/admin/v1/jobs/{}", job.id);
            (StatusCode::ACCEPTED, [(LOCATION, place)], Json(json!({ "data": job }))).into_response()
        }
        Err(running) => refusal(
            StatusCode::CONFLICT,
            "JOB_RUNNING",
            &format!("job {running} is not done; wait for it, or DELETE /admin/v1/jobs/{running}"),
        ),
    }
}

async fn jobs(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(json!({ "data": desk.jobs.all() }))
}

async fn job(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    told(id.parse().ok().and_then(|id| desk.jobs.one(id)))
}

/// It ends between two steps: nothing is half done.
async fn cancel(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    told(id.parse().ok().and_then(|id| desk.jobs.cancel(id)))
}

fn told(job: Option<Job>) -> Response {
    match job {
        Some(job) => Json(json!({ "data": job })).into_response(),
        None => refusal(
            StatusCode::NOT_FOUND,
            "UNKNOWN_JOB",
            "no such job is remembered; /admin/v1/jobs lists those that are",
        ),
    }
}

/// Nothing at all is as good as `{}`.
fn read<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body })
}

fn unreadable(error: &serde_json::Error) -> Response {
    refusal(StatusCode::BAD_REQUEST, "BAD_BODY", &error.to_string())
}

fn yes() -> bool {
    true
}

async fn keys_without_tokens(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let keys = desk.keys.now();
    let told = keys.all().map(|key| json!({ "id": key.id, "name": key.name, "scopes": key.scopes, "made": key.made }));
    Json(json!({ "data": told.collect::<Vec<_>>() }))
}

/// The log is read by threads that may wait for it.
async fn asked(desk: Arc<Desk>, question: Question, told: fn(Vec<Value>) -> Value) -> Response {
    let answered = tokio::task::spawn_blocking(move || {
        let mut lines = Vec::new();
        (desk.answers)(&question, &mut |line| {
            lines.push(line);
            Ok(())
        })?;
        Ok(lines)
    });
    match answered.await {
        Ok(Ok(lines)) => Json(json!({ "data": told(lines) })).into_response(),
        // What cannot be is said to who has asked for it.
        Ok(Err(Failure::Usage(what) | Failure::Stop { what, cause: None })) => {
            refusal(StatusCode::UNPROCESSABLE_ENTITY, "CANNOT_BE_DONE", &what)
        }
        Ok(Err(failure)) => {
            tracing::warn!("an admin was not answered: {}", failure.chain());
            refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "LOG_UNAVAILABLE",
                "the log could not be asked; the cause is in the log of the process",
            )
        }
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the request met a fault of ours"),
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message, "details": {} } }))).into_response()
}
