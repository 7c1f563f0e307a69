//! A message of a client → what it wants, or why it is not understood.

use schemas::Interval;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::channel::{CHANNELS, Channel, Key, Subject};
use crate::live::{Filter, Heard};
use crate::parameters::unknown_interval;
use crate::ratio_series::{NotASeries, Series};
use crate::replay::{Speed, Wanted};

pub(crate) struct Request {
    pub(crate) id: Option<Value>,
    pub(crate) wish: Result<Wish, Refusal>,
}

pub(crate) enum Wish {
    Subscribe(Vec<Asked>),
    Unsubscribe(Vec<Asked>),
    /// By the number of the subscription.
    End(u64),
    List,
    Ping(Option<Value>),
}

/// What somebody wants to hear.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) channel: &'static Channel,
    pub(crate) subject: Subject,
    pub(crate) filter: Filter,
    pub(crate) since: Since,
}

/// Where it begins.
#[derive(Clone)]
pub(crate) enum Since {
    Now,
    /// Behind what was heard of it on a connection before.
    Cursor(Heard),
    Time(i64),
    /// With a stretch of the past, and nowhere else.
    Replay(Wanted),
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
    let payload = &envelope.payload;
    match envelope.r#type.as_str() {
        "ping" => Ok(Wish::Ping(payload.get("nonce").cloned())),
        "list" => Ok(Wish::List),
        "subscribe" => asked(payload).map(Wish::Subscribe),
        "unsubscribe" => match payload.get("sub_id").and_then(Value::as_u64) {
            Some(id) => Ok(Wish::End(id)),
            None => asked(payload).map(Wish::Unsubscribe),
        },
        other => {
            let message = format!("{other:?} is not a type; those are subscribe, unsubscribe, list, ping");
            Err(Refusal { code: "UNKNOWN_TYPE", message })
        }
    }
}

/// Each of them begins with rows.
const KEYS_AT_ONCE: usize = 100;

/// One for each key.
fn asked(payload: &Map<String, Value>) -> Result<Vec<Asked>, Refusal> {
    let name = payload.get("channel").and_then(Value::as_str).ok_or_else(|| missing("MISSING_CHANNEL", "channel"))?;
    let channel = Channel::named(name).ok_or_else(|| {
        let names = CHANNELS.map(|channel| channel.name).join(", ");
        Refusal { code: "UNKNOWN_CHANNEL", message: format!("{name:?} is not a channel; those are {names}") }
    })?;
    let interval = match payload.get("interval").filter(|given| channel.by_interval && !given.is_null()) {
        Some(given) => Some(interval(given)?),
        None => None,
    };
    let series = if channel.by_kind { series(payload)? } else { Series::default() };
    let (filter, since) = (filter(channel, payload)?, since(channel, payload)?);
    let asked = |key: &str| {
        let subject = Subject { channel: channel.name, key: Key::read(channel, key), interval, series };
        Asked { channel, subject, filter: filter.clone(), since: since.clone() }
    };
    Ok(keys(channel, payload)?.into_iter().map(asked).collect())
}

fn keys<'a>(channel: &Channel, payload: &'a Map<String, Value>) -> Result<Vec<&'a str>, Refusal> {
    let everything = Some("*").filter(|_| channel.is_of_everything());
    let given = match (payload.get("keys"), payload.get("key")) {
        (Some(Value::Array(keys)), _) if !keys.is_empty() => keys.iter().collect(),
        (None | Some(Value::Null), Some(key)) if !key.is_null() && key != "" => vec![key],
        (None | Some(Value::Null), _) => match everything {
            Some(everything) => return Ok(vec![everything]),
            None => return Err(missing("MISSING_KEY", "key")),
        },
        _ => return Err(missing("MISSING_KEY", "key, or list of keys")),
    };
    let key =
        |given: &'a Value| given.as_str().filter(|key| !key.is_empty()).ok_or_else(|| missing("MISSING_KEY", "key"));
    if given.len() > KEYS_AT_ONCE {
        let message = format!("keys are {} at once; say up to {KEYS_AT_ONCE} in one message", given.len());
        return Err(Refusal { code: "TOO_MANY_KEYS", message });
    }
    let keys = given.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
    if let Some(wrong) = keys.iter().find(|key| everything.is_some_and(|everything| **key != everything)) {
        let message = format!("key is {wrong:?}; {} is of the whole market: give \"*\", or no key", channel.name);
        return Err(Refusal { code: "INVALID_KEY", message });
    }
    Ok(keys)
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

