//! Letters of the public feed → `trades`, `asset-contexts`. A trade comes again with the backlog of every connection:
//! one that was understood then is on its topic already.

use std::collections::BTreeMap;

use schemas::{AssetContext, Coin, DeadLetter, Headers, Message, Outbox, Trade, kind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Refusal, cannot};
use crate::dead_letter::{Reject, dead_letter};
use crate::public_feed::facts;
use crate::public_feed::frame::{self, Frame};

pub use crate::public_feed::facts::SOURCE;

/// Trades that letters hold, each with whether it is on its topic.
#[derive(Debug, Default)]
pub struct Trades(BTreeMap<Id, bool>);

/// Coin, time and number.
type Id = (Coin, i64, u64);

/// What a letter holds, each with where in it.
enum Part<'a> {
    Trade(String, &'a RawValue),
    Context(Coin, &'a RawValue),
}

impl Trades {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn expect(&mut self, letter: &DeadLetter, bytes: &[u8]) {
        for part in parts(letter, bytes).unwrap_or_default() {
            if let Part::Trade(_, element) = part
                && let Ok((trade, _)) = facts::trade(element)
            {
                self.0.entry(id(&trade)).or_default();
            }
        }
    }

    /// A record of `trades`.
    pub fn see(&mut self, coin: &[u8], value: &[u8]) {
        #[derive(Deserialize)]
        struct Numbered {
            time: i64,
            tid: u64,
        }
        let Ok(coin) = std::str::from_utf8(coin).map(Coin::new) else { return };
        let is_expected =
            self.0.range((coin.clone(), i64::MIN, 0)..).next().is_some_and(|((other, ..), _)| *other == coin);
        if is_expected
            && let Ok(Numbered { time, tid }) = serde_json::from_slice(value)
            && let Some(is_there) = self.0.get_mut(&(coin, time, tid))
        {
            *is_there = true;
        }
    }

    pub fn understand(&mut self, letter: &DeadLetter, bytes: &[u8], out: &mut Outbox) -> Result<(), Refusal> {
        let parts = parts(letter, bytes)?;
        let is_all = parts.len() == 1;
        for part in parts {
            match self.take(&part, letter, out) {
                Err(reject) if is_all => return Err(reject.into()),
                Err(reject) => set_aside(&part, letter, &reject, out),
                Ok(()) => {}
            }
        }
        if out.records() > 0 { Ok(()) } else { Err(Refusal::Known("it is on `trades` already".to_owned())) }
    }

    fn take(&mut self, part: &Part<'_>, letter: &DeadLetter, out: &mut Outbox) -> Result<(), Reject> {
        match part {
            Part::Trade(_, element) => {
                let (trade, text) = facts::trade(element)?;
                if !std::mem::replace(self.0.entry(id(&trade)).or_default(), true) {
                    publish(&trade, &text, None, letter, out);
                }
            }
            Part::Context(coin, element) => {
                let (context, text) = facts::context(coin, element, letter.time)?;
                publish::<AssetContext>(&context, &text, Some(kind::CONTEXT), letter, out);
            }
        }
        Ok(())
    }
}

fn id(trade: &Trade) -> Id {
    (trade.coin.clone(), trade.time, trade.tid)
}

/// What the letter was filed for says what its bytes should have been.
fn parts<'a>(letter: &DeadLetter, bytes: &'a [u8]) -> Result<Vec<Part<'a>>, Refusal> {
    let place = letter.position.split_once('#').map(|(_, place)| place);
    let element = || serde_json::from_slice::<&RawValue>(bytes).map_err(|error| error.to_string());
    let is_not = |what: &str| letter.reason.starts_with(&format!("not a {what}"));
    match place {
        Some(_) if is_not("trade") => {
            let element = element().map_err(|reason| Reject::Trade { reason })?;
            Ok(vec![Part::Trade(String::new(), element)])
        }
        Some(coin) if is_not("context") => {
            let element = element().map_err(|reason| Reject::Context { reason })?;
            Ok(vec![Part::Context(Coin::new(coin), element)])
        }
        None if is_not("frame") => parts_of_a_frame(frame::understand(bytes)?),
        _ => Err(cannot("only the frame around it said of which market it is")),
    }
}

fn parts_of_a_frame(frame: Frame<'_>) -> Result<Vec<Part<'_>>, Refusal> {
    match frame {
        Frame::Trades(elements) if !elements.is_empty() => {
            let elements = elements.into_iter().enumerate();
            Ok(elements.map(|(index, element)| Part::Trade(format!("#{index}"), element)).collect())
        }
        Frame::Context(coin, context) => Ok(vec![Part::Context(coin, context)]),
        Frame::AllContexts(_) => Err(cannot("of which markets its contexts are, only the metadata of then could say")),
        _ => Err(cannot("it holds no trade and no context")),
    }
}

fn set_aside(part: &Part<'_>, letter: &DeadLetter, reject: &Reject, out: &mut Outbox) {
    let (Part::Trade(place, element), position) = (part, &letter.position) else { return };
    let bytes = element.get().as_bytes();
    out.send(&dead_letter(SOURCE, &format!("{position}{place}"), bytes, reject, letter.time));
}

fn publish<M: Message>(message: &M, text: &str, kind: Option<&[u8]>, letter: &DeadLetter, out: &mut Outbox) {
    let (mut key, mut headers) = (Vec::new(), Vec::new());
    message.write_key(&mut key);
    Headers::write(&mut headers, "received", letter.time.to_string().as_bytes());
    Headers::write(&mut headers, "schema", M::SCHEMA.as_bytes());
    Headers::write(&mut headers, "source", letter.position.as_bytes());
    if let Some(kind) = kind {
        Headers::write(&mut headers, kind::HEADER, kind);
    }
    let partition = message.partition(out.generation().partitions(M::TOPIC));
    out.batch(M::TOPIC, partition).push(message.time(), &key, Some(text.as_bytes()), &headers);
}
