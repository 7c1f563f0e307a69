//! One client of the fill stream, as paid vendors have it: once it has subscribed, each block as the node wrote it
//! comes out, and nothing of what was before.

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};

use super::Session;
use super::exchange::Request;
use crate::feed::{Event, Feed};
use crate::frames::{self, Refusal};

pub(super) struct FillStream {
    feed: Feed,
    /// The block that the subscription began after.
    subscribed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Subscription {
    Fills,
}

impl Session for FillStream {
    fn greeting(&self) -> Vec<Utf8Bytes> {
        Vec::new()
    }

    fn answer(&mut self, text: &str) -> Vec<Utf8Bytes> {
        let answer = match serde_json::from_str(text) {
            Ok(Request::Ping) => frames::PONG.into(),
            Err(_) => Refusal::NotARequest(text).frame(),
            Ok(Request::Subscribe { subscription: asked } | Request::Unsubscribe { subscription: asked })
                if Subscription::deserialize(&asked).is_err() =>
            {
                Refusal::InvalidSubscription(&asked).frame()
            }
            Ok(Request::Subscribe { subscription: asked }) if self.subscribed.is_some() => {
                Refusal::AlreadySubscribed(&asked).frame()
            }
            Ok(Request::Subscribe { .. }) => {
                self.subscribed = Some(self.feed.now().block());
                frames::echo("subscribe", &Subscription::Fills)
            }
            Ok(Request::Unsubscribe { subscription: asked }) if self.subscribed.is_none() => {
                Refusal::AlreadyUnsubscribed(&asked).frame()
            }
            Ok(Request::Unsubscribe { .. }) => {
                self.subscribed = None;
                frames::echo("unsubscribe", &Subscription::Fills)
            }
        };
        vec![answer]
    }

    fn forward(&self, event: &Event) -> Vec<Utf8Bytes> {
        let (Event::Block(whole), Some(after)) = (event, self.subscribed) else { return Vec::new() };
        if whole.block > after { vec![whole.frame.clone()] } else { Vec::new() }
    }
}

impl FillStream {
    pub(super) fn new(feed: Feed) -> Self {
        Self { feed, subscribed: None }
    }
}
