//! `fills` -> `liquidations`: the fills that closed a position by force, as orders: one per block, victim and method.
//!
//! Both legs of such a trade carry the mark, so only the victim's counts. It waits for the other one, which tells
//! auto-deleveraging from everything else.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use schemas::liquidations::method;
use schemas::{Amount, Coin, Fill, Gap, LiquidationOrder, PositionSide, Side, Text, Wallet};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::table::Table;

const AUTO_DELEVERAGING: &str = "Auto-Deleveraging";

/// What was taken from one victim in one coin since the last tick.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Taken {
    orders: Vec<Growing>,
    /// The victim's legs whose other leg has not come yet, by trade.
    victims_legs: BTreeMap<String, VecDeque<Growing>>,
    /// Other legs that came first: whether they were deleveraged.
    other_legs: BTreeMap<String, VecDeque<bool>>,
    /// Place of the last leg.
    block: u64,
    index: u32,
}

/// An order so far, or the first leg of one.
#[derive(Debug, Serialize, Deserialize)]
struct Growing {
    last_index: u32,
    order: LiquidationOrder,
}

pub fn fold(taken: &mut Table<(Coin, Wallet), Taken>, fill: &Fill, _: &mut Out<LiquidationOrder>) {
    let Some(victim) = fill.liquidation.as_ref().and_then(|liquidation| liquidation.liquidated_user) else { return };
    let key = (fill.coin.clone(), victim);
    if taken.get(&key).is_some_and(|taken| (fill.block, fill.index) <= (taken.block, taken.index)) {
        return;
    }
    let taken = taken.change(&key);
    taken.block = fill.block;
    taken.index = fill.index;
    if fill.user == victim {
        taken.take_victims_leg(fill);
    } else {
        taken.take_other_leg(fill);
    }
}

/// The block is whole: a leg that still waits has no other one, and the orders are said.
pub fn tick(taken: &mut Table<(Coin, Wallet), Taken>, _: &Tick, out: &mut Out<LiquidationOrder>) {
    for key in taken.touched() {
        let Some(mut taken) = taken.remove(&key) else { continue };
        for leg in core::mem::take(&mut taken.victims_legs).into_values().flatten() {
            taken.book(leg, false);
        }
        // The one that ended last is the one that others go by.
        taken.orders.sort_by_key(|growing| (growing.order.block, growing.last_index));
        taken.orders.into_iter().for_each(|growing| out.push(growing.whole()));
    }
}

/// A block is whole or not there at all.
pub fn gap(_: &mut Table<(Coin, Wallet), Taken>, _: &Gap) {}

impl Taken {
    fn take_victims_leg(&mut self, fill: &Fill) {
        let Some(leg) = Growing::of(fill) else { return };
        let trade = trade_of(fill, fill.side);
        match next_of(&mut self.other_legs, &trade) {
            Some(deleveraged) => self.book(leg, deleveraged),
            None => self.victims_legs.entry(trade).or_default().push_back(leg),
        }
    }

    fn take_other_leg(&mut self, fill: &Fill) {
        let trade = trade_of(fill, if fill.side == Side::Buy { Side::Sell } else { Side::Buy });
        let deleveraged = *fill.dir == *AUTO_DELEVERAGING;
        match next_of(&mut self.victims_legs, &trade) {
            Some(victims_leg) => self.book(victims_leg, deleveraged),
            None => self.other_legs.entry(trade).or_default().push_back(deleveraged),
        }
    }

    fn book(&mut self, mut leg: Growing, deleveraged: bool) {
        if deleveraged {
            leg.order.method = Text::from(method::ADL);
        }
        let is_it =
            |other: &&mut Growing| (other.order.block, &other.order.method) == (leg.order.block, &leg.order.method);
        match self.orders.iter_mut().find(is_it) {
            Some(growing) => growing.add(&leg),
            None => self.orders.push(leg),
        }
    }
}

/// What both legs of a trade have in common, given the victim's side.
fn trade_of(fill: &Fill, victims_side: Side) -> String {
    match fill.tid {
        Some(tid) if tid != 0 => format!("{}|{tid}", fill.block),
        _ => format!("{}|{}|{}|{victims_side:?}", fill.block, fill.px.shortest(), fill.sz.shortest()),
    }
}

fn next_of<T>(waiting: &mut BTreeMap<String, VecDeque<T>>, trade: &str) -> Option<T> {
    let legs = waiting.get_mut(trade)?;
    let next = legs.pop_front();
    if legs.is_empty() {
        waiting.remove(trade);
    }
    next
}

impl Growing {
    fn of(leg: &Fill) -> Option<Self> {
        let liquidation = leg.liquidation.as_ref()?;
        let order = LiquidationOrder {
            coin: leg.coin.clone(),
            wallet: leg.user,
            side: if leg.side == Side::Sell { PositionSide::Long } else { PositionSide::Short },
            method: liquidation.method.clone(),
            block: leg.block,
            time: leg.time,
            fills: 1,
            size: leg.sz,
            notional: leg.px.times(leg.sz).ok(),
            average_px: None,
            mark_px: liquidation.mark_px,
            closed_pnl: leg.closed_pnl?,
            remaining: leg.end_position().ok()?,
        };
        Some(Self { last_index: leg.index, order })
    }

    fn add(&mut self, Self { last_index, order: leg }: &Self) {
        let order = &mut self.order;
        let sums = (order.size.plus(leg.size), order.closed_pnl.plus(leg.closed_pnl));
        // A sum that no exact decimal holds: what is said stays true of the fills that it counts.
        let (Ok(size), Ok(closed_pnl)) = sums else { return };
        order.fills += leg.fills;
        order.size = size;
        order.closed_pnl = closed_pnl;
        order.notional = Amount::sum(order.notional, leg.notional);
        // Legs are booked in the order of their trades' other legs.
        if *last_index > self.last_index {
            self.last_index = *last_index;
            order.time = leg.time;
            order.mark_px = leg.mark_px;
            order.remaining = leg.remaining;
        }
    }

    fn whole(self) -> LiquidationOrder {
        let average_px = self.order.notional.and_then(|notional| notional.over(self.order.size).ok());
        LiquidationOrder { average_px, ..self.order }
    }
}
