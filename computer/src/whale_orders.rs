//! Changes of a position → orders: what the fills of one order in one block come to.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use schemas::{Amount, PositionChange, PositionRisk, PositionSide, Side, WhaleAction, WhaleOrder};
use serde::{Deserialize, Serialize};

const AUTO_DELEVERAGING: &str = "Auto-Deleveraging";

/// The orders of one wallet in one coin since the last tick, in the order of their first fills, and what of the position
/// is known at its end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Orders {
    growing: Vec<Growing>,
    risk: Option<PositionRisk>,
}

/// An order so far.
#[derive(Debug, Serialize, Deserialize)]
pub struct Growing {
    pub order: WhaleOrder,
    pub time: i64,
    /// Absent when it is too large for an exact decimal.
    pub notional: Option<Amount>,
    /// The wallet's in the trades.
    side: Side,
    /// Whether it has closed and opened anything.
    closes: bool,
    opens: bool,
    deleveraged: bool,
    /// What was paid for what is held after.
    cost: Option<Amount>,
}

impl Orders {
    pub fn add(&mut self, change: &PositionChange) {
        let is_it = |other: &&mut Growing| (other.order.block, other.order.oid) == (change.block, change.oid);
        let leg = Growing::of(change);
        match self.growing.iter_mut().find(is_it) {
            Some(growing) => growing.add(leg),
            None => self.growing.push(leg),
        }
    }

    pub fn end_in(&mut self, risk: &PositionRisk) {
        self.risk = Some(risk.clone());
    }

    /// The block is whole.
    pub fn whole(self) -> impl Iterator<Item = Growing> {
        let Self { growing, risk } = self;
        growing.into_iter().map(move |growing| growing.whole(risk.as_ref()))
    }
}

impl Growing {
    fn of(change: &PositionChange) -> Self {
        let order = WhaleOrder {
            coin: change.coin.clone(),
            oid: change.oid,
            block: change.block,
            index: change.index,
            fills: 1,
            side: PositionSide::Flat,
            size: change.sz,
            average_px: None,
            taker_size: if change.crossed { change.sz } else { Amount::ZERO },
            before: change.before,
            after: change.after,
            entry_px: None,
            closed_pnl: change.closed_pnl,
            fee: change.fee,
            fee_token: change.fee_token.clone(),
            method: change.liquidation.clone(),
            open_interest_share: None,
            maker_share: None,
            account_time: None,
            account_value: None,
            leverage: None,
            isolated: None,
            liquidation_px: None,
            risk_basis: None,
        };
        Self {
            order,
            time: change.time,
            notional: change.px.times(change.sz).ok(),
            side: change.side,
            closes: change.before.sign() == -change.side.sign(),
            opens: change.after.sign() == change.side.sign(),
            deleveraged: *change.dir == *AUTO_DELEVERAGING,
            cost: change.cost,
        }
    }

    fn add(&mut self, leg: Self) {
        let order = &mut self.order;
        let sums = (order.size.plus(leg.order.size), order.taker_size.plus(leg.order.taker_size));
        // A sum that no exact decimal holds: what is said stays true of the fills that it counts.
        let (Ok(size), Ok(taker_size)) = sums else { return };
        order.fills += 1;
        order.size = size;
        order.taker_size = taker_size;
        order.closed_pnl = Amount::sum(order.closed_pnl, leg.order.closed_pnl);
        // Fees of two tokens have no sum.
        let is_one_token = order.fee_token == leg.order.fee_token;
        order.fee = Amount::sum(order.fee, leg.order.fee).filter(|_| is_one_token);
        order.after = leg.order.after;
        order.method = order.method.take().or(leg.order.method);
        self.notional = Amount::sum(self.notional, leg.notional);
        self.cost = leg.cost;
        self.closes |= leg.closes;
        self.opens |= leg.opens;
        self.deleveraged |= leg.deleveraged;
    }

    fn whole(mut self, risk: Option<&PositionRisk>) -> Self {
        let order = &mut self.order;
        let way = if self.opens { self.side.sign() } else { -self.side.sign() };
        order.side = PositionSide::of(Amount::from(i64::from(way)));
        order.average_px = self.notional.and_then(|notional| notional.over(order.size).ok());
        order.entry_px = self.cost.and_then(|cost| cost.over(order.after.magnitude()).ok());
        if let Some(risk) = risk.filter(|risk| risk.size == order.after) {
            order.leverage = risk.leverage;
            order.isolated = risk.isolated;
            order.liquidation_px = risk.liquidation_px;
            order.risk_basis = risk.basis;
        }
        self
    }

    /// By what its own fills did: between them the wallet's other orders may have done something else.
    pub fn action(&self) -> WhaleAction {
        let order = &self.order;
        match (self.closes, self.opens) {
            _ if order.method.is_some() => WhaleAction::Liquidated,
            _ if self.deleveraged => WhaleAction::Deleveraged,
            (true, true) => WhaleAction::Flip,
            (false, _) if order.before.is_zero() => WhaleAction::Open,
            (false, _) => WhaleAction::Increase,
            (true, false) if order.after.is_zero() => WhaleAction::Close,
            (true, false) => WhaleAction::Reduce,
        }
    }

    /// What tells it from all others of the wallet.
    pub fn id(&self) -> String {
        format!("{}|{}|{}", self.order.block, self.order.index, self.order.coin)
    }
}
