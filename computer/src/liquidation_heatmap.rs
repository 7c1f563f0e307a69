//! `liquidations` (orders) -> `liquidation-heatmap`: at which prices each coin was liquidated, in cells of price and time.

use alloc::vec::Vec;

use schemas::liquidations::method;
use schemas::{Amount, Coin, Gap, HeatmapCell, Interval, LiquidationOrder, PositionSide};
use serde::{Deserialize, Serialize};

use crate::price_steps::step_around;
use crate::processor::{Out, Tick};
use crate::stage::GRACE_MS;
use crate::table::{Table, TableKey};

/// How wide the cells are, and into how many steps their price is divided at least.
const CELLS: [(Interval, i64); 4] = [
    (Interval::FiveMinutes, 1_000),
    (Interval::FifteenMinutes, 1_000),
    (Interval::OneHour, 500),
    (Interval::FourHours, 200),
];

const TOLD_EVERY_MS: i64 = 1_000;

/// Where a cell lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    coin: Coin,
    interval: Interval,
    start: i64,
    price_low: Amount,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Cell {
    price_high: Amount,
    long: Taken,
    short: Taken,
    /// Blocks of its time are missing.
    touched_by_hole: bool,
    /// Changed since it was last told.
    news: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Taken {
    orders: u64,
    /// Absent when it is too large for an exact decimal.
    notional: Option<Amount>,
}

pub fn fold(cells: &mut Table<Place, Cell>, order: &LiquidationOrder, _: &mut Out<HeatmapCell>) {
    let Some(px) = order.average_px.filter(|_| *order.method != *method::ADL) else { return };
    for (interval, steps) in CELLS {
        // Of a price that has no step within an exact decimal there is no cell.
        let Some((price_low, price_high)) = step_around(px, steps) else { continue };
        let start = interval.bucket(order.time);
        let cell = cells.change(&Place { coin: order.coin.clone(), interval, start, price_low });
        cell.price_high = price_high;
        cell.news = true;
        let taken = if order.side == PositionSide::Long { &mut cell.long } else { &mut cell.short };
        taken.orders += 1;
        taken.notional = Amount::sum(taken.notional, order.notional);
    }
}

/// Once a second each cell that has changed, and for the last time each that is final.
pub fn tick(cells: &mut Table<Place, Cell>, tick: &Tick, out: &mut Out<HeatmapCell>) {
    // What was begun after a hole knows of it only now.
    for place in if tick.holes.is_empty() { Vec::new() } else { cells.touched() } {
        if tick.holes.iter().any(|hole| place.touches(*hole)) {
            cells.change(&place).touched_by_hole = true;
        }
    }
    if !tick.crosses(TOLD_EVERY_MS) {
        return;
    }
    for place in cells.keys_where(|place, cell| cell.news || place.is_over(tick.time)) {
        let cell = cells.change(&place);
        cell.news = false;
        out.push(cell.publish(&place, tick));
        if place.is_over(tick.time) {
            cells.remove(&place);
        }
    }
}

/// Cells that touch a hole are not complete.
pub fn gap(cells: &mut Table<Place, Cell>, gap: &Gap) {
    let hole = (gap.from_time, gap.to_time);
    for place in cells.keys_where(|place, cell| !cell.touched_by_hole && place.touches(hole)) {
        let cell = cells.change(&place);
        cell.touched_by_hole = true;
        cell.news = true;
    }
}

impl Cell {
    fn publish(&self, place: &Place, tick: &Tick) -> HeatmapCell {
        HeatmapCell {
            coin: place.coin.clone(),
            interval: place.interval,
            time: place.start,
            price_low: place.price_low,
            price_high: self.price_high,
            long_orders: self.long.orders,
            short_orders: self.short.orders,
            long_notional: self.long.notional,
            short_notional: self.short.notional,
            complete: !self.touched_by_hole,
            r#final: place.is_over(tick.time),
            block: tick.block,
            clock: tick.time,
        }
    }
}

impl Default for Taken {
    fn default() -> Self {
        Self { orders: 0, notional: Some(Amount::ZERO) }
    }
}

impl Place {
    fn end(&self) -> i64 {
        self.start + self.interval.length_ms()
    }

    fn is_over(&self, clock: i64) -> bool {
        self.end() + GRACE_MS <= clock
    }

    fn touches(&self, (from, to): (i64, i64)) -> bool {
        from < self.end() && self.start < to
    }
}

impl TableKey for Place {
    fn write(&self, out: &mut Vec<u8>) {
        self.coin.write(out);
        let Self { interval, start, price_low, .. } = self;
        out.extend_from_slice(alloc::format!("|{interval}|{start}|{price_low}").as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '|');
        let (price_low, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (interval, coin) = (parts.next()?.parse().ok()?, Coin::new(parts.next()?));
        Some(Self { coin, interval, start, price_low })
    }
}
