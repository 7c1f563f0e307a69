//! The exchange's metadata → what is asked for, and which market a context is of that says nothing but its place.

use std::collections::BTreeMap;

use schemas::{Coin, Market, MarketKind};
use serde::Deserialize;

use super::subscription::Subscription;
use crate::dead_letter::Reject;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markets {
    /// Each dex's markets in the order of its universe, in which contexts come. Of none, when only some coins are wanted.
    dexs: BTreeMap<String, Vec<Listed>>,
    /// Whose trades are followed, the main dex's first.
    traded: Vec<Coin>,
    of_all: bool,
}

/// Of which markets the trades are followed. Contexts come of every perpetual and mids of everything there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    pub main_dex: bool,
    pub builder_dexs: bool,
    pub spot: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    coin: Coin,
    delisted: bool,
}

impl Markets {
    /// Every perpetual, in exactly the order in which [`InfoClient::markets`](crate::InfoClient::markets) gives them:
    /// in another one each context would be taken for another coin's.
    pub fn all(markets: &[Market]) -> Self {
        Self::chosen(markets, &[], Follow::default())
    }

    /// As [`all`](Self::all), and the spot pairs as [`parse_spot_meta`] gives them.
    pub fn chosen(markets: &[Market], spot_pairs: &[Coin], follow: Follow) -> Self {
        let mut dexs = BTreeMap::<String, Vec<Listed>>::new();
        for market in markets {
            let listed = Listed { coin: market.coin.clone(), delisted: market.delisted };
            dexs.entry(market.dex.clone()).or_default().push(listed);
        }
        let is_chosen = |dex: &str| if dex.is_empty() { follow.main_dex } else { follow.builder_dexs };
        let perps = dexs.iter().filter(|(dex, _)| is_chosen(dex)).flat_map(|(_, listed)| still_traded(listed));
        let pairs = spot_pairs.iter().filter(|_| follow.spot);
        let traded = perps.chain(pairs).cloned().collect();
        Self { dexs, traded, of_all: true }
    }

    /// These and no others, whatever the metadata says.
    pub fn only(coins: impl IntoIterator<Item = Coin>) -> Self {
        Self { dexs: BTreeMap::new(), traded: coins.into_iter().collect(), of_all: false }
    }

    /// What is wanted; where not everything can be had, what comes first.
    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let trades = self.traded.iter().cloned().map(|coin| Subscription::Trades { coin });
        if !self.of_all {
            return trades.chain(self.single_contexts()).collect();
        }
        let is_alive = |(_, listed): &(&String, &Vec<Listed>)| still_traded(listed).next().is_some();
        let dexs = self.dexs.iter().filter(is_alive).map(|(dex, _)| Subscription::Mids { dex: dex.clone() });
        std::iter::once(Subscription::AllContexts).chain(dexs).chain(trades).collect()
    }

    /// What is asked for where nobody gives all contexts at once.
    pub(super) fn single_contexts(&self) -> Vec<Subscription> {
        self.perps().cloned().map(|coin| Subscription::Context { coin }).collect()
    }

    /// The context that changes whenever the exchange is alive: of the market that was listed first.
    pub(super) fn tick(&self) -> Option<Subscription> {
        self.perps().next().cloned().map(|coin| Subscription::Context { coin })
    }

    fn perps(&self) -> impl Iterator<Item = &Coin> {
        let listed = self.dexs.values().flat_map(|listed| still_traded(listed));
        let named = self.traded.iter().filter(|coin| !self.of_all && coin.kind() == MarketKind::Perp);
        listed.chain(named)
    }

    /// `None` for a market that was listed after the metadata was asked for.
    pub(super) fn at(&self, dex: &str, place: usize) -> Option<&Coin> {
        self.dexs.get(dex)?.get(place).map(|listed| &listed.coin)
    }
}

/// Delisted markets keep their place and have no trades.
fn still_traded(listed: &[Listed]) -> impl Iterator<Item = &Coin> {
    listed.iter().filter(|listed| !listed.delisted).map(|listed| &listed.coin)
}

impl Default for Follow {
    fn default() -> Self {
        Self { main_dex: true, builder_dexs: true, spot: false }
    }
}

/// The reply to `spotMeta` → the pairs under the names that trades have. A pair's place and its `index` say nothing:
/// there are holes.
pub fn parse_spot_meta(bytes: &[u8]) -> Result<Vec<Coin>, Reject> {
    #[derive(Deserialize)]
    struct SpotMeta {
        universe: Vec<Pair>,
    }
    #[derive(Deserialize)]
    struct Pair {
        name: Coin,
    }
    let meta: Result<SpotMeta, _> = serde_json::from_slice(bytes);
    let meta = meta.map_err(|error| Reject::Meta { reason: error.to_string() })?;
    Ok(meta.universe.into_iter().map(|pair| pair.name).collect())
}
