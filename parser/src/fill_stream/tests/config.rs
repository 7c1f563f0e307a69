//! What a file may say, and what is said of one that is wrong.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::fill_stream::{StreamConfig, StreamConfigError};
use crate::node::Layout;

pub fn file() -> Value {
    json!({
        "name": "vendor",
        "url": "wss://fills.example/${WHERE}",
        "headers": { "X-Api-Key": "${KEY}", "Authorization": "Bearer ${KEY}" },
        "subscribe": { "method": "subscribe", "token": "${KEY}" },
        "fills": "data.block",
        "layout": "blocks",
        "ping": { "message": { "method": "ping" }, "every_seconds": 30 }
    })
}

fn parse(file: &Value) -> Result<StreamConfig, StreamConfigError> {
    let variable = |name: &str| match name {
        "KEY" => Some("s3cret".to_owned()),
        "WHERE" => Some("v1".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    StreamConfig::parse(&file.to_string(), variable)
}

fn wrong(key: &str, value: Value) -> String {
    let mut file = file();
    file[key] = value;
    parse(&file).unwrap_err().to_string()
}

#[test]
fn all_that_a_file_may_say() {
    let config = parse(&file()).unwrap();
    let request = config.request().unwrap();
    assert_eq!(request.uri(), "wss://fills.example/v1");
    assert_eq!(request.headers()["x-api-key"], HeaderValue::from_static("s3cret"));
    assert_eq!(request.headers()["authorization"], HeaderValue::from_static("Bearer s3cret"));
    assert_eq!(config.subscribe, [r#"{"method":"subscribe","token":"s3cret"}"#]);
    assert_eq!((config.name.as_str(), config.layout), ("vendor", Layout::ByBlock));
    let ping = config.ping.as_ref().unwrap();
    assert_eq!((ping.message.as_str(), ping.every), (r#"{"method":"ping"}"#, Duration::from_secs(30)));
    assert_eq!(config.silence, Duration::from_secs(10));
}

#[test]
fn what_a_file_may_leave_out() {
    let least = json!({ "name": "own", "url": "ws://127.0.0.1:1", "fills": "", "layout": "fills" });
    let config = parse(&least).unwrap();
    assert_eq!((config.subscribe.len(), config.ping.is_none(), config.layout), (0, true, Layout::Fills));
}

#[test]
fn several_messages_and_texts_that_are_no_json() {
    let mut file = file();
    file["subscribe"] = json!([{ "key": "${KEY}" }, "subscribe fills", 7]);
    assert_eq!(parse(&file).unwrap().subscribe, [r#"{"key":"s3cret"}"#, "subscribe fills", "7"]);
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    let unknown = wrong("subscription", json!({}));
    let keys = "one of `name`, `url`, `headers`, `subscribe`, `fills`, `layout`, `ping`, `silence_seconds`";
    assert!(unknown.contains("unknown field `subscription`") && unknown.contains(keys), "{unknown}");
    let layout = wrong("layout", json!("streaming"));
    assert!(layout.contains("`blocks` or `fills`"), "{layout}");
    let unset = wrong("headers", json!({ "x-api-key": "${NOWHERE}" }));
    assert_eq!(
        unset,
        "`headers.x-api-key` needs the environment variable NOWHERE, which is not set: export it and start again"
    );
    assert!(wrong("url", json!("wss://x/${EMPTY}")).contains("EMPTY, which is not set"));
    assert_eq!(wrong("url", json!("wss://x/${KEY")), "`url` has a `${` without a `}`");
    assert!(wrong("url", json!("https://x/")).contains("ws:// or wss://"));
    assert!(wrong("headers", json!({ "x y": "z" })).starts_with("`headers.x y` is not a header"));
    assert!(wrong("name", json!("two words")).contains("letters, digits"));
    assert!(wrong("silence_seconds", json!(0)).contains("1 or more"));
    assert!(wrong("ping", json!({ "message": "ping", "every_seconds": 0 })).contains("1 or more"));
    assert!(StreamConfig::parse("{", |_| None).unwrap_err().to_string().contains("line 1"));
}

#[test]
fn what_came_from_the_environment_is_shown_to_nobody() {
    let config = parse(&file()).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    assert_eq!(config.secrets.hide("you said s3cret"), "you said …");
    let request = config.request().unwrap();
    assert!(!format!("{:?}", request.headers()).contains("s3cret"));
}
