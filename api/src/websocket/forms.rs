//! What clients say and what they are told, frame by frame → the form of each: the AsyncAPI document is made of them, and
//! every frame that a test hears is held against it.

use serde_json::{Value, json};

use crate::channel::Channel;
use crate::filter::SIDES;
use crate::liquidations::METHODS;
use crate::openapi::form::{self, Components, Form, Object};
use crate::replay::ENDINGS;

/// `{"type", "payload", "timestamp"}`.
pub(crate) struct Frame {
    /// What `type` says.
    pub(crate) kind: &'static str,
    pub(crate) about: &'static str,
    payload: &'static [Fields],
}

/// Some of the fields of a payload: those that are always there, and those that may be left out.
type Fields = (&'static [Field], &'static [Field]);
type Field = (&'static str, Form);

const A_SUBSCRIPTION: Fields = (
    &[("sub_id", Form::Integer), ("channel", Form::Text), ("key", Form::Text)],
    &[("interval", Form::Interval), ("kind", Form::Text), ("cohort", Form::Text)],
);
const NARROWED: Fields = (&[], &[("filter", Form::Object(&FILTER))]);
const OF_THE_PAST: Fields = (&[], &[("replay", Form::Object(&REPLAY))]);
/// Whatever the client has called what it asked.
const A_REPLY: Fields = (&[], &[("request_id", Form::Anything)]);
const SUBJECTS: Fields = (
    &[],
    &[
        ("key", Form::Text),
        ("keys", Form::List(&Form::Text)),
        ("interval", Form::Interval),
        ("kind", Form::Text),
        ("cohort", Form::Text),
        ("filter", Form::Object(&FILTER)),
    ],
);
const NONCE: Fields = (&[], &[("nonce", Form::Anything)]);
const ALREADY: Fields = (&[], &[("already", Form::Boolean)]);
const IN_ORDER: Fields = (&[("seq", Form::Integer), ("prev_seq", Form::Integer), ("cursor", Form::Text)], &[]);
/// Of which form it is says the channel.
const DATA: Fields = (&[("data", Form::Anything)], &[]);

/// What a client may say.
pub(crate) static ASKED: [Frame; 4] = [
    Frame {
        kind: "subscribe",
        about: "begins a subscription for each key; said again, it changes nothing; with the cursor of a frame, or a \
                start_time, events are told from there on, as far back as the log keeps them; with replay, a stretch of the \
                past is told and nothing else",
        payload: &[
            (&[("channel", Form::Text)], &[("cursor", Form::Text), ("start_time", Form::Integer)]),
            (&[], &[("replay", Form::Object(&REPLAY_ASKED))]),
            SUBJECTS,
            A_REPLY,
        ],
    },
    Frame {
        kind: "unsubscribe",
        about: "ends a subscription, by its number or by what it is to",
        payload: &[(&[], &[("sub_id", Form::Integer), ("channel", Form::Text)]), SUBJECTS, A_REPLY],
    },
    Frame { kind: "list", about: "asks for all subscriptions of the connection", payload: &[A_REPLY] },
    Frame { kind: "ping", about: "asks whether somebody is there", payload: &[NONCE, A_REPLY] },
];

/// What the server says, beside what a channel tells.
pub(crate) static SAID: [Frame; 11] = [
    Frame {
        kind: "connected",
        about: "the first frame, with what this server allows",
        payload: &[(
            &[
                ("session_id", Form::Text),
                ("limits", Form::Object(&LIMITS)),
                ("heartbeat_ms", Form::Integer),
                ("generation", Form::Integer),
                ("simulated", Form::Boolean),
            ],
            &[],
        )],
    },
    Frame {
        kind: "heartbeat",
        about: "comes every heartbeat_ms and waits behind no data",
        payload: &[(&[("watermark", Form::Integer)], &[])],
    },
    Frame {
        kind: "subscribed",
        about: "a subscription has begun, or had already",
        payload: &[A_SUBSCRIPTION, NARROWED, OF_THE_PAST, (&[], &[("conflated", Form::Boolean)]), ALREADY, A_REPLY],
    },
    Frame {
        kind: "unsubscribed",
        about: "a subscription has ended, or there was none",
        payload: &[
            (&[("sub_id", Form::Integer)], &[("channel", Form::Text), ("key", Form::Text)]),
            (&[], A_SUBSCRIPTION.1),
            NARROWED,
            OF_THE_PAST,
            ALREADY,
            A_REPLY,
        ],
    },
    Frame {
        kind: "subscriptions",
        about: "all subscriptions of the connection",
        payload: &[(&[("subscriptions", Form::List(&Form::Object(&SUBSCRIPTION)))], &[]), A_REPLY],
    },
    Frame { kind: "pong", about: "somebody is there", payload: &[NONCE, A_REPLY] },
    Frame {
        kind: "error",
        about: "what was asked cannot be granted; everything else goes on",
        payload: &[(&[("code", Form::Text), ("message", Form::Text)], &[]), A_REPLY],
    },
    Frame {
        kind: "resync_required",
        about: "what has happened since then cannot be told any more: the snapshot that follows is how things are",
        payload: &[
            A_SUBSCRIPTION,
            NARROWED,
            (
                &[(
                    "reason",
                    Form::Words(&["cursor_expired", "not_retained", "log_unreachable", "generation_changed"]),
                )],
                &[],
            ),
        ],
    },
    Frame {
        kind: "replay_ended",
        about: "nothing follows of a replay, and the subscription is there no longer",
        payload: &[A_SUBSCRIPTION, NARROWED, (&ENDINGS, &[])],
    },
    Frame {
        kind: "lagged",
        about: "frames came faster than the client read them: the connection closes with 4009",
        payload: &[
            A_SUBSCRIPTION,
            NARROWED,
            OF_THE_PAST,
            (&[("dropped", Form::Integer), ("first_lost_seq", Form::Integer)], &[]),
        ],
    },
    Frame {
        kind: "shutdown",
        about: "the server stops: the connection closes with 1012",
        payload: &[(&[("reason", Form::Text), ("reconnect_after_ms", Form::Integer)], &[])],
    },
];

/// The rows that a subscription begins with, in as many frames as they need.
const SNAPSHOT: &[Fields] =
    &[A_SUBSCRIPTION, IN_ORDER, (&[("part", Form::Integer), ("parts", Form::Integer)], &[]), DATA];
/// A row that follows.
const UPDATE: &[Fields] = &[
    A_SUBSCRIPTION,
    IN_ORDER,
    (&[("partition", Form::Integer), ("offset", Form::Integer)], &[("replayed", Form::Boolean)]),
    DATA,
];

static LIMITS: Object = Object {
    name: "frame-limits",
    fields: &[
        ("subscriptions", Form::Integer),
        ("message_bytes", Form::Integer),
        ("messages_per_second", Form::Integer),
        ("messages_at_once", Form::Integer),
        ("events_waiting", Form::Integer),
        ("changes_waiting", Form::Integer),
    ],
    optional: &[],
};

static FILTER: Object = Object {
    name: "frame-filter",
    fields: &[
        ("min_notional", Form::Decimal),
        ("side", Form::Words(&SIDES)),
        ("wallet", Form::Wallet),
        ("method", Form::Words(&METHODS)),
    ],
    optional: &["min_notional", "side", "wallet", "method"],
};

static SUBSCRIPTION: Object = Object {
    name: "frame-subscription",
    fields: &[
        ("sub_id", Form::Integer),
        ("channel", Form::Text),
        ("key", Form::Text),
        ("interval", Form::Interval),
        ("kind", Form::Text),
        ("cohort", Form::Text),
        ("filter", Form::Object(&FILTER)),
        ("replay", Form::Object(&REPLAY)),
        ("seq", Form::Integer),
    ],
    optional: &["interval", "kind", "cohort", "filter", "replay"],
};

static REPLAY_ASKED: Object = Object {
    name: "frame-replay-asked",
    fields: &[("from", Form::Integer), ("to", Form::Integer), ("speed", Form::Either(&[Form::Number, Form::Text]))],
    optional: &["to", "speed"],
};

static REPLAY: Object = Object {
    name: "frame-replay",
    fields: &[
        ("from", Form::Integer),
        ("to", Form::Integer),
        ("speed", Form::Either(&[Form::Number, Form::Words(&["max"])])),
    ],
    optional: &[],
};

impl Frame {
    pub(crate) fn schema(&self, components: &mut Components) -> Value {
        enveloped(self.kind, payload(self.kind, self.payload, components))
    }
}

/// What the channel tells in a `snapshot` and in an `update`.
pub(crate) fn of_channel(channel: &Channel, components: &mut Components) -> [(&'static str, Value); 2] {
    let row = channel.row.schema(components);
    let rows = json!({ "type": "array", "items": row });
    [("snapshot", SNAPSHOT, rows), ("update", UPDATE, row)].map(|(kind, fields, data)| {
        let own = json!({
            "type": "object",
            "properties": { "channel": { "const": channel.name }, "data": data },
            "required": ["channel", "data"],
        });
        let place = payload(kind, fields, components);
        (kind, enveloped(kind, json!({ "allOf": [place, own] })))
    })
}

fn payload(kind: &str, fields: &[Fields], components: &mut Components) -> Value {
    let all = || fields.iter().flat_map(|(always, maybe)| always.iter().chain(*maybe)).copied().collect();
    let is_optional = |name: &str| fields.iter().any(|(_, maybe)| maybe.iter().any(|(field, _)| *field == name));
    form::reference(&format!("frame-{kind}"), all, is_optional, components)
}

fn enveloped(kind: &str, payload: Value) -> Value {
    let timestamp = json!({ "type": "integer", "description": "When it was said, in milliseconds UTC." });
    json!({
        "type": "object",
        "properties": { "type": { "const": kind }, "payload": payload, "timestamp": timestamp },
        "required": ["type", "payload"],
    })
}
