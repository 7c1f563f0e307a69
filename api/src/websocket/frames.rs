//! What the server says, as text: always `{"type", "payload", "timestamp"}`.

use axum::extract::ws::Utf8Bytes;
use schemas::Interval;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::channel::Subject;
use crate::time_of_day::now;

/// Control frames: what happened, to whom it may concern.
pub(crate) fn control(kind: &str, payload: Value) -> Utf8Bytes {
    json!({ "type": kind, "payload": payload, "timestamp": now() }).to_string().into()
}

pub(crate) fn error(code: &str, message: &str, request_id: Option<&Value>) -> Utf8Bytes {
    let mut payload = json!({ "code": code, "message": message });
    if let Some(id) = request_id {
        payload["request_id"] = id.clone();
    }
    control("error", payload)
}

/// What a frame of data belongs to.
#[derive(Serialize)]
pub(crate) struct Place<'a> {
    channel: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<&'a str>,
    seq: u64,
}

#[derive(Serialize)]
pub(crate) struct SnapshotPart<'a> {
    #[serde(flatten)]
    pub(crate) place: Place<'a>,
    pub(crate) part: u64,
    pub(crate) parts: u64,
    /// The generation and the next offset of each partition that the rows stand for.
    pub(crate) cursor: &'a str,
    pub(crate) data: &'a [Box<RawValue>],
}

#[derive(Serialize)]
pub(crate) struct LiveUpdate<'a> {
    #[serde(flatten)]
    pub(crate) place: Place<'a>,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) data: &'a RawValue,
}

impl<'a> Place<'a> {
    pub(crate) fn new(subject: &'a Subject, seq: u64) -> Self {
        let Subject { channel, key, interval, series } = subject;
        let (kind, cohort) = (series.kind_name(), series.cohort_name());
        Self { channel, key: key.as_str(), interval: *interval, kind, cohort, seq }
    }
}

pub(crate) fn data(kind: &str, payload: impl Serialize) -> Result<Utf8Bytes, serde_json::Error> {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        r#type: &'a str,
        payload: T,
        timestamp: i64,
    }
    serde_json::to_string(&Envelope { r#type: kind, payload, timestamp: now() }).map(Utf8Bytes::from)
}
