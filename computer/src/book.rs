//! What backs the positions of an account on one dex: the money behind its cross positions and behind each isolated
//! one, as the exchange told them, with what has happened since carried forward.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use schemas::{Amount, AmountError, Coin, HeldPosition, PositionChange, PositionSide, RiskBasis};
use serde::{Deserialize, Serialize};

/// The cross margin of an account, and what happened lately.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Book {
    /// The moment at which the exchange said it; 0 while it has said nothing that could be taken.
    pub as_of: i64,
    /// The moment of which it has spoken last, taken or not.
    pub spoken_of: i64,
    /// Money without the value of the positions; absent while it is not known, or cannot be told exactly any more.
    pub cash: Option<Amount>,
    /// When something happened last that was carried forward.
    pub carried_to: i64,
    /// When something happened last of which nobody can say what it did to the account: what it stands on is not all
    /// known then, until the exchange speaks of a later moment.
    pub unclear_to: i64,
    /// Some of its positions have another price than the formula's.
    pub is_pooled: bool,
    /// Where something is held.
    pub coins: Vec<Coin>,
    /// The latest changes: the exchange's next word may be older than they are.
    pub recent: Vec<Recent>,
    /// Changes up to this time are no longer among them.
    pub forgotten_to: i64,
}

/// What a change did, for those who have to do it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recent {
    pub time: i64,
    pub coin: Coin,
    /// What was held, as the source says.
    pub before: Amount,
    pub after: Amount,
    pub px: Amount,
    pub fee: Amount,
}

/// One position, as far as it is known what backs it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Backing {
    pub size: Amount,
    /// The leverage that the wallet has chosen; absent while the exchange has not told it.
    pub leverage: Option<NonZeroU32>,
    /// Of an isolated position: the money behind it, without its value.
    pub raw_usd: Option<Amount>,
}

/// The exchange's word on an account comes so much later than what it speaks of, at most.
pub const REMEMBERED_MS: i64 = 10_000;

/// So long its word on an account is carried forward when it says nothing more.
pub const TRUSTED_MS: i64 = 3_600_000;

impl Book {
    /// Carries a change forward: money against size.
    pub fn carry(&mut self, backing: &mut Backing, change: &Recent) {
        let is_old = |recent: &Recent| recent.time + REMEMBERED_MS < change.time;
        let newest = self.recent.iter().filter(|recent| is_old(recent)).map(|recent| recent.time).max();
        self.forgotten_to = self.forgotten_to.max(newest.unwrap_or_default());
        self.recent.retain(|recent| !is_old(recent));
        self.recent.push(change.clone());
        self.carry_again(backing, change);
    }

    /// Does again what happened after the moment of which the exchange has spoken.
    pub fn carry_again(&mut self, backing: &mut Backing, change: &Recent) {
        self.carried_to = self.carried_to.max(change.time);
        self.settle(backing, change);
        if backing.size.is_zero() {
            // How the next one is backed is not said yet.
            *backing = Backing::default();
        }
    }

    /// What a price by the formula stands on.
    pub fn basis(&self) -> RiskBasis {
        if self.unclear_to > self.as_of {
            RiskBasis::Assumed
        } else if self.carried_to > self.as_of {
            RiskBasis::Carried
        } else {
            RiskBasis::Account
        }
    }

    fn settle(&mut self, backing: &mut Backing, change: &Recent) {
        let settled = match backing.raw_usd {
            Some(raw_usd) => settle_isolated(raw_usd, backing.leverage, change),
            None => settle_cross(change).map(|paid| (None, paid)),
        };
        // Where something was missed, nobody can say what the money is until the exchange does.
        let cash = self.cash.filter(|_| backing.size == change.before).zip(settled.ok());
        match cash.and_then(|(cash, (raw_usd, paid))| Some((cash.minus(paid).ok()?, raw_usd))) {
            Some((cash, raw_usd)) => {
                self.cash = Some(cash);
                backing.raw_usd = raw_usd;
            }
            None => self.cash = None,
        }
        backing.size = change.after;
    }
}

/// What leaves the cash.
fn settle_cross(change: &Recent) -> Result<Amount, AmountError> {
    change.value()?.plus(change.fee)
}

/// What is then behind the position, and what leaves the cash: an increase takes its margin from there, a decrease
/// gives back its part of what the position is worth.
fn settle_isolated(
    raw_usd: Amount,
    leverage: Option<NonZeroU32>,
    change: &Recent,
) -> Result<(Option<Amount>, Amount), AmountError> {
    let &Recent { before, after, px, fee, .. } = change;
    let value = change.value()?;
    if after.is_zero() {
        let worth = raw_usd.minus(value)?;
        return Ok((Some(Amount::ZERO), fee.minus(worth)?));
    }
    if before.sign() * value.sign() >= 0 {
        let margin = margin_of(value, leverage)?;
        return Ok((Some(raw_usd.minus(value)?.plus(margin)?), margin.plus(fee)?));
    }
    if after.sign() == before.sign() {
        let left = raw_usd.times(after)?.over(before)?.in_millionths();
        let given_back = raw_usd.minus(value)?.minus(left)?;
        return Ok((Some(left), fee.minus(given_back)?));
    }
    // It turned: all of one side is closed, the rest opens another one.
    let worth = raw_usd.plus(before.times(px)?)?;
    let opened = after.times(px)?;
    let margin = margin_of(opened, leverage)?;
    Ok((Some(margin.minus(opened)?), margin.plus(fee)?.minus(worth)?))
}

fn margin_of(value: Amount, leverage: Option<NonZeroU32>) -> Result<Amount, AmountError> {
    let margin = value.magnitude().over(Amount::from(leverage.map_or(1, |it| i64::from(it.get()))))?;
    Ok(margin.in_millionths())
}

impl Backing {
    /// As the exchange told it.
    pub fn of(position: &HeldPosition) -> Self {
        Self {
            size: position.szi,
            leverage: NonZeroU32::new(position.leverage.value),
            raw_usd: position.leverage.raw_usd.filter(|_| &*position.leverage.kind == "isolated"),
        }
    }

    pub fn side(&self) -> PositionSide {
        PositionSide::of(self.size)
    }

    /// Not known while the exchange has not told of the position: it was opened since.
    pub fn is_isolated(&self) -> Option<bool> {
        self.leverage.map(|_| self.raw_usd.is_some())
    }
}

impl Recent {
    pub fn of(change: &PositionChange) -> Self {
        let is_paid_in_usdc = change.fee_token.is_none();
        Self {
            time: change.time,
            coin: change.coin.clone(),
            before: change.before,
            after: change.after,
            px: change.px,
            fee: change.fee.filter(|_| is_paid_in_usdc).unwrap_or(Amount::ZERO),
        }
    }

    /// Of what was bought; of what was sold it is negative.
    fn value(&self) -> Result<Amount, AmountError> {
        self.after.minus(self.before)?.times(self.px)
    }
}
