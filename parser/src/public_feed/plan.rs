//! What is wanted, and where it was until now → which connection carries what. Within what the exchange allows, and
//! nothing is moved that has its place.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Coin;

use super::markets::Markets;
use super::subscription::Subscription;

/// What each connection is to carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    shares: [Share; CONNECTIONS],
    /// For which the exchange's limits leave no room.
    pub left_out: Vec<Subscription>,
}

/// What one connection is to carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// In the order in which it is asked for.
    pub wanted: Vec<Subscription>,
    /// What is asked for where the server does not give all contexts at once.
    pub single_contexts: Vec<Subscription>,
    /// Carried by another connection too, and asked for here so that silence means something.
    pub tick: Option<Subscription>,
}

/// The exchange allows ten per address. Those that have just been lost may still be counted, and other programs of
/// the same address have theirs.
pub const CONNECTIONS: usize = 5;
/// So much is lost when one connection is, and asked for again in three exchanges of messages. Five times this is every
/// market there is with spot, and all perpetuals need three of them.
pub const SUBSCRIPTIONS_EACH: usize = 150;
/// Of the thousand that the exchange allows: what one lost connection held is counted for a while.
pub const SUBSCRIPTIONS: usize = 850;
/// Beyond this the exchange was seen to refuse.
pub const MOST_ON_ONE: usize = 450;
/// So many of those left out are named; of the others, how many they are.
const NAMED: usize = 5;

impl Plan {
    /// The next plan. What comes first in the metadata comes first here; it is spread evenly, so that each connection
    /// has some of the busy markets, which stand first.
    pub fn follow(&self, markets: &Markets) -> Self {
        let mut known = BTreeSet::new();
        let mut wanted = markets.subscriptions();
        wanted.retain(|subscription| known.insert(subscription.clone()));
        let left_out = wanted.split_off(wanted.len().min(CONNECTIONS * SUBSCRIPTIONS_EACH));
        let places = self.places_for(&wanted);
        let mut plan = Self { left_out, ..Self::default() };
        for subscription in wanted {
            let place = places[&subscription];
            plan.shares[place].wanted.push(subscription);
        }
        plan.add_what_ticks(markets);
        plan.add_single_contexts(markets);
        plan
    }

    pub fn share(&self, connection: usize) -> &Share {
        &self.shares[connection]
    }

    /// The connections that have something to carry.
    pub fn in_use(&self) -> impl Iterator<Item = usize> {
        (0..CONNECTIONS).filter(|connection| !self.shares[*connection].is_empty())
    }

    /// Whose trades are followed, each with its connection.
    pub fn coins(&self) -> BTreeMap<Coin, usize> {
        self.places().filter_map(|(subscription, place)| Some((subscription.traded()?.clone(), place))).collect()
    }

    /// For people.
    pub fn what_is_left_out(&self) -> String {
        let named: Vec<String> = self.left_out.iter().take(NAMED).map(Subscription::to_string).collect();
        let (named, more) = (named.join(", "), self.left_out.len().saturating_sub(NAMED));
        format!(
            "the exchange's limits leave no room for {named}{}",
            if more > 0 { format!(" and {more} more") } else { String::new() }
        )
    }

    /// What has a place keeps it; the rest goes where least is, on no more connections than are needed.
    fn places_for(&self, wanted: &[Subscription]) -> BTreeMap<Subscription, usize> {
        let is_wanted: BTreeSet<&Subscription> = wanted.iter().collect();
        let mut places: BTreeMap<Subscription, usize> =
            self.places().filter(|(subscription, _)| is_wanted.contains(subscription)).collect();
        let mut loads = [0; CONNECTIONS];
        places.values().for_each(|place| loads[*place] += 1);
        let used = loads.iter().rposition(|load| *load > 0).map_or(0, |last| last + 1);
        let needed = wanted.len().div_ceil(SUBSCRIPTIONS_EACH).max(used);
        for subscription in wanted {
            if !places.contains_key(subscription) {
                let emptiest = (0..needed).min_by_key(|place| loads[*place]).unwrap_or_default();
                loads[emptiest] += 1;
                places.insert(subscription.clone(), emptiest);
            }
        }
        places
    }

    fn places(&self) -> impl Iterator<Item = (Subscription, usize)> {
        let of_share = |(place, share): (usize, &Share)| share.wanted.clone().into_iter().map(move |it| (it, place));
        self.shares.iter().enumerate().flat_map(of_share)
    }

    /// Trades may pause, and so may the mids of a dex whose markets are closed.
    fn add_what_ticks(&mut self, markets: &Markets) {
        let tick = markets.tick();
        for share in self.shares.iter_mut().filter(|share| !share.is_empty()) {
            let ticks = |wanted: &Subscription| *wanted == Subscription::AllContexts || Some(wanted) == tick.as_ref();
            share.tick = if share.wanted.iter().any(ticks) { None } else { tick.clone() };
        }
    }

    /// As many as there is room for, beside all the rest.
    fn add_single_contexts(&mut self, markets: &Markets) {
        let carried: usize = self.shares.iter().map(Share::len).sum();
        let all = |share: &&mut Share| share.wanted.contains(&Subscription::AllContexts);
        if let Some(share) = self.shares.iter_mut().find(all) {
            let room = (MOST_ON_ONE - SUBSCRIPTIONS_EACH).min(SUBSCRIPTIONS - carried);
            share.single_contexts = markets.single_contexts();
            share.single_contexts.truncate(room);
        }
    }
}

impl Share {
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    fn len(&self) -> usize {
        self.wanted.len() + usize::from(self.tick.is_some())
    }

    /// Whether what comes of it is to be published, or only ticks.
    pub fn publishes(&self, subscription: &Subscription) -> bool {
        self.wanted.contains(subscription) || self.single_contexts.contains(subscription)
    }
}
