//! What the exchange publishes about each market: prices, funding and open interest go in as the engine holds them, the
//! decimal strings of `assetCtxs` and `spotAssetCtxs` come out.

use serde::Serialize;

use crate::engine::Engine;
use crate::markets::{MARKETS, Market};
use crate::print;

/// A perp's context, every number already as it is printed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    #[serde(skip)]
    pub(crate) coin: &'static str,
    pub(crate) funding: String,
    pub(crate) open_interest: String,
    pub(crate) prev_day_px: String,
    pub(crate) day_ntl_vlm: String,
    pub(crate) premium: Option<String>,
    pub(crate) oracle_px: String,
    pub(crate) mark_px: String,
    pub(crate) mid_px: Option<String>,
    pub(crate) impact_pxs: Option<[String; 2]>,
    pub(crate) day_base_vlm: String,
}

/// A spot pair's context, likewise.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpotContext {
    pub(crate) prev_day_px: String,
    pub(crate) day_ntl_vlm: String,
    pub(crate) mark_px: String,
    pub(crate) mid_px: Option<String>,
    pub(crate) circulating_supply: String,
    pub(crate) coin: &'static str,
    pub(crate) total_supply: String,
    pub(crate) day_base_vlm: String,
}

/// Of rates: ten-billionths.
const RATE_DECIMALS: u32 = 10;

impl Engine {
    /// Of every perp that is listed, in the order of each dex's `meta.universe`; the main dex has the empty name and comes
    /// first.
    pub(crate) fn contexts(&self) -> Vec<(&'static str, Vec<Context>)> {
        let mut dexes: Vec<(&'static str, Vec<Context>)> = Vec::new();
        let is_listed = |(place, market): &(usize, &Market)| !market.is_spot() && self.is_listed(*place);
        for (place, market) in MARKETS.iter().enumerate().filter(is_listed) {
            let context = self.context(place, market);
            match dexes.iter_mut().find(|(dex, _)| *dex == market.dex()) {
                Some((_, contexts)) => contexts.push(context),
                None => dexes.push((market.dex(), vec![context])),
            }
        }
        dexes
    }

    pub(crate) fn spot_contexts(&self) -> Vec<SpotContext> {
        let spot = MARKETS.iter().enumerate().filter(|(_, market)| market.is_spot());
        spot.map(|(place, market)| self.spot_context(place, market)).collect()
    }

    /// Where nothing is traded any more there is no book, and no rate.
    fn context(&self, place: usize, market: &'static Market) -> Context {
        let (bid, quote, is_traded) = (self.prices[place], &self.quotes.of[place], self.is_traded(place));
        let ask = bid + market.step(bid);
        let text = |price: i64| print::text(price, market.price_decimals());
        let rate = if is_traded { quote.funding_rate(self.quotes.samples) } else { 0 };
        let long: i64 = self.accounts.of_market(place).iter().map(|holding| holding.amount.max(0)).sum();
        Context {
            coin: market.coin,
            funding: print::text(rate, RATE_DECIMALS),
            open_interest: print::text(long, market.size_decimals),
            prev_day_px: text(quote.day.first_price),
            day_ntl_vlm: print::text(quote.day.traded_value, market.value_decimals()),
            premium: is_traded.then(|| print::text(quote.premium, RATE_DECIMALS)),
            oracle_px: text(quote.oracle),
            mark_px: text(quote.mark),
            mid_px: is_traded.then(|| text((bid + ask) / 2)),
            impact_pxs: is_traded.then(|| [text(bid), text(ask)]),
            day_base_vlm: print::text(quote.day.traded, market.size_decimals),
        }
    }

    /// All tokens there are go around.
    fn spot_context(&self, place: usize, market: &'static Market) -> SpotContext {
        let (bid, quote) = (self.prices[place], &self.quotes.of[place]);
        let price = |price: i64| print::text(price, market.price_decimals());
        let amount = |amount: i64| print::text(amount, market.amount_decimals());
        let supply: i64 = self.accounts.of_market(place).iter().map(|holding| holding.amount).sum();
        SpotContext {
            prev_day_px: price(quote.day.first_price),
            day_ntl_vlm: print::text(quote.day.traded_value, market.value_decimals()),
            mark_px: price(quote.mark),
            mid_px: Some(price(bid + market.step(bid) / 2)),
            circulating_supply: amount(supply),
            coin: market.coin,
            total_supply: amount(supply),
            day_base_vlm: amount(quote.day.traded),
        }
    }
}
