//! The liquidation price: recorded examples, tiers, and what it means: there, what backs a position is what is asked.

use proptest::prelude::*;
use schemas::{Amount, MarginTier};

use super::*;
use crate::{Exposure, liquidation_price, maintenance_margin};

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub(super) fn tiers(bounds: &[(i64, u32)]) -> Vec<MarginTier> {
    let tier = |&(bound, max_leverage): &(i64, u32)| MarginTier { lower_bound: Amount::from(bound), max_leverage };
    bounds.iter().map(tier).collect()
}

/// An isolated position at some mark; the price does not depend on which.
pub(super) fn isolated(size: Amount, raw_usd: Amount, mark: Amount) -> Exposure {
    let value = size.times(mark).unwrap();
    let equity = raw_usd.plus(value).unwrap();
    Exposure { size, notional: value.magnitude(), equity, other_maintenance: Amount::ZERO }
}

fn price_of(exposure: &Exposure, bounds: &[(i64, u32)]) -> String {
    let price = liquidation_price(exposure, &tiers(bounds)).unwrap();
    price.map_or("none".into(), |price| price.to_string())
}

#[test]
fn the_worked_examples() {
    let melania = isolated(amount("6268.5"), amount("-1081.941371"), amount("0.2"));
    assert!(price_of(&melania, &[(0, 5)]).starts_with("0.1917774713"));
    let hype = isolated(amount("2.0"), amount("-68.126246"), amount("37.826"));
    assert!(price_of(&hype, &[(0, 10)]).starts_with("35.8559189473"), "{}", price_of(&hype, &[(0, 10)]));
    let (notional, own) = (amount("8667.27823"), amount("8667.27823").over(Amount::from(80)).unwrap());
    let bitcoin = Exposure {
        size: amount("-0.07267"),
        notional,
        equity: amount("2987010.81705"),
        other_maintenance: amount("302468.475059").minus(own).unwrap(),
    };
    assert!(price_of(&bitcoin, &[(0, 40)]).starts_with("36604749.16"), "{}", price_of(&bitcoin, &[(0, 40)]));
}

#[test]
fn the_tier_is_the_one_of_the_notional_at_the_price() {
    let bitcoin = isolated(amount("2000"), amount("-190000000"), amount("100000"));
    assert!(price_of(&bitcoin, &[(0, 40)]).starts_with("96202.5316"));
    assert!(price_of(&bitcoin, &[(0, 40), (150_000_000, 20)]).starts_with("96474.3589"));
    let margin = maintenance_margin(amount("200000000"), &tiers(&[(0, 40), (150_000_000, 20)]));
    assert_eq!(margin, Ok(amount("3125000")));
}

#[test]
fn what_no_price_liquidates_has_none() {
    let paid = isolated(amount("2.0"), amount("10"), amount("37.826"));
    assert_eq!(price_of(&paid, &[(0, 10)]), "none");
    assert_eq!(price_of(&isolated(Amount::ZERO, amount("10"), amount("37.8")), &[(0, 10)]), "none");
    assert_eq!(price_of(&isolated(amount("2.0"), amount("-68"), amount("37.8")), &[]), "none", "terms unknown");
}

/// The rule as it is documented: the price within each tier, and the tier that it is accepted in.
fn accepted(exposure: &Exposure, tiers: &[MarginTier]) -> Option<Amount> {
    let side = Amount::from(i64::from(exposure.size.sign()));
    let (one, size) = (Amount::from(1), exposure.size.magnitude());
    let (mut deduction, mut rate_before) = (Amount::ZERO, None);
    for (at, tier) in tiers.iter().enumerate() {
        let rate = one.over(Amount::from(2 * i64::from(tier.max_leverage))).unwrap();
        let step = rate_before.map_or(Amount::ZERO, |before| rate.minus(before).unwrap());
        deduction = deduction.plus(tier.lower_bound.times(step).unwrap()).unwrap();
        rate_before = Some(rate);
        let free = exposure.equity.minus(exposure.other_maintenance).unwrap().plus(deduction).unwrap();
        let above = exposure.notional.minus(side.times(free).unwrap()).unwrap();
        let price = above.over(size.times(one.minus(side.times(rate).unwrap()).unwrap()).unwrap()).unwrap();
        let notional = size.times(price).unwrap();
        let is_below_next = tiers.get(at + 1).is_none_or(|next| notional < next.lower_bound);
        if tier.lower_bound <= notional && is_below_next {
            return Some(price);
        }
    }
    None
}

fn is_near(one: Amount, other: Amount) -> bool {
    let difference = one.minus(other).unwrap().magnitude();
    difference <= amount("0.00000001") || difference <= other.magnitude().times(amount("0.0000000001")).unwrap()
}

fn exposure() -> impl Strategy<Value = Exposure> {
    let lots = prop_oneof![-90_000i64..-1, 1i64..90_000];
    (lots, 1_000i64..20_000_000, -4_000i64..9_000, 0i64..4_000).prop_map(|(lots, mark, equity, other)| {
        let size = Amount::from(lots).over(Amount::from(10)).unwrap();
        let notional = size.magnitude().times(Amount::from(mark).over(Amount::from(100)).unwrap()).unwrap();
        let share = |ten_thousandths: i64| {
            notional.times(Amount::from(ten_thousandths)).unwrap().over(Amount::from(10_000)).unwrap()
        };
        Exposure { size, notional, equity: share(equity), other_maintenance: share(other) }
    })
}

fn terms() -> impl Strategy<Value = Vec<MarginTier>> {
    prop_oneof![
        Just(tiers(&[(0, 3)])),
        Just(tiers(&[(0, 10), (3_000_000, 5)])),
        Just(tiers(&[(0, 40), (150_000_000, 20)])),
        Just(tiers(&[(0, 25), (1_000_000, 20), (20_000_000, 10), (100_000_000, 3)])),
    ]
}

proptest! {
    #[test]
    fn with_the_mark_at_the_price_the_account_has_what_is_asked(exposure in exposure(), tiers in terms()) {
        let price = liquidation_price(&exposure, &tiers).unwrap();
        prop_assume!(price.is_some());
        let at_price = exposure.size.magnitude().times(price.unwrap().over(Amount::from(1)).unwrap());
        prop_assume!(at_price.is_ok());
        let moved = at_price.unwrap().minus(exposure.notional).unwrap();
        let gained = if exposure.size.sign() > 0 { moved } else { moved.negated() };
        let equity = exposure.equity.plus(gained).unwrap();
        let asked = exposure.other_maintenance.plus(maintenance_margin(at_price.unwrap(), &tiers).unwrap()).unwrap();
        prop_assert!(is_near(equity, asked), "{} is backed by {equity}, asked for {asked}", price.unwrap());
    }

    #[test]
    fn the_price_is_the_one_that_is_accepted_in_its_tier(exposure in exposure(), tiers in terms()) {
        let price = liquidation_price(&exposure, &tiers).unwrap();
        match (price, accepted(&exposure, &tiers)) {
            (Some(price), Some(accepted)) => prop_assert!(is_near(price, accepted), "{price}, accepted {accepted}"),
            (price, accepted) => prop_assert_eq!(price, accepted.filter(|price| price.sign() > 0)),
        }
    }
}
