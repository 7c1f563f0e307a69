//! `liquidations` (orders) -> `liquidations` (episodes): the orders of one victim, coin and side with less than a
//! minute between them, as they add up, and once when nothing more can come.
//!
//! A large account is liquidated in pieces, a fifth now and the rest some blocks later: that happened once.

use alloc::vec::Vec;

use schemas::liquidations::method;
use schemas::{Amount, Coin, Gap, LiquidationEpisode, LiquidationOrder, PositionSide, Wallet};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::table::Table;

/// Orders that are this far apart belong to two episodes.
const APART_MS: i64 = 60_000;

/// The episodes of one victim in one coin that were not final at the last tick, oldest first: after a tick one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Unfinished(Vec<Episode>);

#[derive(Debug, Serialize, Deserialize)]
struct Episode {
    side: PositionSide,
    /// The first order gives it its key: a late one does not change it.
    first_block: u64,
    first_time: i64,
    last_block: u64,
    last_time: i64,
    orders: u32,
    fills: u32,
    liquidated: Volume,
    deleveraged: Volume,
    backstop_notional: Option<Amount>,
    closed_pnl: Amount,
    remaining: Amount,
    complete: bool,
    /// The next one has begun. Such a one is said in the same tick and never saved.
    #[serde(skip)]
    ended: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Volume {
    size: Amount,
    notional: Option<Amount>,
}

type Episodes = Table<(Coin, Wallet), Unfinished>;

pub fn fold(episodes: &mut Episodes, order: &LiquidationOrder, _: &mut Out<LiquidationEpisode>) {
    let Unfinished(episodes) = episodes.change(&(order.coin.clone(), order.wallet));
    if let Some(last) = episodes.last_mut() {
        if last.takes(order) {
            return last.add(order);
        }
        last.ended = true;
    }
    episodes.push(Episode::of(order));
}

/// Each episode that this block changed, and each that is over.
pub fn tick(episodes: &mut Episodes, tick: &Tick, out: &mut Out<LiquidationEpisode>) {
    let mut keys = episodes.touched();
    keys.extend(episodes.keys_where(|_, Unfinished(episodes)| episodes.iter().any(|one| one.is_over(tick.time))));
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let Unfinished(unfinished) = episodes.change(&key);
        for episode in unfinished.iter_mut() {
            // One that was first seen after a hole knows of it only now.
            episode.complete &= !tick.holes.iter().any(|hole| episode.touches(*hole));
            out.push(episode.publish(&key, tick));
        }
        unfinished.retain(|episode| !episode.is_over(tick.time));
        if unfinished.is_empty() {
            episodes.remove(&key);
        }
    }
}

/// Episodes that touch a hole are not complete.
pub fn gap(episodes: &mut Episodes, gap: &Gap) {
    let is_news = |episode: &Episode| episode.complete && episode.touches((gap.from_time, gap.to_time));
    for key in episodes.keys_where(|_, Unfinished(episodes)| episodes.iter().any(is_news)) {
        for episode in episodes.change(&key).0.iter_mut().filter(|episode| is_news(episode)) {
            episode.complete = false;
        }
    }
}

impl Episode {
    fn of(order: &LiquidationOrder) -> Self {
        let nothing = Volume { size: Amount::ZERO, notional: Some(Amount::ZERO) };
        let mut episode = Self {
            side: order.side,
            first_block: order.block,
            first_time: order.time,
            last_block: order.block,
            last_time: order.time,
            orders: 0,
            fills: 0,
            liquidated: nothing,
            deleveraged: nothing,
            backstop_notional: nothing.notional,
            closed_pnl: Amount::ZERO,
            remaining: order.remaining,
            complete: true,
            ended: false,
        };
        episode.add(order);
        episode
    }

    fn takes(&self, order: &LiquidationOrder) -> bool {
        order.side == self.side && order.time < self.end()
    }

    fn add(&mut self, order: &LiquidationOrder) {
        let is_adl = *order.method == *method::ADL;
        let volume = if is_adl { &mut self.deleveraged } else { &mut self.liquidated };
        let sums = (volume.size.plus(order.size), self.closed_pnl.plus(order.closed_pnl));
        // A sum that no exact decimal holds: what is said stays true of the orders that it counts.
        let (Ok(size), Ok(closed_pnl)) = sums else { return };
        *volume = Volume { size, notional: Amount::sum(volume.notional, order.notional) };
        if *order.method == *method::BACKSTOP {
            self.backstop_notional = Amount::sum(self.backstop_notional, order.notional);
        }
        self.closed_pnl = closed_pnl;
        self.orders += 1;
        self.fills = self.fills.saturating_add(order.fills);
        self.last_time = self.last_time.max(order.time);
        if order.block >= self.last_block {
            self.last_block = order.block;
            self.remaining = order.remaining;
        }
    }

    /// When nothing can be added any more.
    fn end(&self) -> i64 {
        self.last_time.saturating_add(APART_MS)
    }

    fn is_over(&self, clock: i64) -> bool {
        self.ended || self.end() <= clock
    }

    fn touches(&self, (from, to): (i64, i64)) -> bool {
        from < self.end() && self.first_time < to
    }

    fn publish(&self, (coin, wallet): &(Coin, Wallet), tick: &Tick) -> LiquidationEpisode {
        let Volume { size, notional } = self.liquidated;
        LiquidationEpisode {
            coin: coin.clone(),
            wallet: *wallet,
            side: self.side,
            first_block: self.first_block,
            last_block: self.last_block,
            first_time: self.first_time,
            last_time: self.last_time,
            orders: self.orders,
            fills: self.fills,
            size,
            notional,
            average_px: notional.and_then(|notional| notional.over(size).ok()),
            backstop_notional: self.backstop_notional,
            adl_size: self.deleveraged.size,
            adl_notional: self.deleveraged.notional,
            closed_pnl: self.closed_pnl,
            remaining: self.remaining,
            complete: self.complete,
            r#final: self.is_over(tick.time),
            clock: tick.time,
        }
    }
}
