//! The OpenAPI document: that it stands in the repository as the server tells it, that everything in it is explained, and
//! that every request it gives as an example is answered as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use schemas::table::Table;
use schemas::tables::TABLES;
use schemas::{Batch, Headers, Record, TOPICS, Topic, examples, kind};
use serde_json::{Value, json};

use super::fixture::{Served, Written, serve};
use super::place::on_both;
use crate::openapi::meanings::{MEANINGS, line};
use crate::{ASYNCAPI, OPENAPI, endpoints};

on_both! {
    every_example_request_is_answered_as_the_document_says,
    what_is_wrong_is_told_as_the_document_says,
}

/// With a row of everything.
async fn every_example_request_is_answered_as_the_document_says(url: String) {
    let mut served = serve(&url).await;
    fill(&mut served).await;
    let mut told = BTreeSet::new();
    for (path, operation) in questions() {
        let is_socket = operation["responses"]["101"].is_object();
        for request in requests(&served, path, operation).await {
            let request = request.as_str();
            let (status, head, body) = served.get_text(request).await;
            assert_eq!(status, if is_socket { 426 } else { 200 }, "{request}: {body}");
            if validate(operation, &head, &body, request) {
                told.insert(path);
            }
        }
        if operation["responses"]["200"]["content"]["text/csv"].is_object() {
            every_page_is_as_well(&served, operation).await;
        }
    }
    let silent: Vec<&str> = questions().map(|(path, _)| path).filter(|path| !told.contains(path)).collect();
    assert_eq!(
        silent,
        ["/", "/api/v1/replay", "/api/v1/ws", "/docs", "/metrics"],
        "they are no JSON, and the others have told something"
    );
}

/// Those of the document; of a row by its id, the first one of its list.
async fn requests(served: &Served, path: &str, operation: &Value) -> Vec<String> {
    let Some(list) = path.strip_suffix("/{id}") else {
        return serde_json::from_value(operation["x-requests"].clone()).unwrap();
    };
    let first = served.good(list).await["data"][0]["id"].as_str().unwrap().to_owned();
    vec![format!("{list}/{first}")]
}

