//! What an operation answers → its responses: the form of what is told, and of every error, each described once.

use serde_json::{Map, Value, json};

use super::form::{Components, Form, Object, or_null};
use crate::endpoint::Answer;

/// The responses of an operation, by status.
pub(super) fn of(answer: &Answer, components: &mut Components) -> Value {
    let json = |schema: Value| json!({ "application/json": { "schema": schema } });
    let content = match *answer {
        Answer::Rows(row) => json(envelope(list(row, components))),
        Answer::Exported(row) => exported(row, components),
        Answer::One(form) => json(envelope(form.schema(components))),
        Answer::OneOrBare(form, other) => {
            let (one, bare) = (envelope(form.schema(components)), other.schema(components));
            json(json!({ "anyOf": [one, bare] }))
        }
        Answer::OneOrNull(form) => json(envelope(or_null(form.schema(components)))),
        Answer::Made(_, told) => {
            let content = json(envelope(told.schema(components)));
            return refused_beside("201", json!({ "description": "It is done.", "content": content }));
        }
        Answer::Done => return refused_beside("204", json!({ "description": "It is done." })),
        Answer::Bare(form) => json(form.schema(components)),
        Answer::Health(form) => {
            let content = json(form.schema(components));
            let of = |description| json!({ "description": description, "content": content });
            return json!({ "200": of("All is well."), "503": of("Something is not."), "default": refer("Error") });
        }
        Answer::Binance(row) => {
            let refused = Form::Object(&REFUSAL).schema(components);
            let wrong = json!({ "anyOf": [refused, { "$ref": "#/components/schemas/Error" }] });
            let wrong = json!({
                "description": "What is wrong, as Binance says it; what is no address is told as everywhere.",
                "content": json(wrong),
            });
            let away = json!({ "description": "What is wrong, as Binance says it.", "content": json(refused) });
            let told = json!({ "description": "A bare list.", "content": json(list(row, components)) });
            return json!({ "200": told, "400": wrong, "503": away, "default": refer("Error") });
        }
        Answer::Lines(forms) => {
            let mut line = Form::Either(forms).schema(components);
            line["description"] = "A line; each is of one of these forms.".into();
            json!({ "application/x-ndjson": { "schema": line } })
        }
        Answer::Text(media) => json!({ media: { "schema": { "type": "string" } } }),
        Answer::WebSocket => {
            let switched =
                json!({ "description": "It is a WebSocket from here on; its frames are in the AsyncAPI document." });
            return json!({ "101": switched, "426": refer("Error"), "default": refer("Error") });
        }
    };
    let mut responses = Map::new();
    let mut told = json!({ "description": "What was asked for.", "content": content });
    if matches!(answer, Answer::Rows(_) | Answer::Exported(_) | Answer::One(_) | Answer::OneOrNull(_)) {
        told["headers"] =
            json!({ "ETag": { "description": "Give it as `If-None-Match`.", "schema": { "type": "string" } } });
        responses
            .insert("304".to_owned(), json!({ "description": "The data are those of the tag in `If-None-Match`." }));
    }
    let Value::Object(refused) = refused_beside("200", told) else { return Value::Object(responses) };
    responses.extend(refused);
    Value::Object(responses)
}

/// A good response, and every other one.
fn refused_beside(status: &str, good: Value) -> Value {
    let refused = ERRORS.iter().map(|(status, name, _)| ((*status).to_owned(), refer(name)));
    Value::Object(refused.chain([(status.to_owned(), good)]).collect())
}

/// Why a request is answered with nothing, by status: the same everywhere.
const ERRORS: [(&str, &str, &str); 7] = [
    (
        "400",
        "BadRequest",
        "A parameter is wrong, and stays wrong: `details.param` says which one, `message` what it takes.",
    ),
    ("404", "NotFound", "There is no such path, coin, source, row or watch."),
    ("405", "MethodNotAllowed", "The path is there, and is not asked like this."),
    ("429", "TooManyRequests", "Too many requests: `Retry-After` says when to come back."),
    ("500", "Internal", "A fault of ours; its cause is in our log and not here."),
    (
        "503",
        "Busy",
        "The database or the log is out of reach or busy, or what is on the log is still being read: `Retry-After` says when to come back.",
    ),
    ("default", "Error", "Any other refusal has the same form."),
];

/// The responses that operations refer to.
pub(super) fn shared() -> Value {
    let error = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
    let after = json!({ "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "string" } } });
    let response = |(_, name, about): &(&str, &str, &str)| {
        let mut told = json!({ "description": about, "content": error });
        if ["TooManyRequests", "Busy"].contains(name) {
            told["headers"] = after.clone();
        }
        ((*name).to_owned(), told)
    };
    Value::Object(ERRORS.iter().map(response).collect())
}

/// What every reply is made of.
pub(super) fn describe(components: &mut Components) {
    for object in [&META, &ERROR] {
        Form::Object(object).schema(components);
    }
}

fn refer(response: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{response}") })
}

fn envelope(data: Value) -> Value {
    let meta = json!({ "$ref": "#/components/schemas/Meta" });
    json!({
        "type": "object", "required": ["data", "meta"], "additionalProperties": false,
        "properties": { "data": data, "meta": meta },
    })
}

fn list(row: Form, components: &mut Components) -> Value {
    json!({ "type": "array", "items": row.schema(components) })
}

fn exported(row: Form, components: &mut Components) -> Value {
    json!({
        "application/json": { "schema": envelope(list(row, components)) },
        "application/x-ndjson": { "schema": { "type": "string", "description": "A row a line, of the form of those in `data`." } },
        "text/csv": { "schema": { "type": "string", "description": "RFC 4180, with the names of the fields in the first line; what is null is empty." } },
    })
}

static META: Object = Object {
    name: "Meta",
    fields: &[
        ("next_cursor", Form::Text),
        ("complete", Form::Boolean),
        ("as_of", Form::Integer),
        ("watermark", Form::Integer),
        ("block_height", Form::Integer),
        ("generation", Form::Integer),
        ("simulated", Form::Boolean),
        ("source", Form::Map(&Form::Integer)),
        ("coverage", Form::Object(&COVERAGE)),
        ("recomputed", Form::Object(&RECOMPUTED)),
        ("schema", Form::Text),
        ("definition", Form::Text),
        ("reason", Form::Text),
    ],
    optional: &["definition", "recomputed"],
};

static RECOMPUTED: Object =
    Object { name: "Recomputed", fields: &[("snapshot", Form::Integer), ("records", Form::Integer)], optional: &[] };

static COVERAGE: Object = Object {
    name: "Coverage",
    fields: &[
        ("method", Form::Text),
        ("source", Form::Text),
        ("since_block", Form::Integer),
        ("since_time", Form::Integer),
    ],
    optional: &[],
};

static ERROR: Object = Object {
    name: "Error",
    fields: &[("error", Form::Object(&WHAT_IS_WRONG)), ("simulated", Form::Boolean)],
    optional: &[],
};

static WHAT_IS_WRONG: Object = Object {
    name: "WhatIsWrong",
    fields: &[
        ("code", Form::Text),
        ("message", Form::Text),
        ("details", Form::Map(&Form::Either(&[Form::Text, Form::Integer]))),
    ],
    optional: &[],
};

static REFUSAL: Object =
    Object { name: "BinanceError", fields: &[("code", Form::Integer), ("msg", Form::Text)], optional: &[] };