fn since(channel: &Channel, payload: &Map<String, Value>) -> Result<Since, Refusal> {
    let given = |name: &str| payload.get(name).filter(|given| !given.is_null());
    match (given("cursor"), given("start_time"), given("replay")) {
        (None, None, None) => Ok(Since::Now),
        (Some(cursor), None, None) => heard(cursor).map(Since::Cursor),
        (None, Some(time), None) => start_time(channel, time).map(Since::Time),
        (None, None, Some(stretch)) => replay(stretch).map(Since::Replay),
        (_, _, Some(_)) => {
            Err(no_replay("a replay begins where it says; give neither cursor nor start_time with it".to_owned()))
        }
        (Some(_), Some(_), None) => {
            let message = "a subscription begins behind a cursor or at a start_time; give one of them".to_owned();
            Err(Refusal { code: "INVALID_START_TIME", message })
        }
    }
}

fn heard(given: &Value) -> Result<Heard, Refusal> {
    given.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let message = format!("cursor is {given}, and no frame has told it; subscribe without one");
        Refusal { code: "INVALID_CURSOR", message }
    })
}

fn start_time(channel: &Channel, given: &Value) -> Result<i64, Refusal> {
    let refused = |message| Refusal { code: "INVALID_START_TIME", message };
    if !channel.can_be_read_again() {
        let can = CHANNELS.iter().filter(|channel| channel.can_be_read_again()).map(|channel| channel.name);
        let names = can.collect::<Vec<_>>().join(", ");
        let message = format!("{} tells how things are now; a start_time is for {names}", channel.name);
        return Err(refused(message));
    }
    given.as_i64().ok_or_else(|| refused(format!("start_time is {given}; it is a whole number of milliseconds UTC")))
}

fn replay(given: &Value) -> Result<Wanted, Refusal> {
    let object = given.as_object().ok_or_else(|| no_replay(format!("replay is {given}; it is {{from, to, speed}}")))?;
    if let Some(name) = object.keys().find(|name| !["from", "to", "speed"].contains(&name.as_str())) {
        return Err(no_replay(format!("{name:?} is nothing a replay has; it has from, to and speed")));
    }
    let given = |name: &str| object.get(name).filter(|given| !given.is_null());
    let time = |name: &str| {
        let whole = |time: &Value| {
            let refusal = || no_replay(format!("{name} is {time}; it is a whole number of milliseconds UTC"));
            time.as_i64().ok_or_else(refusal)
        };
        given(name).map(whole).transpose()
    };
    let from = time("from")?.ok_or_else(|| no_replay("a replay begins somewhere; give from".to_owned()))?;
    let speed = given("speed").map_or(Ok(Speed::LIVE), |speed| {
        let text = speed.as_str().map_or_else(|| speed.to_string(), str::to_owned);
        text.parse().map_err(|_| no_replay(Speed::refusal(speed)))
    });
    Ok(Wanted { from, to: time("to")?, speed: speed? })
}

fn no_replay(message: String) -> Refusal {
    Refusal { code: "INVALID_REPLAY", message }
}

fn filter(channel: &Channel, payload: &Map<String, Value>) -> Result<Filter, Refusal> {
    let refused = |message| Refusal { code: "INVALID_FILTER", message };
    match payload.get("filter") {
        None | Some(Value::Null) => Ok(Filter::default()),
        Some(Value::Object(given)) => Filter::read(given, channel.filters).map_err(refused),
        Some(other) => Err(refused(format!("filter is {other}; it is an object of names and values"))),
    }
}
