//! One client of the exchange and its subscriptions: its texts and what the market publishes go in, frames come out.

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::Session;
use super::subscription::Subscription;
use crate::feed::{Event, Feed};
use crate::frames::{self, Refusal};
use crate::limits::Limits;
use crate::visitors::Guest;

pub(super) struct Exchange {
    feed: Feed,
    guest: Guest,
    limits: Limits,
    /// With the block that each began after.
    subscriptions: BTreeMap<Subscription, u64>,
}

#[derive(Deserialize)]
#[serde(tag = "method", rename_all = "camelCase")]
pub(super) enum Request {
    Subscribe { subscription: Value },
    Unsubscribe { subscription: Value },
    Ping,
}

impl Session for Exchange {
    fn greeting(&self) -> Vec<Utf8Bytes> {
        vec![frames::GREETING.into()]
    }

    fn answer(&mut self, text: &str) -> Vec<Utf8Bytes> {
        if !self.guest.may_speak() {
            return vec![Refusal::TooManyMessages(self.limits.messages_per_minute).frame()];
        }
        match serde_json::from_str(text) {
            Ok(Request::Subscribe { subscription }) => self.subscribe(&subscription),
            Ok(Request::Unsubscribe { subscription }) => vec![self.unsubscribe(&subscription)],
            Ok(Request::Ping) => vec![frames::PONG.into()],
            Err(_) => vec![Refusal::NotARequest(text).frame()],
        }
    }

    fn forward(&self, event: &Event) -> Vec<Utf8Bytes> {
        let Event::Published(published) = event else { return Vec::new() };
        let begun = self.subscriptions.iter().filter(|(_, after)| published.block > **after);
        begun.filter_map(|(subscription, _)| subscription.next(published)).collect()
    }
}

impl Exchange {
    pub(super) fn new(feed: Feed, guest: Guest, limits: Limits) -> Self {
        Self { feed, guest, limits, subscriptions: BTreeMap::new() }
    }

    fn subscribe(&mut self, asked: &Value) -> Vec<Utf8Bytes> {
        let now = self.feed.now();
        let Some(subscription) = Subscription::deserialize(asked).ok().filter(|asked| asked.exists(&now)) else {
            return vec![Refusal::InvalidSubscription(asked).frame()];
        };
        if self.subscriptions.contains_key(&subscription) {
            return vec![Refusal::AlreadySubscribed(asked).frame()];
        }
        if !self.guest.may_subscribe() {
            return vec![Refusal::TooManyChannels(self.limits.subscriptions).frame()];
        }
        let answer = vec![frames::echo("subscribe", &subscription), subscription.first(&now)];
        self.subscriptions.insert(subscription, now.block());
        answer
    }

    fn unsubscribe(&mut self, asked: &Value) -> Utf8Bytes {
        match Subscription::deserialize(asked) {
            Err(_) => Refusal::InvalidSubscription(asked).frame(),
            Ok(subscription) if self.subscriptions.remove(&subscription).is_none() => {
                Refusal::AlreadyUnsubscribed(asked).frame()
            }
            Ok(subscription) => {
                self.guest.unsubscribe();
                frames::echo("unsubscribe", &subscription)
            }
        }
    }
}
