//! The contexts of all perps at one moment, and the prices that follow from them: the engine goes in, what
//! subscriptions and questions need comes out.

use std::collections::BTreeMap;

use crate::contexts::Context;
use crate::engine::Engine;
use crate::markets::MARKETS;
use crate::print;

pub(crate) struct Contexts {
    dexes: Vec<(&'static str, Vec<Context>)>,
    spot_prices: BTreeMap<&'static str, String>,
}

impl Contexts {
    pub(crate) fn of(engine: &Engine) -> Self {
        let spot = MARKETS.iter().zip(&engine.prices).filter(|(market, _)| market.is_spot());
        let spot_prices = spot.map(|(market, price)| (market.coin, print::text(*price, market.price_decimals())));
        Self { dexes: engine.contexts(), spot_prices: spot_prices.collect() }
    }

    /// Of every dex, in the order of its universe.
    pub(crate) fn all(&self) -> &[(&'static str, Vec<Context>)] {
        &self.dexes
    }

    pub(crate) fn of_dex(&self, dex: &str) -> Option<&[Context]> {
        self.dexes.iter().find(|(name, _)| *name == dex).map(|(_, contexts)| contexts.as_slice())
    }

    pub(crate) fn of_coin(&self, coin: &str) -> Option<&Context> {
        self.dexes.iter().flat_map(|(_, contexts)| contexts).find(|context| context.coin == coin)
    }

    /// Spot belongs to the main dex.
    pub(crate) fn mids(&self, dex: &str) -> Option<BTreeMap<&'static str, &str>> {
        let perps = self.of_dex(dex)?.iter();
        let mids = perps.map(|context| (context.coin, context.mid_px.as_deref().unwrap_or(&context.mark_px)));
        let spot = self.spot_prices.iter().filter(|_| dex.is_empty()).map(|(coin, price)| (*coin, price.as_str()));
        Some(mids.chain(spot).collect())
    }
}
