//! `asset-contexts` -> `prices`: the latest price of each market, said at once.

use schemas::{AssetContext, Coin, Gap, Price};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::table::Table;

/// What is remembered of the price that was said last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Said {
    time: i64,
}

pub fn fold(said: &mut Table<Coin, Said>, context: &AssetContext, out: &mut Out<Price>) {
    // Two sources may give contexts of one market: the latest stays the latest.
    if said.get(&context.coin).is_some_and(|said| context.time < said.time) {
        return;
    }
    said.change(&context.coin).time = context.time;
    out.push(Price {
        coin: context.coin.clone(),
        time: context.time,
        mark_px: context.mark_px,
        oracle_px: context.oracle_px,
        mid_px: context.mid_px,
        funding: context.funding,
        open_interest: context.open_interest,
        open_interest_notional: context.open_interest.times(context.mark_px).ok(),
        previous_day_px: context.prev_day_px,
        day_notional: context.day_ntl_vlm,
    });
}

/// Everything was said at once.
pub fn tick(_: &mut Table<Coin, Said>, _: &Tick, _: &mut Out<Price>) {}

/// The next context says all there is to know.
pub fn gap(_: &mut Table<Coin, Said>, _: &Gap) {}
