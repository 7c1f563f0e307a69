//! `/`, `/docs` and `/openapi.json`: what there is to ask, for people and for programs. All of it stands in this binary.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Json;
use axum::response::Html;
use axum::routing::get;
use serde_json::Value;

use crate::endpoint::{Answer, Endpoint, Operation, Verb};
use crate::openapi;
use crate::openapi::form::Form;

/// The OpenAPI document of everything that is served.
pub static OPENAPI: LazyLock<Value> = LazyLock::new(|| openapi::document(&crate::endpoints()));

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
    let document = Operation {
        answer: Answer::Bare(Form::Anything),
        ..page("This document", "OpenAPI 3.1, made of what the server itself is made of")
    };
    vec![
        Endpoint::new("/", get(async || Html(PAGE.as_str())), page("The first page", "what is running, for people")),
        Endpoint::new(
            "/docs",
            get(async || Html(include_str!("docs.html"))),
            page("These pages", "every endpoint with its parameters, to be tried, and what its fields mean"),
        ),
        Endpoint::new("/openapi.json", get(async || Json(&*OPENAPI)), document),
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
