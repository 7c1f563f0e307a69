//! Contexts and mids → those that changed since they were published last.

use schemas::{Coin, Outbox};
use serde_json::value::RawValue;

use super::facts::{self, Origin};
use super::feed::Feed;

impl Feed {
    /// Contexts stand in the order of the dex's universe; those beyond it are of markets that are not known yet.
    pub(super) fn take_contexts(&mut self, dex: &str, contexts: &[&RawValue], origin: &Origin<'_>, out: &mut Outbox) {
        for (place, context) in contexts.iter().enumerate() {
            let Some(coin) = self.markets.at(dex, place).cloned() else {
                self.wants_metadata = true;
                return;
            };
            self.take_context(&coin, context, &format!("#{coin}"), origin, out);
        }
    }

    pub(super) fn take_context(
        &mut self,
        coin: &Coin,
        context: &RawValue,
        place: &str,
        origin: &Origin<'_>,
        out: &mut Outbox,
    ) {
        let before = self.memory.of(coin).and_then(|latest| latest.context.as_ref());
        if before.is_some_and(|before| before.get() == context.get()) {
            return;
        }
        self.memory.change(coin).context = Some(context.to_owned());
        match facts::context(coin, context, origin.received) {
            Ok((context, text)) => {
                origin.send_context(&context, &text, out);
                self.cursor.contexts += 1;
            }
            Err(reject) => self.set_aside(place, context.get().as_bytes(), &reject, origin, out),
        }
    }

    pub(super) fn take_mids(&mut self, dex: &str, mids: &[(String, &RawValue)], origin: &Origin<'_>, out: &mut Outbox) {
        for (name, element) in mids {
            let coin = Coin::new(name);
            // What stands among the mids of another dex says nothing about the coin of that name.
            let remembered = if coin.dex() == dex { coin } else { Coin::new(&format!("{dex}|{name}")) };
            if !self.memory.is_news(&remembered, element) {
                continue;
            }
            match facts::mid(dex, name, element, origin.received) {
                Ok(mid) => {
                    origin.send_mid(&mid, out);
                    self.cursor.mids += 1;
                }
                Err(reject) => self.set_aside(&format!("#{name}"), element.get().as_bytes(), &reject, origin, out),
            }
        }
    }
}
