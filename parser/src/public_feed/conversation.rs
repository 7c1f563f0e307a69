//! What is wanted, and what the server answered → what is to be sent next. Knows no socket and no clock.

use std::collections::{BTreeSet, VecDeque};

use schemas::Coin;

use super::frame::Frame;
use super::markets::Markets;
use super::subscription::Subscription;

/// The subscriptions of one connection.
#[derive(Debug)]
pub struct Conversation {
    markets: Markets,
    waiting: VecDeque<Subscription>,
    /// Sent and not answered yet, in the order in which they were sent.
    awaited: VecDeque<Subscription>,
    accepted: BTreeSet<Subscription>,
    refused: BTreeSet<Subscription>,
}

/// What a frame meant for the conversation.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    Answer,
    Pong,
    /// Nothing more can be had on this connection.
    Limit,
}

/// So many are sent before their answers are awaited.
const AT_ONCE: usize = 50;

impl Conversation {
    pub fn about(markets: &Markets) -> Self {
        let waiting = markets.subscriptions().into();
        let (awaited, accepted, refused) = Default::default();
        Self { markets: markets.clone(), waiting, awaited, accepted, refused }
    }

    /// Newer metadata: what is new in it is subscribed too.
    pub fn follow(&mut self, markets: &Markets) {
        self.markets = markets.clone();
        let contexts = if self.has_single_contexts() { markets.single_contexts() } else { Vec::new() };
        for subscription in contexts.into_iter().chain(markets.subscriptions()) {
            self.want(subscription);
        }
    }

    fn want(&mut self, subscription: Subscription) {
        let is_known = self.accepted.contains(&subscription) || self.refused.contains(&subscription);
        if !is_known && !self.awaited.contains(&subscription) && !self.waiting.contains(&subscription) {
            self.waiting.push_back(subscription);
        }
    }

    /// What is to be sent now: nothing as long as an answer is awaited. All contexts are asked for alone, so that an
    /// error that quotes nothing is the answer to it.
    pub fn next(&self) -> usize {
        match self.waiting.front() {
            _ if !self.awaited.is_empty() => 0,
            Some(Subscription::AllContexts) => 1,
            _ => self.waiting.len().min(AT_ONCE),
        }
    }

    pub fn send_next(&mut self) -> Vec<String> {
        let batch: Vec<Subscription> = self.waiting.drain(..self.next()).collect();
        let requests = batch.iter().map(Subscription::request).collect();
        self.awaited.extend(batch);
        requests
    }

    pub fn is_awaiting(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Everything that is wanted was answered.
    pub fn is_complete(&self) -> bool {
        self.awaited.is_empty() && self.waiting.is_empty()
    }

    pub fn coins(&self) -> Vec<Coin> {
        let coin = |subscription: &Subscription| match subscription {
            Subscription::Trades { coin } => Some(coin.clone()),
            Subscription::AllContexts | Subscription::Context { .. } => None,
        };
        self.accepted.iter().filter_map(coin).collect()
    }

    pub fn hear(&mut self, frame: &Frame<'_>) -> Heard {
        match frame {
            Frame::Pong => Heard::Pong,
            Frame::Accepted(echoed) => self.accept(echoed.clone()),
            Frame::Error(text) if is_limit(text) => Heard::Limit,
            Frame::Error(text) if text.starts_with("Already subscribed") => self.accept(Subscription::quoted_in(text)),
            Frame::Error(text) => self.refuse(Subscription::quoted_in(text)),
            _ => Heard::Nothing,
        }
    }

    fn accept(&mut self, named: Option<Subscription>) -> Heard {
        let Some(answered) = self.answered(named) else { return Heard::Nothing };
        self.accepted.insert(answered);
        Heard::Answer
    }

    fn refuse(&mut self, named: Option<Subscription>) -> Heard {
        let Some(answered) = self.answered(named) else { return Heard::Nothing };
        let fall_back = answered == Subscription::AllContexts;
        self.refused.insert(answered);
        if fall_back {
            self.markets.single_contexts().into_iter().for_each(|single| self.want(single));
        }
        Heard::Answer
    }

    /// The subscription that an answer names, or, if it names none, the one that was sent first: answers come in order.
    fn answered(&mut self, named: Option<Subscription>) -> Option<Subscription> {
        let at = match &named {
            Some(named) => self.awaited.iter().position(|awaited| awaited == named)?,
            None => 0,
        };
        self.awaited.remove(at)
    }

    fn has_single_contexts(&self) -> bool {
        self.refused.contains(&Subscription::AllContexts)
    }
}

/// `Cannot subscribe to more than 1000 channels.` and its like.
fn is_limit(error: &str) -> bool {
    error.starts_with("Cannot") && error.contains("more than")
}
