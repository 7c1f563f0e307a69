//! `fills` -> `position-changes`, `positions`: what each wallet holds in each perpetual.
//!
//! A fill says what was held before it, so one fill is enough to know a position, and whatever was missed heals.

use core::num::NonZeroI64;

use schemas::{Amount, Coin, Fill, Gap, MarketKind, Position, PositionChange, PositionSide, Wallet, comes_after};
use serde::{Deserialize, Serialize};

use crate::given::Given;
use crate::processor::{Out, Tick};
use crate::table::Table;

/// The open ones, and for so long those that were closed.
pub type Known = (Table<(Coin, Wallet), Held>, Given<i64>);

/// What is remembered of a position.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Held {
    size: Amount,
    /// Absent when the side was taken before anything was seen of it.
    opened_at: Option<NonZeroI64>,
    /// What was paid for what is held now: size times entry price, unsigned. Absent while it is not known.
    cost: Option<Amount>,
    /// Of the side that is held now, fees taken off.
    realised_pnl: Option<Amount>,
    changed_at: i64,
    last_px: Amount,
    block: u64,
    index: u32,
}

const MINUTE_MS: i64 = 60_000;

pub fn remembers_closed((_, remembered_ms): &mut Known, minutes: u32) {
    remembered_ms.0 = i64::from(minutes) * MINUTE_MS;
}

pub fn fold((held, _): &mut Known, fill: &Fill, out: &mut Out<PositionChange>) {
    // Balances of spot and outcome tokens move without fills: a fill does not make a position of them.
    let (MarketKind::Perp, Ok(after)) = (fill.coin.kind(), fill.end_position()) else { return };
    let key = (fill.coin.clone(), fill.user);
    let known = held.get(&key);
    let this = (fill.block, fill.index, fill.time);
    let is_old = known.is_some_and(|known| !comes_after(this, (known.block, known.index, known.changed_at)));
    // The other side of what is settled is the exchange itself: it holds nothing.
    if is_old || fill.user == Wallet::NOBODY {
        return;
    }
    let size_known = known.map(|known| known.size);
    let entry = held.change(&key);
    entry.notice_what_was_missed(fill);
    entry.close(fill, after);
    entry.open(fill, after);
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
        oid: fill.oid,
        crossed: fill.crossed,
        closed_pnl: fill.closed_pnl,
        fee: fill.fee,
        cost: entry.cost,
        fee_token: fill.fee_token.clone().filter(|token| token.trim() != "USDC"),
        liquidation: fill
            .liquidation
            .as_ref()
            .filter(|it| it.liquidated_user == Some(fill.user))
            .map(|it| it.method.clone()),
    });
}

/// Each position that changed, as it is now.
pub fn tick((held, remembered_ms): &mut Known, tick: &Tick, out: &mut Out<Position>) {
    for key in if tick.tells_all { held.keys() } else { held.touched() } {
        let Some(position) = held.get(&key) else { continue };
        out.push(Position {
            coin: key.0.clone(),
            wallet: key.1,
            side: PositionSide::of(position.size),
            size: position.size,
            opened_at: position.opened_at.map(NonZeroI64::get),
            entry_px: position.cost.and_then(|cost| cost.over(position.size.magnitude()).ok()),
            realised_pnl: position.realised_pnl,
            changed_at: position.changed_at,
            last_px: position.last_px,
            block: position.block,
            index: position.index,
            clock: tick.time,
        });
    }
    if tick.crosses(MINUTE_MS) {
        let is_over = |position: &Held| position.size.is_zero() && position.changed_at + remembered_ms.0 <= tick.time;
        for key in held.keys_where(|_, position| is_over(position)) {
            held.remove(&key);
        }
    }
}

/// Positions heal with the next fill; until then they are what was last known.
pub fn gap(_: &mut Known, _: &Gap) {}

impl Held {
    /// What was held before the fill is not what was known: the rest happened when nobody was looking.
    fn notice_what_was_missed(&mut self, fill: &Fill) {
        if self.size == fill.start_position {
            return;
        }
        self.opened_at = None;
        self.cost = None;
        self.realised_pnl = Some(Amount::ZERO);
    }

    /// What the fill closes of the side that was held. The exchange says what that realised, and so what it had cost.
    fn close(&mut self, fill: &Fill, after: Amount) {
        let (before, side) = (fill.start_position, fill.start_position.sign());
        if side == 0 || fill.side.sign() == side {
            return;
        }
        let left = if after.sign() == side { after.magnitude() } else { Amount::ZERO };
        let closed = before.magnitude().minus(left).ok();
        let cost_of_closed = closed.zip(fill.closed_pnl).and_then(|(closed, pnl)| {
            let sold_for = fill.px.times(closed).ok()?;
            sold_for.minus(if side > 0 { pnl } else { pnl.negated() }).ok()
        });
        self.cost = match (self.cost, cost_of_closed) {
            (Some(cost), Some(of_closed)) => cost.minus(of_closed).ok(),
            // As much for each as for those that were closed.
            (None, Some(of_closed)) => closed.and_then(|closed| of_closed.over(closed).ok()?.times(left).ok()),
            (_, None) => None,
        };
        self.realise(fill.closed_pnl, share(fill.fee, closed, fill.sz));
    }

    /// What the fill adds to a side, the one that was held or a new one.
    fn open(&mut self, fill: &Fill, after: Amount) {
        let is_new = after.sign() != fill.start_position.sign();
        if after.sign() == 0 || fill.side.sign() != after.sign() {
            return;
        }
        if is_new {
            self.opened_at = NonZeroI64::new(fill.time);
            self.cost = Some(Amount::ZERO);
            self.realised_pnl = Some(Amount::ZERO);
        }
        let added = if is_new { after.magnitude() } else { fill.sz };
        self.cost = Amount::sum(self.cost, fill.px.times(added).ok());
        self.realise(Some(Amount::ZERO), share(fill.fee, Some(added), fill.sz));
    }

    fn realise(&mut self, pnl: Option<Amount>, fee: Option<Amount>) {
        self.realised_pnl = Amount::sum(self.realised_pnl, Amount::sum(pnl, fee.map(Amount::negated)));
    }
}

/// A fill that closes one side and opens the other pays its fee for both.
pub(crate) fn share(fee: Option<Amount>, part: Option<Amount>, whole: Amount) -> Option<Amount> {
    let (fee, part) = (fee?, part?);
    if part == whole { Some(fee) } else { fee.times(part).ok()?.over(whole).ok() }
}
