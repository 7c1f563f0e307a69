//! One client's subscriptions and how much it has asked: its texts and the market's blocks go in, frames come out.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::Limits;
use super::subscription::Subscription;
use crate::feed::{Feed, Published};
use crate::frames::{self, Refusal};

pub(crate) struct Session {
    feed: Feed,
    limits: Limits,
    /// With the block that each began after.
    subscriptions: BTreeMap<Subscription, u64>,
    minute: Instant,
    messages: usize,
}

#[derive(Deserialize)]
#[serde(tag = "method", rename_all = "camelCase")]
enum Request {
    Subscribe { subscription: Value },
    Unsubscribe { subscription: Value },
    Ping,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Session {
    pub(crate) fn new(feed: Feed, limits: Limits) -> Self {
        Self { feed, limits, subscriptions: BTreeMap::new(), minute: Instant::now(), messages: 0 }
    }

    pub(crate) fn answer(&mut self, text: &str) -> Vec<Utf8Bytes> {
        if self.asks_too_much() {
            return vec![Refusal::TooManyMessages(self.limits.messages_per_minute).frame()];
        }
        match serde_json::from_str(text) {
            Ok(Request::Subscribe { subscription }) => self.subscribe(&subscription),
            Ok(Request::Unsubscribe { subscription }) => vec![self.unsubscribe(&subscription)],
            Ok(Request::Ping) => vec![frames::PONG.into()],
            Err(_) => vec![Refusal::NotARequest(text).frame()],
        }
    }

    /// What a block means for this client.
    pub(crate) fn forward(&self, published: &Published) -> Vec<Utf8Bytes> {
        let begun = self.subscriptions.iter().filter(|(_, after)| published.block > **after);
        begun.filter_map(|(subscription, _)| subscription.next(published)).collect()
    }

    fn subscribe(&mut self, asked: &Value) -> Vec<Utf8Bytes> {
        let now = self.feed.now();
        let Some(subscription) = Subscription::deserialize(asked).ok().filter(|asked| asked.exists(&now)) else {
            return vec![Refusal::InvalidSubscription(asked).frame()];
        };
        if self.subscriptions.contains_key(&subscription) {
            return vec![Refusal::AlreadySubscribed(asked).frame()];
        }
        if self.subscriptions.len() >= self.limits.subscriptions {
            return vec![Refusal::TooManyChannels(self.limits.subscriptions).frame()];
        }
        let answer = vec![frames::echo("subscribe", &subscription), subscription.first(&now)];
        self.subscriptions.insert(subscription, now.block);
        answer
    }

    fn unsubscribe(&mut self, asked: &Value) -> Utf8Bytes {
        match Subscription::deserialize(asked) {
            Err(_) => Refusal::InvalidSubscription(asked).frame(),
            Ok(subscription) if self.subscriptions.remove(&subscription).is_none() => {
                Refusal::AlreadyUnsubscribed(asked).frame()
            }
            Ok(subscription) => frames::echo("unsubscribe", &subscription),
        }
    }

    fn asks_too_much(&mut self) -> bool {
        if self.minute.elapsed() >= MINUTE {
            self.minute = Instant::now();
            self.messages = 0;
        }
        self.messages += 1;
        self.messages > self.limits.messages_per_minute
    }
}
