//! How everything runs → whoever holds a key for that, on a listener of its own: nothing of it is on the public one.

use std::sync::Arc;

use api::{Scope, token};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tracing::info;

use super::server::{self, Most, Server};
use crate::args::Serving;
use crate::control::{Answers, Question};
use crate::failure::Failure;
use crate::keys::KeysFile;
use crate::stop::Stop;

/// Those who look after it are few.
const MOST: Most = Most { in_all: 64, from_one_address: 64, proxies: Vec::new() };
const LETTERS: u64 = 100;
const MOST_LETTERS: u64 = 1000;

struct Desk {
    answers: Answers,
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
    let desk = Arc::new(Desk { answers, keys });
    Router::new()
        .route("/admin/v1/status", get(|desk| one(desk, Question::Status)))
        .route("/admin/v1/topics", get(|desk| one(desk, Question::Topics)))
        .route("/admin/v1/lag", get(|desk| one(desk, Question::Lag)))
        .route("/admin/v1/dead-letters", get(dead_letters))
        .route("/admin/v1/keys", get(keys_without_tokens))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "NOT_FOUND", NOWHERE))
        .layer(from_fn_with_state(Arc::clone(&desk), only_admins))
        .with_state(desk)
}

const NOWHERE: &str = "there is nothing here but /admin/v1/ status, topics, lag, dead-letters and keys";

/// Whoever has no key does not hear what there is either.
async fn only_admins(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
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

async fn keys_without_tokens(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let keys = desk.keys.now();
    let told = keys.all().map(|key| json!({ "id": key.id, "name": key.name, "scopes": key.scopes, "made": key.made }));
    Json(json!({ "data": told.collect::<Vec<_>>() }))
}

/// The log is read by threads that may wait for it.
async fn asked(desk: Arc<Desk>, question: Question, told: fn(Vec<Value>) -> Value) -> Response {
    let answered = tokio::task::spawn_blocking(move || (desk.answers)(&question)).await;
    match answered {
        Ok(Ok(lines)) => Json(json!({ "data": told(lines) })).into_response(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::keys;

    #[test]
    fn only_a_key_of_its_scope_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let tokens = [Scope::Admin, Scope::Read].map(|scope| keys::make(&path, "a test's", vec![scope]).unwrap());
        let runtime = crate::run::up::runtime().unwrap();
        let (listener, address) = server::listen("127.0.0.1:0".parse().unwrap(), &runtime, "--admin").unwrap();
        let answers: Answers = Arc::new(|question| Ok(vec![json!({ "asked": format!("{question:?}") })]));
        let keys = Arc::new(KeysFile::open(&path).unwrap());
        let _server = Server::start(listener, app(answers, keys), MOST, &Stop::new(), &runtime);
        let ask = |what: &str, token: &str| -> (u16, Value) {
            let client = reqwest::Client::new().get(format!("http://{address}/admin/v1/{what}"));
            runtime.block_on(async {
                let reply = client.header("x-api-key", token).send().await.unwrap();
                (reply.status().as_u16(), serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap())
            })
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let [admin, reader] = &tokens;
        for what in ["status", "topics", "lag", "dead-letters", "keys", "elsewhere"] {
            let (status, said) = ask(what, "fathom_guessed");
            assert_eq!((status, &said["error"]["code"]), (401, &json!("NO_KEY")), "{what}");
            let (status, said) = ask(what, reader);
            assert_eq!((status, &said["error"]["code"]), (403, &json!("SCOPE_MISSING")), "{what}");
            let status = ask(what, admin).0;
            assert_eq!(status, if what == "elsewhere" { 404 } else { 200 }, "{what}");
        }
        assert_eq!(ask("lag", admin).1["data"]["asked"], "Lag");
        assert!(ask("dead-letters?limit=7", admin).1.to_string().contains("limit: Some(7)"));
        let told = ask("keys", admin).1.to_string();
        assert!(told.contains("a test's") && !told.contains("sha256") && !told.contains(admin), "{told}");
    }
}
