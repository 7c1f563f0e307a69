//! `fills` -> `position-changes`, `positions`: what each wallet holds in each perpetual.
//!
//! A fill says what was held before it, so one fill is enough to know a position, and whatever was missed heals.

use schemas::{Amount, Coin, Fill, Gap, MarketKind, Position, PositionChange, PositionSide, Wallet, comes_after};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::table::Table;

/// What is remembered of an open position.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Held {
    size: Amount,
    /// Absent when the side was taken before anything was seen of it.
    opened_at: Option<i64>,
    changed_at: i64,
    last_px: Amount,
    block: u64,
    index: u32,
}

pub fn fold(held: &mut Table<(Coin, Wallet), Held>, fill: &Fill, out: &mut Out<PositionChange>) {
    // Balances of spot and outcome tokens move without fills: a fill does not make a position of them.
    let (MarketKind::Perp, Ok(after)) = (fill.coin.kind(), fill.end_position()) else { return };
    let key = (fill.coin.clone(), fill.user);
    let known = held.get(&key);
    let this = (fill.block, fill.index, fill.time);
    if known.is_some_and(|known| !comes_after(this, (known.block, known.index, known.changed_at))) {
        return;
    }
    let size_known = known.map(|known| known.size);
    let entry = held.change(&key);
    let side_before = fill.start_position.sign();
    if size_known.unwrap_or(Amount::ZERO).sign() != side_before {
        // The side was taken when nobody was looking.
        entry.opened_at = None;
    }
    if after.sign() != 0 && after.sign() != side_before {
        entry.opened_at = Some(fill.time);
    }
    entry.size = after;
    entry.changed_at = fill.time;
    entry.last_px = fill.px;
    entry.block = fill.block;
    entry.index = fill.index;
    let (coin, wallet) = key;
    out.push(PositionChange {
        coin,
        wallet,
        time: fill.time,
        block: fill.block,
        index: fill.index,
        side: fill.side,
        px: fill.px,
        sz: fill.sz,
        dir: fill.dir.clone(),
        before: fill.start_position,
        after,
        known: size_known,
    });
}

/// Each position that changed, as it is now; a flat one is said once and forgotten.
pub fn tick(held: &mut Table<(Coin, Wallet), Held>, tick: &Tick, out: &mut Out<Position>) {
    for key in held.touched() {
        let Some(position) = held.get(&key) else { continue };
        out.push(Position {
            coin: key.0.clone(),
            wallet: key.1,
            side: PositionSide::of(position.size),
            size: position.size,
            opened_at: position.opened_at,
            changed_at: position.changed_at,
            last_px: position.last_px,
            block: position.block,
            index: position.index,
            clock: tick.time,
        });
        if position.size.is_zero() {
            held.remove(&key);
        }
    }
}

/// Positions heal with the next fill; until then they are what was last known.
pub fn gap(_: &mut Table<(Coin, Wallet), Held>, _: &Gap) {}
