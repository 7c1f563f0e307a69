//! Every request that the OpenAPI document gives as an example, asked of a running demo: each is answered, and as the
//! document in the repository says.

use std::path::Path;
use std::{fs, iter};

use serde_json::{Map, Value, json};

use crate::process::{Process, fathom, path, wait_until};
use crate::web::Web;

#[test]
fn every_documented_request_is_answered_by_the_demo_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut demo =
        Process::start(fathom(&["up", "--demo", "--data", path(&data), "--http", "127.0.0.1:0", "--rate", "500"]));
    demo.wait_for("Ready after");
    let web = Web::of(&data);
    wait_until("somebody was liquidated, and somebody was large", || {
        ["liquidations", "whales/activities", "transactions"].iter().all(|list| first(&web, list).is_some())
    });
    let document = document();
    assert!(web.get("/openapi.json") == document, "what is served is not what stands in the repository");

    let (mut asked, mut told) = (0, 0);
    for (path, operation) in questions(&document) {
        for request in requests(&web, path, operation) {
            let (status, kind, body) = web.reply(&request);
            let answer = &operation["responses"][status.to_string()];
            let is_the_socket = path == "/api/v1/ws";
            assert_eq!(status, if is_the_socket { 426 } else { 200 }, "{request}: {body}");
            asked += 1;
            let Some(schema) = answer["content"][&kind]["schema"].as_object().filter(|_| kind == "application/json")
            else {
                continue;
            };
            let body: Value = serde_json::from_str(&body).unwrap();
            let faults = faults(&document, schema, &body);
            assert!(faults.is_empty(), "{request}: {faults:#?}\n{body:#}");
            told += usize::from(!body["data"].is_null() && body["data"] != json!([]));
        }
    }
    println!("{asked} requests were answered as the document says; {told} of the answers held data");
    assert!(asked > 250 && told > 150, "{asked} {told}");
    demo.end();
}

fn document() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("api/openapi.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn questions(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.filter_map(|(path, verbs)| Some((path.as_str(), verbs.get("get")?)))
}

/// Of a row by its id, the first one of its list.
fn requests(web: &Web, path: &str, operation: &Value) -> Vec<String> {
    match path.strip_suffix("/{id}") {
        Some(list) => {
            let row = first(web, list.trim_start_matches("/api/v1/")).unwrap();
            iter::once(format!("{list}/{}", row["id"].as_str().unwrap())).collect()
        }
        None => serde_json::from_value(operation["x-requests"].clone()).unwrap(),
    }
}

fn first(web: &Web, list: &str) -> Option<Value> {
    web.get(&format!("/api/v1/{list}"))["data"].get(0).cloned()
}

fn faults(document: &Value, schema: &Map<String, Value>, body: &Value) -> Vec<String> {
    let mut schema = schema.clone();
    schema.insert("components".to_owned(), document["components"].clone());
    let validator = jsonschema::draft202012::new(&Value::Object(schema)).unwrap();
    validator.iter_errors(body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}
