//! The reply to `metaAndAssetCtxs` → the contexts of the dex's markets, whenever they have changed.

use std::collections::BTreeMap;

use schemas::{AssetContext, Coin, Message as _, Outbox, kind};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::object::with_front;
use super::origin::Origin;

/// What was published last of each market. A new process publishes all once more.
#[derive(Debug, Default)]
pub struct Contexts {
    latest: BTreeMap<Coin, Box<RawValue>>,
}

/// What a reply has given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub facts: u64,
    pub dead_letters: u64,
}

impl Contexts {
    pub fn take(&mut self, reply: &[u8], origin: &Origin<'_>, out: &mut Outbox) -> Result<Given, String> {
        let (meta, contexts) = serde_json::from_slice::<Reply<'_>>(reply).map_err(not_contexts)?;
        if meta.universe.len() != contexts.len() {
            return Err(not_contexts("there are not as many as markets"));
        }
        let mut given = Given::default();
        for (listing, context) in meta.universe.into_iter().zip(contexts) {
            let before = self.latest.get(&listing.name);
            if before.is_some_and(|before| before.get() == context.get()) {
                continue;
            }
            match fact(&listing.name, context, origin.received) {
                Ok((context, text)) => {
                    let more: &[(&str, &[u8])] = &[(kind::HEADER, kind::CONTEXT)];
                    origin.send_to(AssetContext::TOPIC, &context, &text, more, out);
                    given.facts += 1;
                }
                Err(reason) => {
                    origin.set_aside(&format!("#{}", listing.name), context.get().as_bytes(), &reason, out);
                    given.dead_letters += 1;
                }
            }
            self.latest.insert(listing.name, context.to_owned());
        }
        Ok(given)
    }
}

type Reply<'a> = (Meta, Vec<&'a RawValue>);

#[derive(Deserialize)]
struct Meta {
    universe: Vec<Listing>,
}

#[derive(Deserialize)]
struct Listing {
    name: Coin,
}

/// In the form in which the public feed gives it.
fn fact(coin: &Coin, context: &RawValue, received: i64) -> Result<(AssetContext, String), String> {
    let front = format!(r#""coin":{},"time":{received},"#, Value::from(coin.as_str()));
    let text = with_front(&front, context.get()).map_err(not_contexts)?;
    let read = serde_json::from_str(&text).map_err(not_contexts)?;
    Ok((read, text))
}

fn not_contexts(reason: impl std::fmt::Display) -> String {
    format!("not contexts: {reason}")
}
