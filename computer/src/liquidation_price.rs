//! An exposure and the terms of its market → the mark at which it is liquidated: where what backs it equals the
//! maintenance margin, with margin tiers. The exchange's own formula; no fold, and nothing is remembered.
//!
//! It holds for isolated positions and for accounts whose cross margin is their own. Of accounts whose margin is
//! pooled with spot balances or other dexes it says nothing true.

use schemas::{Amount, AmountError, MarginTier};

/// A position and what backs it, all at one mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    /// Signed: shorts are negative.
    pub size: Amount,
    /// Size times mark, unsigned.
    pub notional: Amount,
    /// Account value when the margin is cross; margin and unrealised profit when it is isolated.
    pub equity: Amount,
    /// Maintenance margin of the account's other cross positions; zero when isolated.
    pub other_maintenance: Amount,
}

/// Absent when no price liquidates it: a long that would still be backed at zero, or no position at all. Good to 16
/// places; an error when the price is too large for an exact decimal.
pub fn liquidation_price(exposure: &Exposure, tiers: &[MarginTier]) -> Result<Option<Amount>, AmountError> {
    let side = exposure.size.sign();
    if side == 0 {
        return Ok(None);
    }
    let mut price: Option<Amount> = None;
    for (tier, deduction) in tiers.iter().zip(deductions(tiers)) {
        let in_tier = price_in_tier(exposure, tier, deduction?)?;
        // The margin is the largest that any tier asks for, so the price is the one that is reached first.
        let comes_first = price.is_none_or(|price| if side > 0 { in_tier > price } else { in_tier < price });
        if comes_first {
            price = Some(in_tier);
        }
    }
    Ok(price.filter(|price| price.sign() > 0))
}

/// What a notional asks for: half of the initial margin at the tier's leverage, tier by tier.
pub fn maintenance_margin(notional: Amount, tiers: &[MarginTier]) -> Result<Amount, AmountError> {
    let mut margin = Amount::ZERO;
    for (tier, deduction) in tiers.iter().zip(deductions(tiers)) {
        margin = margin.max(notional.over(maintenance_leverage(tier))?.minus(deduction?)?);
    }
    Ok(margin)
}

/// `(Q·P − side·(E − M + d)) / (Q·(1 − side·r))`, where `r` is one over the maintenance leverage `L` and may have no
/// end as a decimal: so it is `… / (Q·(L − side)) · L`.
fn price_in_tier(exposure: &Exposure, tier: &MarginTier, deduction: Amount) -> Result<Amount, AmountError> {
    let leverage = maintenance_leverage(tier);
    let free = exposure.equity.minus(exposure.other_maintenance)?.plus(deduction)?;
    let (backed, rest) = if exposure.size.sign() > 0 {
        (exposure.notional.minus(free)?, leverage.minus(Amount::from(1))?)
    } else {
        (exposure.notional.plus(free)?, leverage.plus(Amount::from(1))?)
    };
    backed.over(exposure.size.magnitude().times(rest)?)?.times(leverage)
}

fn maintenance_leverage(tier: &MarginTier) -> Amount {
    Amount::from(2 * i64::from(tier.max_leverage))
}

/// What keeps the margin of a tier joined to that of the one before it: `lower bound · (1/L − 1/L of the one before)`,
/// summed.
fn deductions(tiers: &[MarginTier]) -> impl Iterator<Item = Result<Amount, AmountError>> {
    let mut sum = Ok(Amount::ZERO);
    (0..tiers.len()).map(move |at| {
        if at > 0 {
            sum = sum.and_then(|sum| sum.plus(step(&tiers[at - 1], &tiers[at])?));
        }
        sum
    })
}

fn step(lower: &MarginTier, upper: &MarginTier) -> Result<Amount, AmountError> {
    let [lower_leverage, upper_leverage] = [lower, upper].map(maintenance_leverage);
    let asked = upper.lower_bound.times(lower_leverage.minus(upper_leverage)?)?;
    asked.over(lower_leverage.times(upper_leverage)?)
}
