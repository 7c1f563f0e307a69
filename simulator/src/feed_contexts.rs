//! The contexts of all markets at one moment, and the prices that follow from them: the engine goes in, what
//! subscriptions and questions need comes out.

use std::collections::BTreeMap;

use crate::contexts::{Context, SpotContext};
use crate::engine::Engine;

pub(crate) struct Contexts {
    dexes: Vec<(&'static str, Vec<Context>)>,
    spot: Vec<SpotContext>,
}

impl Contexts {
    pub(crate) fn of(engine: &Engine) -> Self {
        Self { dexes: engine.contexts(), spot: engine.spot_contexts() }
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

    pub(crate) fn of_spot(&self, coin: &str) -> Option<&SpotContext> {
        self.spot.iter().find(|context| context.coin == coin)
    }

    /// Spot belongs to the main dex.
    pub(crate) fn mids(&self, dex: &str) -> Option<BTreeMap<&'static str, &str>> {
        let perps = self.of_dex(dex)?.iter().map(|it| (it.coin, it.mid_px.as_deref(), &it.mark_px));
        let spot = self.spot.iter().filter(|_| dex.is_empty()).map(|it| (it.coin, it.mid_px.as_deref(), &it.mark_px));
        Some(perps.chain(spot).map(|(coin, mid, mark)| (coin, mid.unwrap_or(mark))).collect())
    }
}
