//! The AsyncAPI document: that it stands in the repository as the server tells it, and that every frame that any test hears is
//! as it says.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use schemas::{TOPICS, examples};
use serde_json::{Value, json};

use crate::ASYNCAPI;
use crate::channel::CHANNELS;

/// Of the type of the frame, and of data also of the channel.
pub(crate) fn is_as_the_document_says(frame: &Value) {
    let kind = frame["type"].as_str().unwrap();
    let name = match frame["payload"]["channel"].as_str() {
        Some(channel) if matches!(kind, "snapshot" | "update") => format!("{kind}.{channel}"),
        _ => kind.to_owned(),
    };
    let validator = VALIDATORS.get(&name).unwrap_or_else(|| panic!("no frame is called {name}: {frame}"));
    let faults: Vec<String> =
        validator.iter_errors(frame).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{frame:#}");
}

static VALIDATORS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let messages = ASYNCAPI["channels"]["websocket"]["messages"].as_object().unwrap();
    let validator = |message: &Value| {
        let mut schema = message["payload"]["schema"].clone();
        schema["components"] = ASYNCAPI["components"].clone();
        jsonschema::draft202012::new(&schema).unwrap()
    };
    messages.iter().map(|(name, message)| (name.clone(), validator(message))).collect()
});

#[test]
fn the_document_stands_in_the_repository() {
    let stored = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("asyncapi.json")).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert!(
        stored == *ASYNCAPI,
        "api/asyncapi.json is not what is served: `fathom asyncapi > api/asyncapi.json` writes it"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_channel_and_topic_is_there() {
    for reference in ASYNCAPI.to_string().split(r##""$ref":"#"##).skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(ASYNCAPI.pointer(reference).is_some(), "{reference}");
    }
    for channel in CHANNELS {
        assert!(["snapshot", "update"].iter().all(|kind| VALIDATORS.contains_key(&format!("{kind}.{}", channel.name))));
    }
    for topic in TOPICS {
        let schema = &ASYNCAPI["channels"][topic.name]["messages"]["record"]["payload"]["schema"];
        let validator = jsonschema::validator_for(schema).unwrap();
        for (case, value) in examples::of(topic) {
            assert!(validator.is_valid(&serde_json::from_slice(&value).unwrap()), "{}/{case}", topic.name);
        }
    }
}

#[test]
fn what_is_no_frame_is_found() {
    let beat = json!({ "type": "heartbeat", "payload": { "watermark": 1 }, "timestamp": 1 });
    assert!(VALIDATORS["heartbeat"].is_valid(&beat));
    for wrong in [
        json!({ "type": "heartbeat", "payload": {}, "timestamp": 1 }),
        json!({ "type": "heartbeat", "payload": { "watermark": "1" }, "timestamp": 1 }),
        json!({ "type": "heartbeat", "payload": { "watermark": 1, "more": 1 }, "timestamp": 1 }),
        json!({ "type": "beat", "payload": { "watermark": 1 }, "timestamp": 1 }),
    ] {
        assert!(!VALIDATORS["heartbeat"].is_valid(&wrong), "{wrong}");
    }
    let priced = json!({
        "sub_id": 1, "channel": "price_updates", "key": "BTC", "seq": 1, "prev_seq": 0, "cursor": "x", "part": 1, "parts": 1,
        "data": [{ "coin": "BTC" }],
    });
    let frame = json!({ "type": "snapshot", "payload": priced, "timestamp": 1 });
    assert!(!VALIDATORS["snapshot.price_updates"].is_valid(&frame), "a row lacks fields");
}
