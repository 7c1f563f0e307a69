//! What backs the positions of an account on one dex: the money behind its cross positions and behind each isolated
//! one, as the exchange told them, with what has happened since carried forward.

use alloc::vec::Vec;

use schemas::{Amount, AmountError, Coin, HeldPosition, PositionChange, PositionSide};
use serde::{Deserialize, Serialize};

/// The cross margin of an account, and what happened lately.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Book {
    /// The moment at which the exchange said it.
    pub as_of: i64,
    /// Money without the value of the positions; absent when it cannot be told exactly any more.
    pub cash: Option<Amount>,
    /// Whether something has changed since.
    pub is_carried: bool,
    /// Where something is held.
    pub coins: Vec<Coin>,
    /// The latest changes: the exchange's next word may be older than they are.
    pub recent: Vec<Recent>,
}

/// What a change did, for those who have to do it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recent {
    pub time: i64,
    pub coin: Coin,
    /// Signed.
    pub size: Amount,
    pub px: Amount,
    pub fee: Amount,
}

/// One position, as far as it is known what backs it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Backing {
    pub size: Amount,
    /// The leverage that the wallet has chosen; absent while the exchange has not told it.
    pub leverage: Option<u32>,
    /// Of an isolated position: the money behind it, without its value.
    pub raw_usd: Option<Amount>,
}

/// The exchange's word on an account comes so much later than what it speaks of, at most.
pub const REMEMBERED_MS: i64 = 10_000;

impl Book {
    /// Carries a change forward: money against size.
    pub fn carry(&mut self, backing: &mut Backing, change: &Recent) {
        self.recent.retain(|recent| recent.time + REMEMBERED_MS >= change.time);
        self.recent.push(change.clone());
        self.is_carried = true;
        self.settle(backing, change);
    }

    /// Does again what happened after the moment of which the exchange has spoken.
    pub fn carry_again(&mut self, backing: &mut Backing, change: &Recent) {
        self.is_carried = true;
        self.settle(backing, change);
    }

    fn settle(&mut self, backing: &mut Backing, change: &Recent) {
        let settled = match backing.raw_usd {
            Some(raw_usd) => settle_isolated(raw_usd, backing, change),
            None => settle_cross(change).map(|paid| (None, paid)),
        };
        let cash = self.cash.zip(settled.ok());
        match cash.and_then(|(cash, (raw_usd, paid))| Some((cash.minus(paid).ok()?, raw_usd))) {
            Some((cash, raw_usd)) => {
                self.cash = Some(cash);
                backing.raw_usd = raw_usd;
            }
            None => self.cash = None,
        }
        match backing.size.plus(change.size) {
            Ok(size) => backing.size = size,
            Err(_) => self.cash = None,
        }
    }
}

/// What leaves the cash.
fn settle_cross(change: &Recent) -> Result<Amount, AmountError> {
    change.size.times(change.px)?.plus(change.fee)
}

/// What is then behind the position, and what leaves the cash: an increase takes its margin from there, a decrease
/// gives back its part of what the position is worth.
fn settle_isolated(
    raw_usd: Amount,
    backing: &Backing,
    change: &Recent,
) -> Result<(Option<Amount>, Amount), AmountError> {
    let (before, value) = (backing.size, change.size.times(change.px)?);
    let after = before.plus(change.size)?;
    if after.is_zero() {
        let worth = raw_usd.minus(value)?;
        return Ok((Some(Amount::ZERO), change.fee.minus(worth)?));
    }
    if before.sign() * change.size.sign() >= 0 {
        let margin = value.magnitude().over(Amount::from(i64::from(backing.leverage.unwrap_or(1))))?;
        return Ok((Some(raw_usd.minus(value)?.plus(margin)?), margin.plus(change.fee)?));
    }
    if after.sign() == before.sign() {
        let left = raw_usd.times(after)?.over(before)?;
        let given_back = raw_usd.minus(value)?.minus(left)?;
        return Ok((Some(left), change.fee.minus(given_back)?));
    }
    // It turned: all of one side is closed, the rest opens another one.
    let worth = raw_usd.plus(before.times(change.px)?)?;
    let opened = after.times(change.px)?;
    let margin = opened.magnitude().over(Amount::from(i64::from(backing.leverage.unwrap_or(1))))?;
    Ok((Some(margin.minus(opened)?), margin.plus(change.fee)?.minus(worth)?))
}

impl Backing {
    /// As the exchange told it.
    pub fn of(position: &HeldPosition) -> Self {
        Self {
            size: position.szi,
            leverage: Some(position.leverage.value),
            raw_usd: position.leverage.raw_usd.filter(|_| &*position.leverage.kind == "isolated"),
        }
    }

    pub fn side(&self) -> PositionSide {
        PositionSide::of(self.size)
    }
}

impl Recent {
    pub fn of(change: &PositionChange) -> Self {
        let is_paid_in_usdc = change.fee_token.is_none();
        Self {
            time: change.time,
            coin: change.coin.clone(),
            size: if change.side.sign() > 0 { change.sz } else { change.sz.negated() },
            px: change.px,
            fee: change.fee.filter(|_| is_paid_in_usdc).unwrap_or(Amount::ZERO),
        }
    }
}
