//! What the server says, as text: always `{"type", "payload", "timestamp"}`.

use axum::extract::ws::Utf8Bytes;
use schemas::Interval;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::live::{Heard, Lost, Part, Subscribed, Update};
use crate::replay::Ended;
use crate::time_of_day::now;

/// Control frames: what happened, to whom it may concern.
pub(crate) fn control(kind: &str, payload: Value) -> Utf8Bytes {
    json!({ "type": kind, "payload": payload, "timestamp": now() }).to_string().into()
}

/// The same, in answer to what a client asked.
pub(crate) fn reply(kind: &str, mut payload: Value, request_id: Option<&Value>) -> Utf8Bytes {
    if let Some(id) = request_id {
        payload["request_id"] = id.clone();
    }
    control(kind, payload)
}

pub(crate) fn error(code: &str, message: &str, request_id: Option<&Value>) -> Utf8Bytes {
    reply("error", json!({ "code": code, "message": message }), request_id)
}

/// A subscription by what it is to.
pub(crate) fn named(subscribed: &Subscribed) -> Value {
    let Subscribed { id, subject, filter, replay, .. } = subscribed;
    let mut payload = json!({ "sub_id": id, "channel": subject.channel, "key": subject.key.as_str() });
    let series = [("kind", subject.series.kind_name()), ("cohort", subject.series.cohort_name())];
    for (name, value) in [("interval", subject.interval.map(Interval::name))].into_iter().chain(series) {
        if let Some(value) = value {
            payload[name] = value.into();
        }
    }
    if let Some(filter) = filter.told() {
        payload["filter"] = filter;
    }
    if let Some(stretch) = replay {
        payload["replay"] = json!(stretch);
    }
    payload
}

/// The same of one that begins.
pub(crate) fn begun(subscribed: &Subscribed) -> Value {
    let mut payload = named(subscribed);
    payload["conflated"] = (!subscribed.channel.tells_events()).into();
    payload
}

/// Said again, it changes nothing.
pub(crate) fn already(subscribed: &Subscribed) -> Value {
    let mut payload = named(subscribed);
    payload["already"] = true.into();
    payload
}

/// Nothing follows of a stretch of the past.
pub(crate) fn replay_ended(subscribed: &Subscribed, ended: &Ended) -> Utf8Bytes {
    let mut payload = named(&Subscribed { replay: None, ..subscribed.clone() });
    if let (Value::Object(payload), Value::Object(ended)) = (&mut payload, json!(ended)) {
        payload.extend(ended);
    }
    control("replay_ended", payload)
}

pub(crate) fn lagged(lost: &Lost) -> Utf8Bytes {
    let mut payload = named(&lost.subscribed);
    payload["dropped"] = lost.frames.into();
    payload["first_lost_seq"] = (lost.subscribed.seq + 1).into();
    control("lagged", payload)
}

/// What has happened meanwhile cannot be told: what follows is how things are.
pub(crate) fn resync_required(subscribed: &Subscribed, reason: &str) -> Utf8Bytes {
    let mut payload = named(subscribed);
    payload["reason"] = reason.into();
    control("resync_required", payload)
}

/// What a frame of data belongs to.
#[derive(Serialize)]
struct Place<'a> {
    sub_id: u64,
    channel: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<&'a str>,
    seq: u64,
    prev_seq: u64,
    /// The generation and the next offset of each partition: what the subscription has heard so far is before them.
    cursor: String,
}

#[derive(Serialize)]
struct SnapshotPart<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    part: usize,
    parts: usize,
    data: &'a [Box<RawValue>],
}

#[derive(Serialize)]
struct LiveUpdate<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    partition: u32,
    offset: u64,
    /// It has happened before the subscription began.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
    data: &'a RawValue,
}

pub(crate) fn snapshot(subscribed: &Subscribed, part: &Part) -> serde_json::Result<Utf8Bytes> {
    let mut data = Vec::with_capacity(part.rows.len());
    for value in part.rows.iter().filter_map(|row| row.value()) {
        let row = (subscribed.channel.live)(&value)?;
        if subscribed.filter.lets(&row) {
            data.push(row.data);
        }
    }
    let place = Place::new(subscribed);
    enveloped("snapshot", SnapshotPart { place, part: part.number, parts: part.of, data: &data })
}

pub(crate) fn update(subscribed: &Subscribed, update: &Update, replayed: bool) -> serde_json::Result<Utf8Bytes> {
    let place = Place::new(subscribed);
    let Update { partition, offset, ref row, .. } = *update;
    enveloped("update", LiveUpdate { place, partition, offset, replayed, data: &row.data })
}

impl<'a> Place<'a> {
    fn new(subscribed: &'a Subscribed) -> Self {
        let Subscribed { id, generation, subject, seq, next, .. } = subscribed;
        let (kind, cohort) = (subject.series.kind_name(), subject.series.cohort_name());
        let (key, cursor) = (subject.key.as_str(), Heard { generation: *generation, next: next.clone() }.to_string());
        let (interval, prev_seq) = (subject.interval, seq - 1);
        Self { sub_id: *id, channel: subject.channel, key, interval, kind, cohort, seq: *seq, prev_seq, cursor }
    }
}

fn enveloped(kind: &str, payload: impl Serialize) -> serde_json::Result<Utf8Bytes> {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        r#type: &'a str,
        payload: T,
        timestamp: i64,
    }
    serde_json::to_string(&Envelope { r#type: kind, payload, timestamp: now() }).map(Utf8Bytes::from)
}
