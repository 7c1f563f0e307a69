//! At which mark a position would be liquidated, and what that stands on: one way for each thing that is known.

use core::num::NonZeroU32;

use schemas::{AccountState, Amount, HeldPosition, MarginTier, RiskBasis};
use serde::{Deserialize, Serialize};

use crate::book::Backing;
use crate::liquidation_price::{Exposure, liquidation_price, maintenance_margin};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    pub px: Option<Amount>,
    pub basis: Option<RiskBasis>,
    pub leverage: Option<NonZeroU32>,
    pub isolated: Option<bool>,
}

/// A price that has moved by less than a thousandth is not told anew.
const NEWS: i64 = 1_000;

/// What the exchange's own price may be beside the formula's: it rounds, and its maintenance margin is a sum of roundings.
const SAME: i64 = 10_000;

impl Risk {
    pub fn of_the_exchange(px: Option<Amount>, backing: &Backing) -> Self {
        Self { px, basis: Some(RiskBasis::Exchange), leverage: backing.leverage, isolated: backing.is_isolated() }
    }

    /// Of an account of which neither the formula nor the exchange's last word says anything of this position.
    pub fn not_known(backing: &Backing) -> Self {
        Self { leverage: backing.leverage, isolated: backing.is_isolated(), ..Self::default() }
    }

    pub fn is_news_after(&self, told: &Self) -> bool {
        let is_another = (self.basis, self.leverage, self.isolated) != (told.basis, told.leverage, told.isolated);
        is_another || !are_close(self.px, told.px, NEWS)
    }
}

/// As if half of the highest leverage had been chosen when it was entered, with a margin of its own.
pub fn assumed(size: Amount, cost: Option<Amount>, tiers: &[MarginTier]) -> Risk {
    let highest = tiers.iter().map(|tier| tier.max_leverage).max().unwrap_or(1);
    let leverage = (highest / 2).max(1);
    let px = cost.and_then(|cost| {
        // A cost that was missed was made of quotients.
        let cost = cost.in_millionths();
        let equity = cost.over(Amount::from(i64::from(leverage))).ok()?;
        let exposure = Exposure { size, notional: cost, equity, other_maintenance: Amount::ZERO };
        liquidation_price(&exposure, tiers).ok()
    });
    Risk {
        px: px.flatten(),
        basis: px.map(|_| RiskBasis::Assumed),
        leverage: px.and_then(|_| NonZeroU32::new(leverage)),
        isolated: None,
    }
}

/// Its price does not depend on the mark.
pub fn isolated(backing: &Backing, basis: RiskBasis, mark: Option<Amount>, tiers: &[MarginTier]) -> Risk {
    let px = backing.raw_usd.zip(mark).and_then(|(raw_usd, mark)| {
        let value = backing.size.times(mark).ok()?;
        let equity = raw_usd.plus(value).ok()?;
        let exposure =
            Exposure { size: backing.size, notional: value.magnitude(), equity, other_maintenance: Amount::ZERO };
        liquidation_price(&exposure, tiers).ok()
    });
    known(px, backing, basis)
}

/// Of an account that is worth so much, and whose other cross positions ask for so much.
pub fn cross(
    backing: &Backing,
    basis: RiskBasis,
    value: Option<Amount>,
    asked: Option<Amount>,
    mark: Option<Amount>,
    tiers: &[MarginTier],
) -> Risk {
    let px = value.zip(asked).zip(mark).and_then(|((equity, other_maintenance), mark)| {
        let notional = backing.size.times(mark).ok()?.magnitude();
        liquidation_price(&Exposure { size: backing.size, notional, equity, other_maintenance }, tiers).ok()
    });
    known(px, backing, basis)
}

pub fn maintenance(worth: Amount, tiers: &[MarginTier]) -> Option<Amount> {
    if tiers.is_empty() { None } else { maintenance_margin(worth.magnitude(), tiers).ok() }
}

/// Whether the formula gives the price that the exchange has told, on what it told with it. Where that cannot be
/// known it is taken for so.
pub fn is_the_same_price(said: &HeldPosition, state: &AccountState, tiers: &[MarginTier]) -> bool {
    let backing = Backing::of(said);
    let Some(own) = maintenance(said.position_value, tiers) else { return true };
    let (equity, asked) = match backing.raw_usd {
        Some(_) => (Some(said.margin_used), Some(Amount::ZERO)),
        None => {
            let all = state.cross_maintenance_margin_used;
            (Some(state.cross_margin_summary.account_value), all.and_then(|all| all.minus(own).ok()))
        }
    };
    let Some((equity, other_maintenance)) = equity.zip(asked) else { return true };
    let exposure = Exposure { size: said.szi, notional: said.position_value, equity, other_maintenance };
    liquidation_price(&exposure, tiers).is_ok_and(|px| are_close(px, said.liquidation_px, SAME))
}

fn known(px: Option<Option<Amount>>, backing: &Backing, basis: RiskBasis) -> Risk {
    Risk { px: px.flatten(), basis: px.map(|_| basis), leverage: backing.leverage, isolated: backing.is_isolated() }
}

/// Whether two prices are apart by less than one part in so many.
fn are_close(one: Option<Amount>, other: Option<Amount>, parts: i64) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    let apart = one.minus(other).and_then(|by| by.magnitude().times(Amount::from(parts)));
    apart.is_ok_and(|apart| apart < other.magnitude() || one == other)
}
