//! `liquidations` (orders) -> `liquidation-cascades`: bursts in which one liquidation follows the other.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cmp::Reverse;

use schemas::liquidations::method;
use schemas::{Amount, Coin, Gap, LiquidationCascade, LiquidationOrder, PositionSide, Wallet};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::stage::GRACE_MS;
use crate::table::Table;

/// Orders that are this far apart belong to two bursts.
const APART_MS: i64 = 10_000;
/// Fewer accounts are no cascade.
const ACCOUNTS: usize = 5;
const SECOND: i64 = 1_000;

/// When one begins, and what was liquidated in it: absent when that is too large for an exact decimal.
type Second = (i64, Option<Amount>);

type Sides = Table<(Coin, PositionSide), Unfinished>;

/// The bursts of a side of a coin that were not final at the last tick, oldest first: after a tick one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Unfinished(Vec<Burst>);

#[derive(Debug, Serialize, Deserialize)]
struct Burst {
    /// The first order gives it its key: a late one does not change it.
    first_block: u64,
    first_time: i64,
    last_block: u64,
    last_time: i64,
    /// Until they are enough to make it a cascade.
    accounts: BTreeSet<Wallet>,
    is_cascade: bool,
    orders: u64,
    notional: Option<Amount>,
    /// What was liquidated in each second to which something may still come, and in the largest of the others.
    seconds: Vec<Second>,
    peak: Option<Second>,
    first_mark_px: Amount,
    last_mark_px: Amount,
    complete: bool,
    /// The next one has begun. Such a one is said in the same tick and never saved.
    #[serde(skip)]
    ended: bool,
}

pub fn fold(sides: &mut Sides, order: &LiquidationOrder, _: &mut Out<LiquidationCascade>) {
    if *order.method == *method::ADL {
        return;
    }
    let Unfinished(bursts) = sides.change(&(order.coin.clone(), order.side));
    if let Some(last) = bursts.last_mut() {
        if order.time < last.end() {
            return last.add(order);
        }
        last.ended = true;
    }
    bursts.push(Burst::of(order));
}

/// Each cascade that this block changed, and each that is over.
pub fn tick(sides: &mut Sides, tick: &Tick, out: &mut Out<LiquidationCascade>) {
    let mut keys = sides.touched();
    keys.extend(sides.keys_where(|_, Unfinished(bursts)| bursts.iter().any(|burst| burst.is_over(tick.time))));
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let Unfinished(bursts) = sides.change(&key);
        for burst in bursts.iter_mut() {
            // One that was first seen after a hole knows of it only now.
            burst.complete &= !tick.holes.iter().any(|hole| burst.touches(*hole));
            if burst.is_cascade {
                out.push(burst.publish(&key, tick));
            }
        }
        bursts.retain(|burst| !burst.is_over(tick.time));
        if bursts.is_empty() {
            sides.remove(&key);
        }
    }
}

/// Bursts that touch a hole are not complete.
pub fn gap(sides: &mut Sides, gap: &Gap) {
    let is_news = |burst: &Burst| burst.complete && burst.touches((gap.from_time, gap.to_time));
    for key in sides.keys_where(|_, Unfinished(bursts)| bursts.iter().any(is_news)) {
        for burst in sides.change(&key).0.iter_mut().filter(|burst| is_news(burst)) {
            burst.complete = false;
        }
    }
}

impl Burst {
    fn of(order: &LiquidationOrder) -> Self {
        let mut burst = Self {
            first_block: order.block,
            first_time: order.time,
            last_block: order.block,
            last_time: order.time,
            accounts: BTreeSet::new(),
            is_cascade: false,
            orders: 0,
            notional: Some(Amount::ZERO),
            seconds: Vec::new(),
            peak: None,
            first_mark_px: order.mark_px,
            last_mark_px: order.mark_px,
            complete: true,
            ended: false,
        };
        burst.add(order);
        burst
    }

    fn add(&mut self, order: &LiquidationOrder) {
        self.count(order.wallet);
        self.orders += 1;
        self.notional = Amount::sum(self.notional, order.notional);
        let second = order.time - order.time.rem_euclid(SECOND);
        match self.seconds.iter_mut().find(|(start, _)| *start == second) {
            Some((_, notional)) => *notional = Amount::sum(*notional, order.notional),
            None => self.seconds.push((second, order.notional)),
        }
        self.last_time = self.last_time.max(order.time);
        self.peak = largest(
            self.seconds.extract_if(.., |(start, _)| *start + SECOND + GRACE_MS <= order.time).chain(self.peak),
        );
        if order.block >= self.last_block {
            self.last_block = order.block;
            self.last_mark_px = order.mark_px;
        }
    }

    fn count(&mut self, wallet: Wallet) {
        if !self.is_cascade {
            self.accounts.insert(wallet);
            self.is_cascade = self.accounts.len() == ACCOUNTS;
        }
        if self.is_cascade {
            self.accounts.clear();
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

    fn publish(&self, (coin, side): &(Coin, PositionSide), tick: &Tick) -> LiquidationCascade {
        let peak = largest(self.seconds.iter().copied().chain(self.peak));
        let (peak_time, peak_notional) = peak.unwrap_or((self.first_time, None));
        LiquidationCascade {
            coin: coin.clone(),
            side: *side,
            first_block: self.first_block,
            last_block: self.last_block,
            first_time: self.first_time,
            last_time: self.last_time,
            orders: self.orders,
            notional: self.notional,
            peak_time,
            peak_notional,
            first_mark_px: self.first_mark_px,
            last_mark_px: self.last_mark_px,
            complete: self.complete,
            r#final: self.is_over(tick.time),
            clock: tick.time,
        }
    }
}

/// The first of those in which most was liquidated; what is too large to be told is larger than all.
fn largest(seconds: impl Iterator<Item = Second>) -> Option<Second> {
    seconds.max_by_key(|(start, notional)| (notional.is_none(), *notional, Reverse(*start)))
}