async fn every_page_is_as_well(served: &Served, operation: &Value) {
    let request = operation["x-requests"][0].as_str().unwrap();
    let (mut next, mut pages) = (Some(String::new()), 0);
    while let Some(cursor) = next {
        let mark = if request.contains('?') { '&' } else { '?' };
        let request = format!("{request}{mark}limit=1{cursor}");
        let (status, head, body) = served.get_text(&request).await;
        assert_eq!(status, 200, "{request}: {body}");
        validate(operation, &head, &body, &request);
        let body: Value = serde_json::from_str(&body).unwrap();
        next = body["meta"]["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
        pages += 1;
    }
    assert!(pages > 0);
}

async fn what_is_wrong_is_told_as_the_document_says(url: String) {
    let served = serve(&url).await;
    let error = json!({ "responses": { "200": OPENAPI["components"]["responses"]["Error"] } });
    for (request, expected) in [
        ("/api/v1/prices?what=1", 400),
        ("/api/v1/liquidations?coin=NOPE", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/wallets/0x1", 400),
        ("/api/v1/ws", 426),
        (&format!("/api/v1/prices?coin={}", "A".repeat(5_000)), 414),
    ] {
        let (status, head, body) = served.get_text(request).await;
        assert_eq!(status, expected, "{request}: {body}");
        validate(&error, &head, &body, request);
    }
}

/// Each example of each topic that becomes a row.
async fn fill(served: &mut Served) {
    for table in TABLES {
        let batch = examples_of(table);
        let next = served.next.entry((table.topic.name, 0)).or_default();
        let from = *next;
        *next += u64::from(batch.count());
        let written = Written { topic: table.topic, parts: [(0, (from, batch))].into() };
        served.publish(&written);
        served.store(&written).await;
    }
    let computed: Vec<_> = TABLES.iter().map(|table| table.topic.name).collect::<BTreeSet<_>>().into_iter().collect();
    let topics: Vec<_> =
        computed.into_iter().map(|name| TOPICS.iter().find(|topic| topic.name == name).unwrap()).collect();
    for topic in topics {
        served.compute(&[*topic]).await;
    }
}

/// Those that are rows of the table: a topic may be of several kinds.
fn examples_of(table: &Table) -> Batch {
    let mut all = Batch::default();
    let mut headers = Vec::new();
    if let Some(kind) = table.kind {
        Headers::write(&mut headers, kind::HEADER, kind);
    }
    for (case, value) in examples::of(table.topic) {
        let record = Record { time: 1, key: b"", value: Some(&value), headers: Headers::default() };
        if (table.row)(1, &record).is_ok() {
            let key = key_of(table.topic, &serde_json::from_slice(&value).unwrap()).unwrap_or(case);
            all.push(1, key.as_bytes(), Some(&value), &headers);
        }
    }
    all
}

/// As its topic says that keys are made, where that is of its fields alone.
fn key_of(topic: &Topic, value: &Value) -> Option<String> {
    let parts = topic.key.split('|').map(|part| match &value[if part == "bucket" { "time" } else { part }] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null if part == "cohort" => Some(String::new()),
        _ => None,
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("|"))
}

/// Those that only ask.
fn questions() -> impl Iterator<Item = (&'static str, &'static Value)> {
    OPENAPI["paths"].as_object().unwrap().iter().filter_map(|(path, verbs)| Some((path.as_str(), verbs.get("get")?)))
}

fn operations() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let paths = OPENAPI["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, verbs)| verbs.as_object().unwrap().values().map(move |operation| (path.as_str(), operation)))
}

/// Whether a body is of the form that the document gives for its kind, and tells anything.
fn validate(operation: &Value, head: &str, body: &str, request: &str) -> bool {
    let content = &operation["responses"]["200"]["content"];
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap().split(';').next().unwrap();
    if kind != "application/json" {
        assert!(content[kind].is_object(), "{request} is answered with {kind}: {content}");
        return false;
    }
    let Value::Object(mut schema) = content[kind]["schema"].clone() else { return false };
    schema.insert("components".to_owned(), OPENAPI["components"].clone());
    let told: Value = serde_json::from_str(body).unwrap();
    let validator = jsonschema::draft202012::new(&Value::Object(schema)).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&told).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{request}: {faults:#?}\n{told:#}");
    told.get("data").is_none_or(|data| !data.is_null() && *data != json!([]))
}

#[test]
fn the_document_stands_in_the_repository() {
    let stored = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json")).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert!(
        stored == *OPENAPI,
        "api/openapi.json is not what is served: `fathom openapi > api/openapi.json` writes it"
    );
}

#[test]
fn everything_in_the_document_is_explained_and_nothing_else() {
    let mut used = BTreeSet::new();
    let mut explain = |row: &str, field: &str| {
        let name = line(row, field);
        assert!(MEANINGS.contains_key(name.as_str()), "meanings.md has no line for `{row}.{field}`");
        used.insert(name);
    };
    let schemas = [&OPENAPI, &ASYNCAPI].map(|document| document["components"]["schemas"].as_object().unwrap());
    for (row, schema) in schemas.into_iter().flatten() {
        for field in schema["properties"].as_object().unwrap().keys() {
            explain(row, field);
        }
    }
    for (path, operation) in operations() {
        for parameter in operation["parameters"].as_array().unwrap() {
            explain("", &format!("?{}", parameter["name"].as_str().unwrap()));
        }
        assert!(operation["description"].as_str().unwrap().len() > 20, "{path} is not described");
    }
    let lines = include_str!("../../meanings.md").lines().filter(|line| line.starts_with("| `"));
    assert_eq!(lines.count(), MEANINGS.len(), "meanings.md explains a name twice");
    let left_over: Vec<&&str> = MEANINGS.keys().filter(|name| !used.contains(**name)).collect();
    assert!(left_over.is_empty(), "meanings.md explains what is not told: {left_over:?}");
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let text = OPENAPI.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(OPENAPI.pointer(reference).is_some(), "{reference}");
    }
    let names: Vec<&str> = operations().map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    let mut verbs: Vec<_> = endpoints().into_iter().map(|endpoint| (endpoint.path, endpoint.verb.name())).collect();
    let declared = verbs.len();
    verbs.sort_unstable();
    verbs.dedup();
    assert_eq!(verbs.len(), declared, "a path is declared twice");
}

/// Routes come from endpoints, and so does the document: nothing is served beside them.
#[test]
fn nothing_is_routed_that_is_not_described() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.ends_with("endpoint.rs") || path.to_string_lossy().contains("tests") => {}
                path => {
                    let text = fs::read_to_string(&path).unwrap();
                    assert!(!text.contains("Router::new()"), "{} routes by itself", path.display());
                }
            }
        }
    }
}
