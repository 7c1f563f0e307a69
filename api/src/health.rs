//! `/health/live`, `/health/ready`, `/metrics`: for whoever keeps it running.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Context;

/// Something without which no fresh data can be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    pub name: String,
    pub ok: bool,
    pub reason: String,
}

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/metrics", get(metrics))
}

async fn live(State(context): State<Arc<Context>>) -> Json<Value> {
    Json(json!({ "live": true, "simulated": context.simulated }))
}

async fn ready(State(context): State<Arc<Context>>) -> impl IntoResponse {
    let dependencies = (context.ready)();
    let all = dependencies.iter().all(|dependency| dependency.ok);
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": all, "dependencies": dependencies, "simulated": context.simulated })))
}

async fn metrics(State(context): State<Arc<Context>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], (context.metrics)())
}
