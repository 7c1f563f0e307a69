//! `liquidations` (orders) -> `liquidation-stats`: how much of each coin was liquidated, by side and method, per interval.

use alloc::collections::BTreeMap;
use core::cmp::Reverse;

use schemas::liquidations::method;
use schemas::{Amount, Gap, LargestOrder, Liquidated, LiquidationOrder, LiquidationStats, PositionSide, Text};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::windows::{self, Windows};

/// What was liquidated in a stretch of time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Taken {
    long: ByMethod,
    short: ByMethod,
    largest: Option<LargestOrder>,
}

type ByMethod = BTreeMap<Text, Liquidated>;

pub fn fold(coins: &mut Windows<Taken>, order: &LiquidationOrder, _: &mut Out<LiquidationStats>) {
    windows::add(coins, &order.coin, order.time, &Taken::of(order));
}

pub fn tick(coins: &mut Windows<Taken>, tick: &Tick, out: &mut Out<LiquidationStats>) {
    windows::tell(coins, tick, |bucket| {
        let Taken { long, short, largest } = bucket.value.clone();
        out.push(LiquidationStats {
            coin: bucket.series.clone(),
            interval: bucket.interval,
            time: bucket.start,
            long,
            short,
            largest,
            complete: bucket.complete,
            r#final: bucket.r#final,
            block: tick.block,
            clock: tick.time,
        });
    });
}

pub fn gap(coins: &mut Windows<Taken>, gap: &Gap) {
    windows::gap(coins, gap);
}

impl Taken {
    fn of(order: &LiquidationOrder) -> Self {
        let mut taken = Self::default();
        let by_method = if order.side == PositionSide::Long { &mut taken.long } else { &mut taken.short };
        by_method.insert(order.method.clone(), Liquidated { orders: 1, notional: order.notional });
        if *order.method != *method::ADL {
            taken.largest = order.notional.map(|notional| LargestOrder {
                wallet: order.wallet,
                side: order.side,
                method: order.method.clone(),
                block: order.block,
                time: order.time,
                notional,
                average_px: order.average_px,
            });
        }
        taken
    }
}

impl windows::Value for Taken {
    fn merge(&mut self, later: &Self) {
        merge(&mut self.long, &later.long);
        merge(&mut self.short, &later.short);
        // Of two that are as large the first, whichever came in first.
        let rank = |order: &LargestOrder| (order.notional, Reverse((order.block, order.wallet)));
        let is_larger = later.largest.as_ref().map(rank) > self.largest.as_ref().map(rank);
        if is_larger {
            self.largest.clone_from(&later.largest);
        }
    }
}

fn merge(all: &mut ByMethod, later: &ByMethod) {
    for (method, more) in later {
        let Some(liquidated) = all.get_mut(method) else {
            all.insert(method.clone(), *more);
            continue;
        };
        liquidated.orders += more.orders;
        liquidated.notional = Amount::sum(liquidated.notional, more.notional);
    }
}
