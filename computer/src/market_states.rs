//! `asset-contexts`, `markets` -> `position-changes`: what each market is like, for the stages that know no market:
//! when its terms have changed, when its mark has moved by a thousandth, and else once a minute.

use alloc::vec::Vec;
use schemas::{Amount, AssetContext, Coin, Gap, MarginTier, Market, MarketState};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::table::Table;

/// What is known of a market, and what of it was told.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Known {
    /// When the context was received; nothing is known of prices before the first one.
    received: Option<i64>,
    mark_px: Option<Amount>,
    open_interest: Option<Amount>,
    day_notional: Option<Amount>,
    margin_tiers: Vec<MarginTier>,
    delisted: bool,
    told_mark: Option<Amount>,
    has_news: bool,
    has_new_terms: bool,
}

const LOOKED_AT_EVERY_MS: i64 = 1_000;
const TOLD_EVERY_MS: i64 = 60_000;

pub fn context(coins: &mut Table<Coin, Known>, context: &AssetContext, _: &mut Out<MarketState>) {
    if coins.get(&context.coin).is_some_and(|known| known.received > Some(context.time)) {
        return;
    }
    let known = coins.change(&context.coin);
    known.received = Some(context.time);
    known.mark_px = Some(context.mark_px);
    known.open_interest = Some(context.open_interest);
    known.day_notional = Some(context.day_ntl_vlm);
    known.has_news = true;
}

pub fn market(coins: &mut Table<Coin, Known>, market: &Market, _: &mut Out<MarketState>) {
    let known = coins.change(&market.coin);
    if known.margin_tiers != market.margin_tiers || known.delisted != market.delisted {
        known.margin_tiers.clone_from(&market.margin_tiers);
        known.delisted = market.delisted;
        known.has_new_terms = true;
    }
}

pub fn tick(coins: &mut Table<Coin, Known>, tick: &Tick, out: &mut Out<MarketState>) {
    if !tick.crosses(LOOKED_AT_EVERY_MS) {
        return;
    }
    let is_minute = tick.crosses(TOLD_EVERY_MS);
    for coin in coins.keys_where(|_, known| known.is_due(is_minute)) {
        let known = coins.change(&coin);
        known.told_mark = known.mark_px;
        known.has_news = false;
        known.has_new_terms = false;
        out.push(MarketState {
            time: tick.time,
            mark_px: known.mark_px,
            open_interest: known.open_interest,
            day_notional: known.day_notional,
            margin_tiers: known.margin_tiers.clone(),
            delisted: known.delisted,
            coin,
        });
    }
}

/// What blocks are missing says nothing of prices and terms.
pub fn gap(_: &mut Table<Coin, Known>, _: &Gap) {}

impl Known {
    fn is_due(&self, is_minute: bool) -> bool {
        self.has_new_terms || self.has_news && (is_minute || self.has_moved())
    }

    /// By a thousandth of what was told, or it was not told at all.
    fn has_moved(&self) -> bool {
        let (Some(mark), Some(told)) = (self.mark_px, self.told_mark) else { return true };
        let moved = mark.minus(told).and_then(|by| by.magnitude().times(Amount::from(1_000)));
        moved.is_ok_and(|moved| moved >= told.magnitude())
    }
}
