//! Who asks, by address: requests, connections and what is said on them go in; whether that is still within the
//! exchange's limits comes out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::limits::Limits;
use crate::minute::Minute;

#[derive(Clone)]
pub(crate) struct Visitors(Arc<Shared>);

struct Shared {
    limits: Limits,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    by_address: HashMap<IpAddr, Visitor>,
    most_in_any_minute: u32,
    refused: u64,
}

#[derive(Default)]
struct Visitor {
    weight: Minute,
    new_connections: Minute,
    messages: Minute,
    connections: u32,
    subscriptions: u32,
}

/// What the info requests have cost, of the address that spent most; and how many of all addresses were too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Weights {
    spent_last_minute: u32,
    most_in_any_minute: u32,
    refused: u64,
}

/// A connection: it counts as long as this lives.
pub(crate) struct Guest {
    visitors: Visitors,
    address: IpAddr,
    subscriptions: u32,
}

impl Visitors {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, seen: Mutex::default() }))
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Whether a request of this weight may be answered.
    pub(crate) fn may_ask(&self, address: IpAddr, weight: u32) -> bool {
        let (now, mut seen) = (Instant::now(), self.seen());
        let allowed = seen.of(address).weight.spend_within(self.0.limits.weight_per_minute, weight, now);
        seen.refused += u64::from(!allowed);
        seen.keep_the_most(address, now);
        allowed
    }

    /// What an answer has cost beside its request: nobody knows before it is there.
    pub(crate) fn charge(&self, address: IpAddr, weight: u32) {
        let (now, mut seen) = (Instant::now(), self.seen());
        seen.of(address).weight.spend(weight, now);
        seen.keep_the_most(address, now);
    }

    pub(crate) fn weights(&self) -> Weights {
        let (now, mut seen) = (Instant::now(), self.seen());
        Weights {
            spent_last_minute: seen.by_address.values_mut().map(|it| it.weight.sum(now)).max().unwrap_or(0),
            most_in_any_minute: seen.most_in_any_minute,
            refused: seen.refused,
        }
    }

    pub(crate) fn connect(&self, address: IpAddr) -> Option<Guest> {
        let (limits, mut seen) = (self.0.limits, self.seen());
        let visitor = seen.of(address);
        let room = visitor.connections < limits.connections;
        let allowed =
            room && visitor.new_connections.spend_within(limits.new_connections_per_minute, 1, Instant::now());
        visitor.connections += u32::from(allowed);
        allowed.then(|| Guest { visitors: self.clone(), address, subscriptions: 0 })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Whether one more message may be heard.
    pub(crate) fn may_speak(&mut self) -> bool {
        let most = self.visitors.0.limits.messages_per_minute;
        self.visitors.seen().of(self.address).messages.spend_within(most, 1, Instant::now())
    }

    /// Whether there is room for one more subscription, which is then taken.
    pub(crate) fn may_subscribe(&mut self) -> bool {
        let most = self.visitors.0.limits.subscriptions;
        let mut seen = self.visitors.seen();
        let visitor = seen.of(self.address);
        let allowed = visitor.subscriptions < most;
        visitor.subscriptions += u32::from(allowed);
        self.subscriptions += u32::from(allowed);
        allowed
    }

    pub(crate) fn unsubscribe(&mut self) {
        self.subscriptions -= 1;
        self.visitors.seen().of(self.address).subscriptions -= 1;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut seen = self.visitors.seen();
        let visitor = seen.of(self.address);
        visitor.connections -= 1;
        visitor.subscriptions -= self.subscriptions;
    }
}

impl Seen {
    /// Who is new is remembered, and who has neither connections nor anything spent is forgotten for it.
    fn of(&mut self, address: IpAddr) -> &mut Visitor {
        let address = address.to_canonical();
        if !self.by_address.contains_key(&address) {
            let now = Instant::now();
            self.by_address.retain(|_, visitor| visitor.is_there(now));
        }
        self.by_address.entry(address).or_default()
    }

    fn keep_the_most(&mut self, address: IpAddr, now: Instant) {
        let spent = self.of(address).weight.sum(now);
        self.most_in_any_minute = self.most_in_any_minute.max(spent);
    }
}

impl Visitor {
    fn is_there(&mut self, now: Instant) -> bool {
        let spent = [&mut self.weight, &mut self.new_connections, &mut self.messages].map(|minute| minute.sum(now));
        self.connections > 0 || spent.iter().any(|sum| *sum > 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    #[test]
    fn weight_is_counted_by_address_and_the_most_is_kept() {
        let visitors = Visitors::new(Limits::EXCHANGE);
        assert!((0..60).all(|_| visitors.may_ask(HERE, 20)));
        assert!(!visitors.may_ask(HERE, 2) && visitors.may_ask(THERE, 2));
        visitors.charge(HERE, 100);
        let weights = serde_json::to_string(&visitors.weights()).unwrap();
        assert_eq!(weights, r#"{"spent_last_minute":1300,"most_in_any_minute":1300,"refused":1}"#);
    }

    #[test]
    fn connections_are_counted_as_long_as_they_live() {
        let visitors = Visitors::new(Limits { connections: 2, new_connections_per_minute: 3, ..Limits::EXCHANGE });
        let first = visitors.connect(HERE).unwrap();
        let second = visitors.connect(HERE).unwrap();
        assert!(visitors.connect(HERE).is_none() && visitors.connect(THERE).is_some());
        drop(first);
        let third = visitors.connect(HERE).unwrap();
        drop((second, third));
        assert!(visitors.connect(HERE).is_none(), "a fourth within a minute");
    }

    #[test]
    fn subscriptions_and_messages_are_those_of_all_connections() {
        let visitors = Visitors::new(Limits { subscriptions: 2, messages_per_minute: 3, ..Limits::EXCHANGE });
        let (mut one, mut other) = (visitors.connect(HERE).unwrap(), visitors.connect(HERE).unwrap());
        assert!(one.may_subscribe() && other.may_subscribe() && !one.may_subscribe());
        other.unsubscribe();
        assert!(one.may_subscribe() && !other.may_subscribe());
        assert!(one.may_speak() && other.may_speak() && one.may_speak() && !other.may_speak());
        drop(one);
        assert!(other.may_subscribe() && other.may_subscribe(), "what a connection had goes with it");
    }
}
