//! What is wanted of one connection, and what the server answered → what is to be sent next. Knows no socket and no
//! clock.

use std::collections::{BTreeSet, VecDeque};

use schemas::Coin;

use super::frame::Frame;
use super::plan::Share;
use super::subscription::{Method, Request, Subscription};

/// The subscriptions of one connection.
#[derive(Debug)]
pub struct Conversation {
    share: Share,
    waiting: VecDeque<Request>,
    /// Sent and not answered yet, in the order in which they were sent.
    awaited: VecDeque<Request>,
    accepted: BTreeSet<Subscription>,
    refused: BTreeSet<Subscription>,
}

/// What a frame meant for the conversation.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    Answer,
    /// Nothing more can be had on this connection.
    Limit,
}

/// So many are sent before their answers are awaited.
const AT_ONCE: usize = 50;

impl Conversation {
    pub fn about(share: &Share) -> Self {
        let (waiting, awaited, accepted, refused) = Default::default();
        let mut conversation = Self { share: share.clone(), waiting, awaited, accepted, refused };
        conversation.compare();
        conversation
    }

    /// Another share: what is new in it is subscribed too, and what is not in it any more is given back.
    pub fn follow(&mut self, share: &Share) {
        self.share = share.clone();
        self.compare();
    }

    /// What is wanted with what there is: the difference is what waits to be sent.
    fn compare(&mut self) {
        let wanted: Vec<Subscription> = self.wanted().cloned().collect();
        let is_wanted: BTreeSet<&Subscription> = wanted.iter().collect();
        self.refused.retain(|refused| *refused == Subscription::AllContexts || is_wanted.contains(refused));
        let is_awaited: BTreeSet<&Subscription> = self.awaited.iter().map(|request| &request.subscription).collect();
        let given_back = self.accepted.iter().filter(|accepted| !is_wanted.contains(accepted));
        let new = wanted.iter().filter(|wanted| !self.accepted.contains(wanted) && !self.refused.contains(wanted));
        let requests = given_back.map(|given_back| (Method::Unsubscribe, given_back));
        let requests = requests.chain(new.map(|new| (Method::Subscribe, new)));
        let requests = requests.filter(|(_, subscription)| !is_awaited.contains(subscription));
        let requests = requests.map(|(method, subscription)| Request { method, subscription: subscription.clone() });
        self.waiting = requests.collect();
    }

    fn wanted(&self) -> impl Iterator<Item = &Subscription> {
        let has_single_contexts = self.refused.contains(&Subscription::AllContexts);
        let single_contexts = self.share.single_contexts.iter().filter(move |_| has_single_contexts);
        self.share.wanted.iter().chain(single_contexts).chain(&self.share.tick)
    }

    /// What is to be sent now: nothing as long as an answer is awaited. All contexts are asked for alone, so that an
    /// error that quotes nothing is the answer to it.
    pub fn next(&self) -> usize {
        match self.waiting.front() {
            _ if !self.awaited.is_empty() => 0,
            Some(Request { subscription: Subscription::AllContexts, .. }) => 1,
            _ => self.waiting.len().min(AT_ONCE),
        }
    }

    pub fn send_next(&mut self) -> Vec<String> {
        let batch: Vec<Request> = self.waiting.drain(..self.next()).collect();
        let texts = batch.iter().map(Request::text).collect();
        self.awaited.extend(batch);
        texts
    }

    pub fn is_awaiting(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Everything that is wanted was answered.
    pub fn is_complete(&self) -> bool {
        self.awaited.is_empty() && self.waiting.is_empty()
    }

    /// Whether something was accepted that never is silent.
    pub fn ticks(&self) -> bool {
        self.accepted.iter().any(Subscription::ticks)
    }

    pub fn coins(&self) -> Vec<Coin> {
        self.accepted.iter().filter_map(Subscription::traded).cloned().collect()
    }

    pub fn hear(&mut self, frame: &Frame<'_>) -> Heard {
        match frame {
            Frame::Accepted(echoed) => self.accept(echoed.as_ref().map(|request| &request.subscription)),
            Frame::Error(text) if is_limit(text) => Heard::Limit,
            Frame::Error(text) if text.starts_with("Already") => self.accept(Subscription::quoted_in(text).as_ref()),
            Frame::Error(text) => self.refuse(Subscription::quoted_in(text).as_ref()),
            _ => Heard::Nothing,
        }
    }

    fn accept(&mut self, named: Option<&Subscription>) -> Heard {
        let Some(Request { method, subscription }) = self.answered(named) else { return Heard::Nothing };
        match method {
            Method::Subscribe => drop(self.accepted.insert(subscription)),
            Method::Unsubscribe => drop(self.accepted.remove(&subscription)),
        }
        self.come_back()
    }

    /// Who refuses to give something back does not have it.
    fn refuse(&mut self, named: Option<&Subscription>) -> Heard {
        let Some(Request { method, subscription }) = self.answered(named) else { return Heard::Nothing };
        match method {
            Method::Subscribe => drop(self.refused.insert(subscription)),
            Method::Unsubscribe => drop(self.accepted.remove(&subscription)),
        }
        self.come_back()
    }

    /// Something else may be wanted by now than what was answered.
    fn come_back(&mut self) -> Heard {
        if self.awaited.is_empty() {
            self.compare();
        }
        Heard::Answer
    }

    /// The request that an answer names, or, if it names none, the one that was sent first: answers come in order.
    fn answered(&mut self, named: Option<&Subscription>) -> Option<Request> {
        let at = match named {
            Some(named) => self.awaited.iter().position(|awaited| awaited.subscription == *named)?,
            None => 0,
        };
        self.awaited.remove(at)
    }
}

/// `Cannot subscribe to more than 1000 channels.` and its like.
fn is_limit(error: &str) -> bool {
    error.starts_with("Cannot") && error.contains("more than")
}
