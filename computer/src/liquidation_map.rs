//! `position-risks`, `asset-contexts` -> `liquidation-map`: what would be liquidated of each coin, at which price.
//!
//! Nothing is told when a mark moves: every ten seconds the positions of the coins of which there is news are laid out
//! anew around the mark that there is then.

use schemas::{
    Amount, AmountError, AssetContext, Coin, Gap, LiquidationMap, MAP_INTERVAL, PositionRisk, PositionSide, Wallet,
};
use serde::{Deserialize, Serialize};

use crate::map_bins::{MapBins, Open};
use crate::processor::{Out, Tick};
use crate::table::Table;

pub type Maps = (Table<(Coin, Wallet), Open>, Table<Coin, Market>);

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Market {
    /// When the context was received; nothing is known of prices before the first one.
    received: Option<i64>,
    mark_px: Amount,
    open_interest: Amount,
    /// Changed since it was last told.
    news: bool,
    /// A map was told in which there is something.
    has_map: bool,
}

const TOLD_EVERY_MS: i64 = 10_000;

pub fn risk((positions, coins): &mut Maps, risk: &PositionRisk, _: &mut Out<LiquidationMap>) {
    let key = (risk.coin.clone(), risk.wallet);
    coins.change(&risk.coin).news = true;
    if risk.side == PositionSide::Flat {
        positions.remove(&key);
        return;
    }
    let PositionRisk { size, liquidation_px, basis, leverage, .. } = *risk;
    *positions.change(&key) = Open { size, liquidation_px, basis, leverage };
}

pub fn context((_, coins): &mut Maps, context: &AssetContext, _: &mut Out<LiquidationMap>) {
    if coins.get(&context.coin).is_some_and(|market| market.received > Some(context.time)) {
        return;
    }
    let market = coins.change(&context.coin);
    market.received = Some(context.time);
    market.news |= (market.mark_px, market.open_interest) != (context.mark_px, context.open_interest);
    market.mark_px = context.mark_px;
    market.open_interest = context.open_interest;
}

/// Each map of which there is news.
pub fn tick(maps: &mut Maps, tick: &Tick, out: &mut Out<LiquidationMap>) {
    if !tick.crosses(TOLD_EVERY_MS) && !tick.tells_all {
        return;
    }
    let (positions, coins) = maps;
    let due = coins.keys_where(|_, market| (market.news || tick.tells_all) && market.received.is_some());
    let open = positions.keys_where(|(coin, _), _| due.binary_search(coin).is_ok());
    let mut rest = open.as_slice();
    for coin in due {
        let (its, others) = rest.split_at(rest.partition_point(|(other, _)| *other <= coin));
        rest = others;
        let market = coins.change(&coin);
        market.news = false;
        if its.is_empty() && !market.has_map {
            continue;
        }
        market.has_map = !its.is_empty();
        let its = its.iter().filter_map(|key| positions.get(key));
        // What is too large for an exact decimal is not told.
        if let Ok(Some(map)) = map(&coin, market, its, tick) {
            out.push(map);
        }
    }
}

fn map<'a>(
    coin: &Coin,
    market: &Market,
    positions: impl Iterator<Item = &'a Open>,
    tick: &Tick,
) -> Result<Option<LiquidationMap>, AmountError> {
    let Some(mut bins) = MapBins::around(market.mark_px)? else { return Ok(None) };
    for open in positions {
        bins.add(open)?;
    }
    let (long, short, bins) = bins.told(market.open_interest)?;
    let time = MAP_INTERVAL.bucket(tick.time);
    let is_missing = |(from, to): &(i64, i64)| *from < time + MAP_INTERVAL.length_ms() && time < *to;
    Ok(Some(LiquidationMap {
        coin: coin.clone(),
        interval: MAP_INTERVAL,
        time,
        mark_px: market.mark_px,
        open_interest: market.open_interest,
        long,
        short,
        bins,
        complete: !tick.holes.iter().any(is_missing),
        block: tick.block,
        clock: tick.time,
    }))
}

/// What is held after a hole is told by the next fill: positions heal themselves.
pub fn gap(_: &mut Maps, _: &Gap) {}
