//! Elements of frames → facts of the contract, with their headers.

use schemas::{
    Amount, AssetContext, Coin, Headers, Message, Mid, Outbox, RAW_PART_BYTES, Trade, kind, raw_parts, topics,
};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde_json::value::RawValue;

use super::object;
use crate::dead_letter::{Reject, dead_letter};

/// Where and when the frame came that is being worked on.
pub struct Origin<'a> {
    /// Which of the connections that are kept side by side.
    pub on: usize,
    /// The connection's number and the frame's.
    pub position: &'a str,
    pub received: i64,
}

pub const SOURCE: &str = "public-feed";

/// The trade, and the text that goes on.
pub fn trade(element: &RawValue) -> Result<(Trade, String), Reject> {
    let read = object::fact::<Trade>(&[], element.get(), &["px", "sz"]);
    let (text, trade) = read.map_err(|reason| Reject::Trade { reason })?;
    if trade.sz.sign() < 0 {
        return Err(Reject::Trade { reason: "its size is below zero".to_owned() });
    }
    Ok((trade, text))
}

const DECIMALS: [&str; 8] =
    ["markPx", "oraclePx", "midPx", "funding", "openInterest", "prevDayPx", "dayNtlVlm", "premium"];

/// The context of a coin; the exchange gives it no time, so that it is that of its frame.
pub fn context(coin: &Coin, element: &RawValue, time: i64) -> Result<(AssetContext, String), Reject> {
    let front = [("coin", serde_json::Value::from(coin.as_str()).to_string()), ("time", time.to_string())];
    let read = object::fact(&front, element.get(), &DECIMALS);
    read.map(|(text, context)| (context, text)).map_err(|reason| Reject::Context { reason })
}

/// The mid of a name as the mids of a dex hold it; the exchange gives it no time either.
pub fn mid(dex: &str, name: &str, element: &RawValue, time: i64) -> Result<Mid, Reject> {
    let not_a_mid = |reason: String| Reject::Frame { reason: format!("the mid of {name:?} cannot be read: {reason}") };
    let coin: Result<Coin, serde::de::value::Error> = Coin::deserialize(name.into_deserializer());
    let coin = coin.map_err(|error| not_a_mid(error.to_string()))?;
    if coin.dex() != dex {
        return Err(not_a_mid(format!("it is not of dex {dex:?}")));
    }
    let mid: Result<Amount, _> = element.get().trim_matches('"').parse();
    mid.map(|mid| Mid { coin, mid, time }).map_err(|error| not_a_mid(error.to_string()))
}

impl Origin<'_> {
    pub fn send_trade(&self, trade: &Trade, text: &str, out: &mut Outbox) {
        self.send(trade, text, &self.headers(Trade::SCHEMA), out);
    }

    pub fn send_context(&self, context: &AssetContext, text: &str, out: &mut Outbox) {
        let mut headers = self.headers(AssetContext::SCHEMA);
        Headers::write(&mut headers, kind::HEADER, kind::CONTEXT);
        self.send(context, text, &headers, out);
    }

    pub fn send_mid(&self, mid: &Mid, out: &mut Outbox) {
        let Ok(text) = serde_json::to_string(mid) else { return };
        self.send(mid, &text, &self.headers(Mid::SCHEMA), out);
    }

    fn send<M: Message>(&self, message: &M, text: &str, headers: &[u8], out: &mut Outbox) {
        let mut key = Vec::new();
        message.write_key(&mut key);
        let partition = message.partition(out.generation().partitions(M::TOPIC));
        out.batch(M::TOPIC, partition).push(message.time(), &key, Some(text.as_bytes()), headers);
    }

    fn headers(&self, schema: &str) -> Vec<u8> {
        let mut headers = self.received();
        Headers::write(&mut headers, "schema", schema.as_bytes());
        Headers::write(&mut headers, "source", self.position.as_bytes());
        headers
    }

    fn received(&self) -> Vec<u8> {
        let mut headers = Vec::new();
        Headers::write(&mut headers, "received", self.received.to_string().as_bytes());
        headers
    }

    /// Bytes that could not be understood; `place` says where in the frame, if they are not all of it.
    pub fn set_aside(&self, place: &str, bytes: &[u8], reject: &Reject, out: &mut Outbox) {
        let position = format!("{}{place}", self.position);
        out.inherit(Headers(&self.received()));
        out.send(&dead_letter(SOURCE, &position, bytes, reject, self.received));
        out.inherit(Headers::default());
    }

    pub fn keep_raw(&self, frame: &[u8], out: &mut Outbox) {
        let batch = out.batch(&topics::RAW_PUBLIC_FEED, 0);
        for (part, parts, bytes) in raw_parts(frame) {
            let mut headers = self.received();
            if frame.len() > RAW_PART_BYTES {
                Headers::write(&mut headers, "part", format!("{part}/{parts}").as_bytes());
            }
            batch.push(self.received, self.position.as_bytes(), Some(bytes), &headers);
        }
    }
}
