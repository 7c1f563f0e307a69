//! `/`, `/docs`, `/openapi.json` and `/asyncapi.json`: what there is to ask, for people and for programs. All of it stands in this binary.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Json;
use axum::response::Html;
use axum::routing::get;
use serde_json::Value;

use crate::endpoint::{Answer, Endpoint, Operation, Verb};
use crate::openapi::form::Form;
use crate::{asyncapi, openapi};

/// The OpenAPI document of everything that is served.
pub static OPENAPI: LazyLock<Value> = LazyLock::new(|| openapi::document(&crate::endpoints()));

/// The AsyncAPI document of the WebSocket and of the log.
pub static ASYNCAPI: LazyLock<Value> = LazyLock::new(asyncapi::document);

/// The first page, with a line for each endpoint.
static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("page.html").replace("<!-- endpoints -->", &lines(&crate::endpoints())));

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let page = |summary, description: &str| Operation {
        summary,
        description: description.to_owned(),
        parameters: Vec::new(),
        answer: Answer::Text("text/html"),
        examples: &[],
    };
    let document =
        |summary, description| Operation { answer: Answer::Bare(Form::Anything), ..page(summary, description) };
    let of_requests = document("This document", "OpenAPI 3.1, made of what the server itself is made of");
    let of_frames = document("The WebSocket and the log", "AsyncAPI 3.0: every frame, and every topic with its schema");
    vec![
        Endpoint::new("/", get(async || Html(PAGE.as_str())), page("The first page", "what is running, for people")),
        Endpoint::new(
            "/docs",
            get(async || Html(include_str!("docs.html"))),
            page("These pages", "every endpoint with its parameters, to be tried, and what its fields mean"),
        ),
        Endpoint::new("/openapi.json", get(async || Json(&*OPENAPI)), of_requests),
        Endpoint::new("/asyncapi.json", get(async || Json(&*ASYNCAPI)), of_frames),
    ]
}

fn lines(endpoints: &[Endpoint]) -> String {
    let mut lines = String::new();
    for endpoint in endpoints {
        let (requests, summary) = (endpoint.requests(), endpoint.operation.summary);
        let (request, path) = (requests.first().map_or("", String::as_str), &endpoint.path);
        let _ = match (request, endpoint.verb) {
            ("", Verb::Get) => writeln!(lines, "      <li>{path} {summary}</li>"),
            ("", verb) => writeln!(lines, "      <li>{} {path} {summary}</li>", verb.name().to_uppercase()),
            _ => writeln!(lines, "      <li><a href=\"{request}\">{path}</a> {summary}</li>"),
        };
    }
    lines
}
