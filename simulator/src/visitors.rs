//! Who asks, by address: requests, connections and what is said on them go in; whether that is still within the
//! exchange's limits comes out.

use std::collections::{BTreeMap, HashMap};
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

/// What info requests have cost each address; the most that any has spent within a minute, and how many requests of all
/// were too much.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Weights {
    spent_last_minute: BTreeMap<IpAddr, u32>,
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

    /// Whether there is room for a request that weighs at least so much.
    pub(crate) fn may_ask(&self, address: IpAddr, weight: u32) -> bool {
        let mut seen = self.seen();
        let allowed = seen.of(address).weight.has_room(self.0.limits.weight_per_minute, weight, Instant::now());
        seen.refused += u64::from(!allowed);
        allowed
    }

    /// Whether there is room for an answer, whose whole weight is then spent.
    pub(crate) fn may_hear(&self, address: IpAddr, weight: u32) -> bool {
        let (now, mut seen) = (Instant::now(), self.seen());
        let spent = &mut seen.of(address).weight;
        let allowed = spent.spend_within(self.0.limits.weight_per_minute, weight, now);
        let sum = spent.sum(now);
        seen.most_in_any_minute = seen.most_in_any_minute.max(sum);
        seen.refused += u64::from(!allowed);
        allowed
    }

    pub(crate) fn weights(&self) -> Weights {
        let (now, mut seen) = (Instant::now(), self.seen());
        let spent = seen.by_address.iter_mut().map(|(address, visitor)| (*address, visitor.weight.sum(now)));
        let spent_last_minute = spent.filter(|(_, weight)| *weight > 0).collect();
        Weights { spent_last_minute, most_in_any_minute: seen.most_in_any_minute, refused: seen.refused }
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
        assert!((0..11).all(|_| visitors.may_ask(HERE, 20) && visitors.may_hear(HERE, 100)));
        assert!(visitors.may_ask(HERE, 20) && !visitors.may_hear(HERE, 101) && visitors.may_hear(HERE, 99));
        assert!(!visitors.may_ask(HERE, 2) && visitors.may_ask(THERE, 2) && visitors.may_hear(THERE, 2));
        let weights = serde_json::to_string(&visitors.weights()).unwrap();
        let expected = r#"{"spent_last_minute":{"127.0.0.1":1199,"::1":2},"most_in_any_minute":1199,"refused":2}"#;
        assert_eq!(weights, expected);
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
