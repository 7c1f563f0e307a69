//! The exchange's metadata → what is followed, and which market a context is of that says nothing but its place.

use std::collections::BTreeMap;

use schemas::{Coin, Market, MarketKind};

use super::subscription::Subscription;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markets {
    followed: Followed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Followed {
    /// Each dex's markets in the order of its universe, in which contexts come.
    All(BTreeMap<String, Vec<Listed>>),
    These(Vec<Coin>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    coin: Coin,
    delisted: bool,
}

impl Markets {
    /// Every market, in exactly the order in which [`InfoClient::markets`](crate::InfoClient::markets) gives them: in
    /// another one each context would be taken for another coin's.
    pub fn all(markets: &[Market]) -> Self {
        let mut dexs = BTreeMap::<String, Vec<Listed>>::new();
        for market in markets {
            let listed = Listed { coin: market.coin.clone(), delisted: market.delisted };
            dexs.entry(market.dex.clone()).or_default().push(listed);
        }
        Self { followed: Followed::All(dexs) }
    }

    /// These and no others, whatever the metadata says.
    pub fn only(coins: impl IntoIterator<Item = Coin>) -> Self {
        Self { followed: Followed::These(coins.into_iter().collect()) }
    }

    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let trades = self.traded().cloned().map(|coin| Subscription::Trades { coin });
        match &self.followed {
            Followed::All(_) => std::iter::once(Subscription::AllContexts).chain(trades).collect(),
            Followed::These(_) => self.single_contexts().into_iter().chain(trades).collect(),
        }
    }

    /// What is asked for where nobody gives all contexts at once.
    pub(super) fn single_contexts(&self) -> Vec<Subscription> {
        let perps = self.traded().filter(|coin| coin.kind() == MarketKind::Perp);
        perps.cloned().map(|coin| Subscription::Context { coin }).collect()
    }

    /// Delisted markets keep their place and have no trades.
    pub(super) fn traded(&self) -> impl Iterator<Item = &Coin> {
        let (dexs, coins) = match &self.followed {
            Followed::All(dexs) => (Some(dexs), &[][..]),
            Followed::These(coins) => (None, coins.as_slice()),
        };
        let listed = dexs.into_iter().flat_map(BTreeMap::values).flatten();
        listed.filter(|listed| !listed.delisted).map(|listed| &listed.coin).chain(coins)
    }

    /// `None` for a market that was listed after the metadata was asked for.
    pub(super) fn at(&self, dex: &str, place: usize) -> Option<&Coin> {
        let Followed::All(dexs) = &self.followed else { return None };
        dexs.get(dex)?.get(place).map(|listed| &listed.coin)
    }
}
