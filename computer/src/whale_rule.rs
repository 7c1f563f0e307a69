//! How large an order has to be to be told of: by what its coin trades in a day, and never less than a floor. The rule is
//! given to a task, not remembered by it: what is said tells by which one.

use schemas::{Amount, WhaleRule};

/// The floor, where it is not known what the coin trades.
pub(crate) fn threshold(rule: &WhaleRule, day_notional: Option<Amount>) -> Amount {
    let share = day_notional.and_then(|volume| volume.times(rule.share_of_volume).ok());
    share.map_or(rule.floor, |share| share.max(rule.floor))
}
