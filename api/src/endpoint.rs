//! What is served at a path, and what is written about it: the router and the OpenAPI document are both made of these, so
//! that neither has what the other lacks.

use axum::Router;
use axum::routing::MethodRouter;

use crate::Serving;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;

/// A path and what answers who asks for it in one way.
pub(crate) struct Endpoint {
    pub(crate) path: String,
    pub(crate) verb: Verb,
    pub(crate) operation: Operation,
    handler: MethodRouter<Serving>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    /// As documents write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// What somebody has to know who asks.
pub(crate) struct Operation {
    /// In a few words, for lists of endpoints.
    pub(crate) summary: &'static str,
    /// What the numbers are, and what counts for them.
    pub(crate) description: String,
    /// Those in the path come first.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) answer: Answer,
    /// What to ask it beside each parameter by itself: queries, from `?` on.
    pub(crate) examples: &'static [&'static str],
}

/// What is told.
pub(crate) enum Answer {
    /// Rows, in `{data, meta}`.
    Rows(Form),
    /// A page of rows in `{data, meta}`, or all of them as lines of JSON or as a table.
    Exported(Form),
    /// One thing, in `{data, meta}`.
    One(Form),
    /// The same, or JSON as it is where another form is asked for.
    OneOrBare(Form, Form),
    /// The same, or null with the reason in `meta`.
    OneOrNull(Form),
    /// What was made of the JSON that was sent: its form, and what is told of it in `{data, meta}`.
    Made(&'static Object, Form),
    /// Nothing: it is done.
    Done,
    /// JSON as it is.
    Bare(Form),
    /// The same, with a status that says whether all is well.
    Health(Form),
    /// As Binance tells it, errors as well.
    Binance(Form),
    /// Lines of JSON, each in one of these forms, that go on for as long as there is something to tell.
    Lines(&'static [Form]),
    /// Anything that is no JSON, of this kind.
    Text(&'static str),
    /// Frames, once it is no HTTP any more.
    WebSocket,
}

impl Endpoint {
    pub(crate) fn new(path: impl Into<String>, handler: MethodRouter<Serving>, operation: Operation) -> Self {
        Self { path: path.into(), verb: Verb::Get, operation, handler }
    }

    pub(crate) fn asked_by(self, verb: Verb) -> Self {
        Self { verb, ..self }
    }

    /// Every example request, none where it changes something or only the server knows what is there: without parameters that may be left out, with each of them alone, and what else there is.
    pub(crate) fn requests(&self) -> Vec<String> {
        let in_path = self.operation.parameters.iter().filter(|it| it.is_in_path);
        if self.verb != Verb::Get || in_path.clone().any(|it| it.example.is_empty()) {
            return Vec::new();
        }
        let path = in_path.fold(self.path.clone(), |path, it| path.replace(&format!("{{{}}}", it.name), it.example));
        let in_query: Vec<&Parameter> = self.operation.parameters.iter().filter(|it| !it.is_in_path).collect();
        let required = in_query.iter().filter(|it| it.is_required);
        let base = required.fold(path.clone(), |path, it| with(&path, it));
        let alone = in_query.iter().filter(|it| !it.is_required && !it.example.is_empty()).map(|it| with(&base, it));
        let more = self.operation.examples.iter().map(|query| format!("{path}{query}"));
        std::iter::once(base.clone()).chain(alone).chain(more).collect()
    }
}

/// The router of all of them.
pub(crate) fn routed(endpoints: Vec<Endpoint>) -> Router<Serving> {
    endpoints.into_iter().fold(Router::new(), |router, endpoint| router.route(&endpoint.path, endpoint.handler))
}

fn with(path: &str, parameter: &Parameter) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}{}={}", parameter.name, parameter.example)
}
