//! `/health/live`, `/health/ready`, `/metrics`: for whoever keeps it running.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Context;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::openapi::form::{Form, Object};

/// Something without which no fresh data can be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    pub name: String,
    pub ok: bool,
    pub reason: String,
}

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let operation = |summary, description: &str, answer| Operation {
        summary,
        description: description.to_owned(),
        parameters: Vec::new(),
        answer,
        examples: &[],
    };
    let is_live = operation("Whether it runs", "200 as long as it answers at all", Answer::Bare(Form::Object(&LIVE)));
    let about =
        "503 while anything is missing that fresh data need: a source that has fallen silent, or work that piles up";
    let is_ready = operation("Whether it has fresh data", about, Answer::Health(Form::Object(&READY)));
    let measured = operation("Metrics", "in the text format of Prometheus", Answer::Text("text/plain"));
    vec![
        Endpoint::new("/health/live", get(live), is_live),
        Endpoint::new("/health/ready", get(ready), is_ready),
        Endpoint::new("/metrics", get(metrics), measured),
    ]
}

static LIVE: Object =
    Object { name: "live", fields: &[("live", Form::Boolean), ("simulated", Form::Boolean)], optional: &[] };

static READY: Object = Object {
    name: "ready",
    fields: &[
        ("ready", Form::Boolean),
        ("dependencies", Form::List(&Form::Object(&DEPENDENCY))),
        ("simulated", Form::Boolean),
    ],
    optional: &[],
};

static DEPENDENCY: Object = Object {
    name: "dependency",
    fields: &[("name", Form::Text), ("ok", Form::Boolean), ("reason", Form::Text)],
    optional: &[],
};

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
