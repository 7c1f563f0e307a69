//! What a client says -> what it wants, or why it is not understood.

use schemas::Interval;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::channel::{CHANNELS, Channel, Key, Subject};
use crate::parameters::unknown_interval;
use crate::ratio_series::{NotASeries, Series};

pub(crate) struct Request {
    pub(crate) id: Option<Value>,
    pub(crate) wish: Result<Wish, Refusal>,
}

pub(crate) enum Wish {
    Subscribe(&'static Channel, Subject),
    Unsubscribe(Subject),
    Ping,
}

pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    #[serde(default)]
    payload: Map<String, Value>,
}

impl Request {
    pub(crate) fn read(text: &str) -> Self {
        match serde_json::from_str::<Envelope>(text) {
            Ok(envelope) => Self { id: envelope.payload.get("request_id").cloned(), wish: wish(&envelope) },
            Err(error) => {
                let message =
                    format!("{error}; send {{\"type\": text, \"payload\": object, \"timestamp\": milliseconds}}");
                Self { id: None, wish: Err(Refusal { code: "BAD_MESSAGE", message }) }
            }
        }
    }
}

fn wish(envelope: &Envelope) -> Result<Wish, Refusal> {
    match envelope.r#type.as_str() {
        "ping" => Ok(Wish::Ping),
        "subscribe" => subject(&envelope.payload).map(|(channel, subject)| Wish::Subscribe(channel, subject)),
        "unsubscribe" => subject(&envelope.payload).map(|(_, subject)| Wish::Unsubscribe(subject)),
        other => {
            let message = format!("{other:?} is not a type; those are subscribe, unsubscribe, ping");
            Err(Refusal { code: "UNKNOWN_TYPE", message })
        }
    }
}

fn subject(payload: &Map<String, Value>) -> Result<(&'static Channel, Subject), Refusal> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let name = text("channel").ok_or_else(|| missing("MISSING_CHANNEL", "channel"))?;
    let channel = CHANNELS.into_iter().find(|channel| channel.name == name).ok_or_else(|| {
        let names = CHANNELS.map(|channel| channel.name).join(", ");
        Refusal { code: "UNKNOWN_CHANNEL", message: format!("{name:?} is not a channel; those are {names}") }
    })?;
    let everything = Some("*").filter(|_| channel.is_of_everything());
    let key = text("key").filter(|key| !key.is_empty()).or(everything).ok_or_else(|| missing("MISSING_KEY", "key"))?;
    if everything.is_some_and(|everything| key != everything) {
        let message = format!("key is {key:?}; {name} is of the whole market: give \"*\", or no key");
        return Err(Refusal { code: "INVALID_KEY", message });
    }
    let interval = match payload.get("interval").filter(|given| channel.by_interval && !given.is_null()) {
        Some(given) => Some(interval(given)?),
        None => None,
    };
    let series = if channel.by_kind { series(payload)? } else { Series::default() };
    Ok((channel, Subject { channel: channel.name, key: Key::read(channel, key), interval, series }))
}

fn missing(code: &'static str, name: &str) -> Refusal {
    Refusal { code, message: format!("the payload has no {name}; give it as text, such as \"BTC\" or \"*\" for a key") }
}

fn interval(given: &Value) -> Result<Interval, Refusal> {
    let text = given.as_str().unwrap_or_default();
    text.parse().map_err(|()| Refusal { code: "INVALID_INTERVAL", message: unknown_interval(text) })
}

fn series(payload: &Map<String, Value>) -> Result<Series, Refusal> {
    // What is no text is no name either.
    let text = |name: &str| {
        let given = payload.get(name).filter(|given| !given.is_null());
        given.map(|given| given.as_str().unwrap_or_default())
    };
    Series::read(text("kind"), text("cohort")).map_err(|NotASeries { code, message, .. }| Refusal { code, message })
}
