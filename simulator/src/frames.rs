//! The frames of the exchange's WebSocket: what is to be said goes in, the text of a frame comes out.

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::dice::{Stream, named};
use crate::feed_trades::Trade;

/// The first frame of a connection; not JSON.
pub(crate) const GREETING: &str = "Websocket connection established.";
pub(crate) const PONG: &str = r#"{"channel":"pong"}"#;

#[derive(Serialize)]
struct Frame<'a, T> {
    channel: &'a str,
    data: &'a T,
}

pub(crate) fn frame(channel: &str, data: &impl Serialize) -> Utf8Bytes {
    // Texts, numbers and lists of them always have a JSON form.
    serde_json::to_string(&Frame { channel, data }).unwrap_or_default().into()
}

/// A line is JSON already.
pub(crate) fn whole_block(line: &[u8]) -> Utf8Bytes {
    let line = str::from_utf8(line).unwrap_or_default();
    format!(r#"{{"channel":"fills","data":{{"block":{line}}}}}"#).into()
}

/// As they are published: now and then one of them twice.
pub(crate) fn trades(trades: &[Trade], seed: u64) -> Utf8Bytes {
    let times = |trade: &Trade| 1 + usize::from(is_repeated(trade.tid, seed));
    let sent: Vec<&Trade> = trades.iter().flat_map(|trade| std::iter::repeat_n(trade, times(trade))).collect();
    frame("trades", &sent)
}

pub(crate) fn is_repeated(tid: u64, seed: u64) -> bool {
    named(seed, Stream::Repeats, tid).is_multiple_of(TRADES_PER_REPEAT)
}

const TRADES_PER_REPEAT: u64 = 400;

pub(crate) fn echo(method: &str, subscription: &impl Serialize) -> Utf8Bytes {
    frame("subscriptionResponse", &json!({ "method": method, "subscription": subscription }))
}

/// Errors are frames; the connection stays.
pub(crate) enum Refusal<'a> {
    NotARequest(&'a str),
    AlreadySubscribed(&'a Value),
    AlreadyUnsubscribed(&'a Value),
    InvalidSubscription(&'a Value),
    TooManyChannels(u32),
    TooManyMessages(u32),
}

impl Refusal<'_> {
    pub(crate) fn frame(&self) -> Utf8Bytes {
        let text = match self {
            Self::NotARequest(text) => format!("Error parsing JSON into valid websocket request: {text}"),
            Self::AlreadySubscribed(subscription) => format!("Already subscribed: {subscription}"),
            Self::AlreadyUnsubscribed(subscription) => format!("Already unsubscribed: {subscription}"),
            Self::InvalidSubscription(subscription) => format!("Invalid subscription {subscription}"),
            Self::TooManyChannels(most) => format!("Cannot subscribe to more than {most} channels."),
            Self::TooManyMessages(most) => format!("Cannot send more than {most} messages per minute."),
        };
        frame("error", &text)
    }
}
