//! Everything that is said at `/api/v1/ws`, and every topic of the log → the AsyncAPI document of it. Frames come from their
//! declarations, rows from those of the channels, records from the schemas of their topics.

use schemas::{GENERATION, TOPICS, Topic};
use serde_json::{Map, Value, json};

use crate::channel::{CHANNELS, Channel};
use crate::openapi::form::Components;
use crate::openapi::sentence;
use crate::websocket::forms::{ASKED, Frame, SAID, of_channel};

const ABOUT: &str = "Live results over a WebSocket, and the log they come from: what is open to everybody who may read it. \
     Decimals are strings, so that no digit is lost; times are milliseconds UTC.";

const OF_THE_WEBSOCKET: &str = "A subscription begins with a snapshot, the rows as they are, in one frame or several, and goes on with every result \
     after it: no seam, nothing twice. seq counts the frames of a subscription, and each says its predecessor's. Of what changes \
     a client that is slow hears the last value of each key; of what happens it hears everything, or lagged and the end. A client \
     that was cut says the last cursor it has heard and goes on from there. The server closes with 1009 (a message is too \
     large), 1011 (nothing is heard of the client for two heartbeats), 1012 (the server stops), 4001 (the key is good no \
     longer), 4008 (too many messages) and 4009 (lagged).";

/// AsyncAPI 3.0.
pub(crate) fn document() -> Value {
    let mut components = Components::new();
    let (asked, said) = (messages(&ASKED, &mut components), told(&mut components));
    let mut channels = Map::new();
    let all: Map<String, Value> = asked.iter().chain(&said).map(|(name, it)| (name.clone(), it.clone())).collect();
    channels.insert(
        "websocket".to_owned(),
        json!({
            "address": "/api/v1/ws",
            "title": "Live results",
            "description": OF_THE_WEBSOCKET,
            "servers": [{ "$ref": "#/servers/api" }],
            "messages": all,
        }),
    );
    channels.extend(TOPICS.map(|topic| (topic.name.to_owned(), channel_of(topic))));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Fathom",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
            "description": ABOUT,
        },
        "defaultContentType": "application/json",
        "servers": {
            "api": { "host": "127.0.0.1:8080", "protocol": "ws", "description": "`fathom up`, or `fathom api`." },
            "log": { "host": "127.0.0.1:9092", "protocol": "kafka", "description": "Where the roles are processes of their own." },
        },
        "channels": channels,
        "operations": {
            "ask": operation("receive", "What a client may say", &asked),
            "tell": operation("send", "What it is told", &said),
        },
        "components": { "schemas": components },
    })
}

type Messages = Map<String, Value>;

fn messages(frames: &[Frame], components: &mut Components) -> Messages {
    frames.iter().map(|frame| (frame.kind.to_owned(), message(frame.about, frame.schema(components)))).collect()
}

/// What the server says, and what each channel tells.
fn told(components: &mut Components) -> Messages {
    let mut told = messages(&SAID, components);
    for channel in CHANNELS {
        for (kind, schema) in of_channel(channel, components) {
            told.insert(format!("{kind}.{}", channel.name), message(&about(kind, channel), schema));
        }
    }
    told
}

fn about(kind: &str, channel: &Channel) -> String {
    let which = if kind == "snapshot" { "the rows that a subscription begins with" } else { "a row that follows" };
    format!("{which}: {}", channel.topic.about)
}

fn message(about: &str, schema: Value) -> Value {
    json!({ "summary": sentence(about), "payload": { "schemaFormat": FORMAT, "schema": schema } })
}

const FORMAT: &str = "application/schema+json;version=draft-2020-12";

fn operation(action: &str, summary: &str, messages: &Messages) -> Value {
    let references = messages
        .keys()
        .map(|name| json!({ "$ref": format!("#/channels/websocket/messages/{name}") }))
        .collect::<Vec<_>>();
    let channel = json!({ "$ref": "#/channels/websocket" });
    json!({ "action": action, "summary": summary, "channel": channel, "messages": references })
}

/// A topic, under the name that it has on the log.
fn channel_of(topic: &'static Topic) -> Value {
    let schema: Value = serde_json::from_str(topic.schema).unwrap_or_default();
    let by = topic.partitioned_by.iter().map(|by| by.name()).collect::<Vec<_>>();
    json!({
        "address": GENERATION.name(topic),
        "description": sentence(topic.about),
        "servers": [{ "$ref": "#/servers/log" }],
        "messages": { "record": message("a record", schema) },
        "bindings": { "kafka": { "partitions": GENERATION.partitions(topic) } },
        "x-key": topic.key,
        "x-partitioned-by": by,
    })
}
